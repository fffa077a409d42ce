/** The cards on the readers, for a program: list, read certificates, export the key, sign. */

import { createHash } from "node:crypto";
import type { DeviceStatus } from "../../lib/agent-status.ts";
import { CERTIFICATE_FILES, type CertificateName, KEY_FILES, type KeyName } from "../../lib/card/files.ts";
import type { JpkiPinName } from "../../lib/card/jpki.ts";
import type { CardKey } from "../../lib/card-key.ts";
import { encodeDigestInfo, hashOfDigestInfo } from "../../lib/digest-info.ts";
import { ConfigError, JpkiError, KeyError, PolicyError } from "../../lib/errors.ts";
import type { SignatureResult } from "../../lib/signature-entry.ts";
import { CardLogin } from "../card-login.ts";
import type { CardRecord } from "../card-registry.ts";
import { readCertificates } from "../cert-read.ts";
import { readDeviceStatus } from "../device-status.ts";
import { documentEntry } from "../document-entry.ts";
import { requireReader, requireUsableCard, revealPhone } from "../export-key.ts";
import { LOGIN_BYTES } from "../login-data.ts";
import { nothingRemembered } from "../nothing-remembered.ts";
import { oneCard } from "../one-card.ts";
import { commentOf } from "../pin-commands.ts";
import { refusedRawData } from "../raw-data.ts";
import { readerFilter } from "../reader-filter.ts";
import { type CardAccess, openCardAccess } from "./card-access.ts";
import { requireKnown } from "./known-words.ts";
import type { JpkiOptions } from "./options.ts";

const HASHES = ["sha256", "sha384", "sha512"] as const;

export interface CardChoice {
  /** The id of a card as {@link Jpki.list} gives it; default: the only card there is. */
  readonly card?: string | undefined;
  /** Ends waiting for a person or for another program. */
  readonly signal?: AbortSignal | undefined;
}

export interface SignOptions extends CardChoice {
  /** Default `auth`. `sign` is the key of signatures in law (署名用), and asks for its password each time. */
  readonly key?: KeyName | undefined;
  /** What is signed, in words for the person who is asked; one line. */
  readonly description: string;
}

/** What is signed: data with the name of its hash, or the finished DER DigestInfo of such a hash (RFC 8017 section 9.2). */
export type SignInput =
  | { readonly data: Uint8Array; readonly hash: (typeof HASHES)[number] }
  | { readonly digestInfo: Uint8Array };

/**
 * Starts to watch the readers; {@link Jpki.close} ends it. Needs neither PC/SC nor a card: what is missing is told by
 * what is asked for later.
 */
export async function openJpki(options: JpkiOptions = {}): Promise<Jpki> {
  return new Jpki(await openCardAccess(options));
}

/** Made by {@link openJpki}. */
export class Jpki {
  readonly #access: CardAccess;

  /** @internal */
  constructor(access: CardAccess) {
    this.#access = access;
  }

