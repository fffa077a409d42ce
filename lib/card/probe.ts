/**
 * What a card and its reader really do, for `doctor --report`: each belief of this program about the card, tried out.
 *
 * {@link probeCard} sends nothing that carries a PIN, and no command that changes the card; a signature without a PIN
 * is refused by the card, and the way it is refused tells what it knows. {@link probeVerified} is for a session in
 * which the holder has agreed to give the PIN. Nothing of the holder is kept: of a file, its length alone.
 */

import { toHex } from "../bytes.ts";
import { encodeDigestInfo } from "../digest-info.ts";
import {
  type CommandApdu,
  encodeCommand,
  INS_PERFORM_SECURITY_OPERATION,
  INS_READ_BINARY,
  INS_SELECT,
  INS_VERIFY,
} from "../iso7816/command.ts";
import { decodeResponse, type ResponseApdu } from "../iso7816/response.ts";
import { SW_DONE, SW_SECURITY_STATUS, SW_UNSPECIFIED, SW_WRONG_PARAMETERS } from "../iso7816/status-word.ts";
import { referenceOf, selectApplication } from "./application.ts";
import { CardChannel } from "./exchange.ts";
import { CERTIFICATE_FILES, JPKI_AID, KEY_FILES, PIN_FILES, SURFACE_AID, TEXT_AID, TOKEN_FILE_ID } from "./files.ts";
import { type BeliefId, statusHex as hex, Notes, type Observation, type TimedCommand } from "./probe-notes.ts";
import type { CardConnection } from "./transport.ts";

export interface CardProbe {
  readonly atr: string;
  readonly protocol: "T=0" | "T=1";
  /** `JPKIAPICCTOKEN2`; empty where it cannot be read. */
  readonly tokenName: string;
  readonly observations: readonly Observation[];
  readonly commands: readonly TimedCommand[];
}

/** 住基AP (card.md, "Applications"). */
const JUKI_AID = Uint8Array.of(0xd3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x01);
const PRESENCE_FILE_ID = 0x0008;
const TOKEN_NAME_BYTES = 32;
const TOKEN_BYTES = 160;
const SIGNATURE_BYTES = 256;
/** The last offset of 15 bits: no file is that long. */
const FAR_OFFSET = 0x7fff;
const EXTENDED_BLOCK = 0x800;
/** DigestInfo of SHA-256 and SHA-512 (RFC 8017, 9.2), of zeros: nobody ever asks for that. */
const SHA256_INFO = encodeDigestInfo("sha256", new Uint8Array(32));
const SHA512_INFO = encodeDigestInfo("sha512", new Uint8Array(64));

/**
 * On a card just connected, without power before. Does not end the connection.
 *
 * @param now monotonic milliseconds. @throws PcscError; MALFORMED for answers that are none.
 */
export async function probeCard(connection: CardConnection, now: () => number): Promise<CardProbe> {
  const notes = new Notes(now);
  const { protocol, slot } = connection;
  const select: CommandApdu = { cla: 0x00, ins: INS_SELECT, p1: 0x04, p2: 0x0c, data: JPKI_AID };
  const first = await notes.timed("first SELECT", async () =>
    decodeResponse(await connection.transmit(encodeCommand(select, protocol))),
  );
  notes.note("first-command-6f00", first.sw === SW_UNSPECIFIED, hex(first.sw));
  const probe = new Probe(new CardChannel(connection), notes);
  const isJpki = await probe.application("application-jpki", JPKI_AID);
  const tokenName = isJpki ? await probe.withoutPin() : "";
  await probe.application("application-text", TEXT_AID);
  await probe.application("application-surface", SURFACE_AID);
  await probe.application("application-juki", JUKI_AID);
  return { atr: toHex(slot.atr), protocol, tokenName, ...notes };
}

/**
 * In a session whose authentication PIN has just been verified, the JPKI application being selected.
 *
 * @param signs whether the holder has agreed to signatures, which are thrown away.
 */
export async function probeVerified(
  channel: CardChannel,
  signs: boolean,
  now: () => number,
): Promise<Pick<CardProbe, "observations" | "commands">> {
  const notes = new Notes(now);
  const probe = new Probe(channel, notes);
  await probe.queryAfterVerify();
  if (signs) await probe.signatures();
  return { ...notes };
}

/** In a session that begins after the power was cut: whether the PIN is asked for again. */
export async function probeAfterPowerCut(
  connection: CardConnection,
  now: () => number,
): Promise<readonly Observation[]> {
  const notes = new Notes(now);
  const channel = new CardChannel(connection);
  await selectApplication(channel, JPKI_AID);
  const sw = await new Probe(channel, notes).signCold();
  const tried = sw === SW_SECURITY_STATUS || sw === SW_DONE;
  notes.note("power-clears-verified", tried ? sw === SW_SECURITY_STATUS : undefined, hex(sw));
  return notes.observations;
}

class Probe {
  readonly #channel: CardChannel;
  readonly #notes: Notes;

  constructor(channel: CardChannel, notes: Notes) {
    this.#channel = channel;
    this.#notes = notes;
  }

  async application(belief: BeliefId, aid: Uint8Array): Promise<boolean> {
    const { sw } = await this.#notes.timed("SELECT application", async () => ({
      sw: await selectApplication(this.#channel, aid),
      data: new Uint8Array(),
    }));
    this.#notes.note(belief, sw === SW_DONE, hex(sw));
    return sw === SW_DONE;
  }

  /** @returns the token's name. */
  async withoutPin(): Promise<string> {
    // First of all: a short EF id that the card ignores must find no EF selected.
    const shortQuery = await this.#query(PIN_FILES.auth.efId);
    const shortRead = await this.#read("READ by short EF id", CERTIFICATE_FILES.auth.efId, 4);
    await this.#selectFile(PIN_FILES.auth.efId);
    const query = await this.#query(undefined);
    this.#notes.note("tries-query", (query & 0xfff0) === 0x63c0, hex(query));
    this.#notes.note("short-ef-pin", shortQuery === query, hex(shortQuery));
    const certificate = await this.#length(CERTIFICATE_FILES.auth.efId);
    this.#notes.note("auth-certificate-free", certificate.sw === SW_DONE, certificate.seen);
    const free = certificate.sw === SW_DONE;
    this.#notes.note("short-ef-read", free ? shortRead.sw === SW_DONE : undefined, hex(shortRead.sw));
    await this.#extendedLe(free);
    const caAuth = await this.#length(CERTIFICATE_FILES["auth-ca"].efId);
    const caSign = await this.#length(CERTIFICATE_FILES["sign-ca"].efId);
    const free2 = caAuth.sw === SW_DONE && caSign.sw === SW_DONE;
    this.#notes.note("ca-certificates-free", free2, `${caAuth.seen}; ${caSign.seen}`);
    // One byte is asked for: were it given, nothing of the holder would be in it.
    await this.#selectFile(CERTIFICATE_FILES.sign.efId);
    const guarded = await this.#read("READ guarded file", undefined, 1);
    this.#notes.note("sign-certificate-guarded", guarded.sw === SW_SECURITY_STATUS, hex(guarded.sw));
    await this.#schemes();
    return this.#token();
  }

  async queryAfterVerify(): Promise<void> {
    await this.#selectFile(PIN_FILES.auth.efId);
    const sw = await this.#query(undefined);
    // Believed of some cards only: both answers are known, and this one is told.
    this.#notes.note("query-after-verify", sw === SW_DONE, hex(sw));
  }

  async signatures(): Promise<void> {
    await this.#selectFile(KEY_FILES.auth.efId);
    const plain = await this.#sign("sign SHA-256", SHA256_INFO, undefined);
    this.#notes.note("sign-256-bytes", plain.data.length === SIGNATURE_BYTES, seenOf(plain));
    const long = await this.#sign("sign SHA-512", SHA512_INFO, undefined);
    this.#notes.note("sign-sha512", long.data.length === SIGNATURE_BYTES, seenOf(long));
    const short = await this.#sign("sign by short EF id", SHA256_INFO, KEY_FILES.auth.efId);
    const same = toHex(short.data) === toHex(plain.data);
    this.#notes.note("short-ef-same-signature", short.sw === SW_DONE ? same : undefined, seenOf(short));
    await selectApplication(this.#channel, JPKI_AID);
    await this.#selectFile(KEY_FILES.auth.efId);
    const again = await this.#sign("sign after SELECT", SHA256_INFO, undefined);
    this.#notes.note("select-keeps-verified", again.sw === SW_DONE, hex(again.sw));
  }

  /** @returns the status word. */
  async signCold(): Promise<number> {
    await this.#selectFile(KEY_FILES.auth.efId);
    return (await this.#sign("sign after power cut", SHA256_INFO, undefined)).sw;
  }

  /** @param shortEf undefined: the current file. */
  async #sign(what: string, data: Uint8Array, shortEf: number | undefined, p1 = 0x00): Promise<ResponseApdu> {
    const command = { cla: 0x80, ins: INS_PERFORM_SECURITY_OPERATION, p1, p2: referenceOf(shortEf), data };
    return this.#send(what, { ...command, maxResponse: SIGNATURE_BYTES });
  }

  /** Without a PIN a scheme that the card knows is refused for the PIN, one that it does not for P1. */
  async #schemes(): Promise<void> {
    await this.#selectFile(KEY_FILES.auth.efId);
    const plain = await this.#sign("sign without PIN", SHA256_INFO, undefined);
    this.#notes.note("sign-guarded", plain.sw === SW_SECURITY_STATUS, hex(plain.sw));
    const hash = SHA256_INFO.slice(-32);
    for (const [belief, p1] of [
      ["scheme-02", 0x02],
      ["scheme-03", 0x03],
      ["scheme-04", 0x04],
    ] as const) {
      const { sw } = await this.#sign(`sign without PIN, P1 ${hex(p1).slice(2)}`, hash, undefined, p1);
      this.#notes.note(belief, sw === SW_SECURITY_STATUS, hex(sw));
    }
    const short = await this.#sign("sign without PIN by short EF id", SHA256_INFO, KEY_FILES.auth.efId);
    this.#notes.note("short-ef-sign", short.sw === SW_SECURITY_STATUS, hex(short.sw));
  }

  async #extendedLe(free: boolean): Promise<void> {
    const possible = free && this.#channel.protocol === "T=1";
    await this.#selectFile(CERTIFICATE_FILES.auth.efId);
    const extended = possible ? await this.#read("READ with extended Le", undefined, EXTENDED_BLOCK) : undefined;
    const long = extended && extended.data.length > 0x100;
    this.#notes.note("extended-le", long, extended === undefined ? "" : seenOf(extended));
    const past = free ? await this.#read("READ past the end", undefined, 1, FAR_OFFSET) : undefined;
    this.#notes.note("past-end-6b00", past && past.sw === SW_WRONG_PARAMETERS, past === undefined ? "" : hex(past.sw));
  }

  async #token(): Promise<string> {
    await this.#selectFile(PRESENCE_FILE_ID);
    const presence = await this.#read("READ presence", undefined, 8);
    this.#notes.note("presence-3-bytes", presence.data.length === 3, seenOf(presence));
    await this.#selectFile(TOKEN_FILE_ID);
    const token = await this.#read("READ token", undefined, 0x100);
    const name = new TextDecoder("latin1").decode(token.data.slice(0, TOKEN_NAME_BYTES)).trimEnd();
    const known = /^JPKIAP[A-Z]+TOKEN2?$/.test(name);
    this.#notes.note("token-name", known, known ? name : seenOf(token));
    this.#notes.note("token-160-bytes", token.data.length === TOKEN_BYTES, seenOf(token));
    return known ? name : "";
  }

  /** Reads a file's first bytes by SELECT, for its answer alone. */
  async #length(efId: number): Promise<{ readonly sw: number; readonly seen: string }> {
    const selected = await this.#selectFile(efId);
    if (selected !== SW_DONE) return { sw: selected, seen: hex(selected) };
    const response = await this.#read("READ certificate", undefined, 0x100);
    return { sw: response.sw, seen: seenOf(response) };
  }

  async #selectFile(efId: number): Promise<number> {
    const data = Uint8Array.of(efId >>> 8, efId & 0xff);
    return (await this.#send("SELECT file", { cla: 0x00, ins: INS_SELECT, p1: 0x02, p2: 0x0c, data })).sw;
  }

  /** The VERIFY without a PIN: costs no try. */
  async #query(shortEf: number | undefined): Promise<number> {
    const p2 = referenceOf(shortEf);
    return (await this.#send("query tries left", { cla: 0x00, ins: INS_VERIFY, p1: 0x00, p2 })).sw;
  }

  #read(what: string, shortEf: number | undefined, maxResponse: number, offset = 0): Promise<ResponseApdu> {
    const p1 = shortEf === undefined ? offset >>> 8 : referenceOf(shortEf);
    return this.#send(what, { cla: 0x00, ins: INS_READ_BINARY, p1, p2: offset & 0xff, maxResponse });
  }

  #send(what: string, command: CommandApdu): Promise<ResponseApdu> {
    return this.#notes.timed(what, () => this.#channel.transmit(command));
  }
}

function seenOf({ sw, data }: ResponseApdu): string {
  return `${hex(sw)}, ${data.length} bytes`;
}