  /**
   * Readers, cards, tries left, dates, and the keys once seen; asks nobody and costs no try. What cannot be read, and why,
   * is part of the answer.
   */
  async list({ signal }: Pick<CardChoice, "signal"> = {}): Promise<DeviceStatus> {
    const { parts, cards } = this.#access;
    return readDeviceStatus({ ...parts, ...cards }, this.#signal(signal));
  }

  /**
   * A certificate, DER, owned by the caller. `sign` asks for the signature password, and holds the holder's name,
   * address, birth date and sex; a phone asks for its PIN for each of them.
   *
   * @throws JpkiError `KEY_UNKNOWN` if the card has none; `PCSC_UNAVAILABLE`, `READER_ABSENT`, `CARD_ABSENT`, `CARD_BUSY`,
   * `NOT_JPKI`; `PIN_CANCELLED`, `PIN_WRONG`, `PIN_BLOCKED`, `PIN_PROTECTED`, `PIN_NO_PROMPT`; `CONFIG_INVALID` if
   * there are several cards and none was named, or for a word that an option does not take; the signal's reason.
   */
  async readCertificate(name: CertificateName, { card, signal }: CardChoice = {}): Promise<Uint8Array> {
    requireKnown("readCertificate", name, Object.keys(CERTIFICATE_FILES));
    const { cards, program } = this.#access;
    const either = this.#signal(signal);
    await this.#requireCard(either);
    const parts = { registry: cards.registry, newLogin: (pin: JpkiPinName) => this.#login(pin) };
    const [der] = await readCertificates(parts, { names: [name], command: `cert ${name}`, card, program }, either);
    if (der === undefined) throw new TypeError("one certificate was asked for");
    return der;
  }

  /** The authentication key. A phone asks for its PIN. @throws as {@link readCertificate}. */
  async readKey({ card: id, signal }: CardChoice = {}): Promise<CardKey> {
    const { cards, program } = this.#access;
    const either = this.#signal(signal);
    await this.#requireCard(either);
    const card = await oneCard(cards.registry, id);
    return card.identity.kind === "known" ? card.identity.key : revealPhone(cards, card, either, program);
  }

  /**
   * A PKCS #1 v1.5 signature of 256 bytes, owned by the caller, after the PIN. The person is told `description` and the
   * program; `jpki-agent log` shows it afterwards.
   *
   * A signature of the authentication key over data of somebody else's choice can be a login anywhere: sign only what
   * your program made itself. Data that is known to be a login, or the signed attributes of CMS, is refused.
   *
   * @throws as {@link readCertificate}; `POLICY_REFUSED` for such data; `ALGORITHM_UNSUPPORTED` for what is no DigestInfo.
   */
  async sign(input: SignInput, { key = "auth", description, card: id, signal }: SignOptions): Promise<Uint8Array> {
    requireKnown("key", key, Object.keys(KEY_FILES));
    if ("data" in input) requireKnown("hash", input.hash, HASHES);
    if (description.trim() === "")
      throw new ConfigError("sign: say in the description what is signed; the person who is asked reads it");
    const { cards, program } = this.#access;
    const either = this.#signal(signal);
    await this.#requireCard(either);
    const card = await oneCard(cards.registry, id);
    const request = { card: commentOf(card), purpose: { kind: "any-data", description }, program } as const;
    try {
      const info = digestInfoOf(input, key);
      const signature = await this.#login(key).run(card, request, either, (jpki) => jpki.sign(key, info));
      this.#keep(card, key, "signed");
      return signature;
    } catch (error) {
      if (either.aborted) this.#keep(card, key, "abandoned");
      else if (error instanceof PolicyError) this.#keep(card, key, "refused", String(error.details["problem"]));
      else this.#keep(card, key, "failed", error instanceof JpkiError ? error.code : "INTERNAL");
      throw error;
    }
  }

  /** Forgets the PIN and cuts the cards' power now. */
  async release(): Promise<void> {
    await this.#access.keys.forget();
  }

  /** Ends what waits, cuts the cards' power, and lets the process end. May be called twice. */
  async close(): Promise<void> {
    await this.#access.close();
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    const { closing } = this.#access;
    const either = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    either.throwIfAborted();
    return either;
  }

  /** Says which of PC/SC, reader and card is missing. */
  async #requireCard(signal: AbortSignal): Promise<void> {
    const { transport, reader } = this.#access.parts;
    const { registry } = this.#access.cards;
    const wantsReader = readerFilter(reader);
    await requireReader({ transport, reader, wantsReader }, signal);
    await registry.settled();
    await registry.retryUnreadable();
    signal.throwIfAborted();
    requireUsableCard(transport, registry, wantsReader);
  }

  /** The signature password is never remembered. */
  #login(pin: JpkiPinName): CardLogin {
    const { cards, parts } = this.#access;
    if (pin === "auth") return cards.login;
    return new CardLogin({ ...cards, remembered: nothingRemembered, pin, hold: false, log: parts.log });
  }

  #keep(card: CardRecord, key: KeyName, result: SignatureResult, reason?: string): void {
    const { parts, program } = this.#access;
    parts.record?.add({ ...documentEntry(card, key), result, reason, program });
  }
}

/** @throws PolicyError; KeyError `ALGORITHM_UNSUPPORTED`. */
function digestInfoOf(input: SignInput, key: KeyName): Uint8Array {
  if ("digestInfo" in input) {
    if (hashOfDigestInfo(input.digestInfo) !== undefined) return input.digestInfo;
    throw new KeyError("ALGORITHM_UNSUPPORTED", `sign: ${input.digestInfo.length} bytes that are no DigestInfo`);
  }
  const refused = refusedRawData(input.data.subarray(0, LOGIN_BYTES), key);
  if (refused !== undefined)
    throw new PolicyError(`sign: the data is ${refused.what}`, { details: { problem: refused.problem } });
  return encodeDigestInfo(input.hash, createHash(input.hash).update(input.data).digest());
}
