/**
 * One selected application of the card: how its files are named to a command, and its PINs (card.md, "Commands").
 *
 * A file is named by a short EF id inside the command where the card knows that, else by a SELECT before it. Which of
 * the two works is learnt from commands that cost nothing; a PIN only ever goes the way that is known to work.
 */

import { wipeableCopy } from "../bytes.ts";
import { CardStatusError, PinError } from "../errors.ts";
import { INS_CHANGE_REFERENCE_DATA, INS_SELECT, INS_VERIFY } from "../iso7816/command.ts";
import type { ResponseApdu } from "../iso7816/response.ts";
import {
  type ChangeOutcome,
  changeOutcome,
  SW_DONE,
  SW_END_OF_FILE,
  SW_SECURITY_STATUS,
  type TriesOutcome,
  triesOutcome,
  type VerifyOutcome,
  verifyOutcome,
} from "../iso7816/status-word.ts";
import type { Pin } from "../pin/pin.ts";
import type { CardChannel } from "./exchange.ts";
import { type CardFeatures, mayTryShortEf, type ShortEfUse } from "./features.ts";

/** P2 of VERIFY and of COMPUTE DIGITAL SIGNATURE: this application's own reference, in the current EF. */
const CURRENT_EF = 0x80;

/** SELECT by DF name, no FCI. @returns the status word; the application is selected if it is 9000. */
export async function selectApplication(channel: CardChannel, aid: Uint8Array): Promise<number> {
  const response = await channel.transmit({ cla: 0x00, ins: INS_SELECT, p1: 0x04, p2: 0x0c, data: aid });
  return response.sw;
}

/** P2 that names a file: by its short id, the low byte of its id, or as the current EF. */
export function referenceOf(shortEf: number | undefined): number {
  return CURRENT_EF | (shortEf ?? 0);
}

export class CardApplication {
  readonly channel: CardChannel;
  readonly features: CardFeatures;
  /** The EF that a SELECT of ours made current, as long as nothing since may have changed that. */
  #currentEf: number | undefined;
  /** Whether this session has SELECTed any EF: then a short EF id that a card ignores hits that one. */
  #anySelected = false;

  /** The application must be selected on `channel`, right before. */
  constructor(channel: CardChannel, features: CardFeatures) {
    this.channel = channel;
    this.features = features;
  }

  /**
   * Sends a command for a file, naming it the way this card knows. `send` may be called twice: for nothing that
   * carries a PIN. It gets the short EF id to put into the command, or undefined for the current EF.
   *
   * @returns the answer of `send`, or that of a SELECT which failed.
   */
  async withFile(
    use: ShortEfUse,
    efId: number,
    send: (shortEf: number | undefined) => Promise<ResponseApdu>,
  ): Promise<ResponseApdu> {
    if (this.#currentEf === efId) return send(undefined);
    const tried = this.#mayTryShortEf(use);
    if (tried) {
      this.#currentEf = undefined;
      const response = await send(efId);
      const worked = isAnswer(response.sw);
      if (worked) this.features.shortEf[use] = "yes";
      if (worked || this.features.shortEf[use] === "yes" || response.sw === SW_SECURITY_STATUS) return response;
    }
    const selected = await this.selectFile(efId);
    if (selected.sw !== SW_DONE) return selected;
    const response = await send(undefined);
    if (tried && isAnswer(response.sw)) this.features.shortEf[use] = "no";
    return response;
  }

  /** SELECT of an EF under the application, no FCI; it is current if the answer is 9000. */
  async selectFile(efId: number): Promise<ResponseApdu> {
    this.#currentEf = undefined;
    const data = Uint8Array.of(efId >>> 8, efId & 0xff);
    const response = await this.channel.transmit({ cla: 0x00, ins: INS_SELECT, p1: 0x02, p2: 0x0c, data });
    if (response.sw === SW_DONE) {
      this.#currentEf = efId;
      this.#anySelected = true;
    }
    return response;
  }

  /**
   * Whether the file is current, by a SELECT or by the short EF id in the command before (ISO/IEC 7816-4, 7.3.2), which
   * is believed only where no other EF could be it.
   */
  isCurrent(efId: number): boolean {
    return this.#anySelected ? this.#currentEf === efId : true;
  }

  /** The VERIFY without a PIN: costs no try. @throws CardStatusError if the card does not say; PcscError. */
  async triesLeft(efId: number): Promise<TriesOutcome> {
    const response = await this.withFile("pin", efId, (shortEf) =>
      this.channel.transmit({ cla: 0x00, ins: INS_VERIFY, p1: 0x00, p2: referenceOf(shortEf) }),
    );
    return triesOutcome(response.sw);
  }

  /**
   * One VERIFY, never a second one. By short EF id only if that has worked for {@link triesLeft}.
   *
   * @throws PinError `PIN_FORMAT` for an empty or wiped PIN; CardStatusError for an answer that is none to a PIN.
   */
  async verify(efId: number, pin: Pin): Promise<VerifyOutcome> {
    const data = pin.expose(wipeableCopy);
    if (data.length === 0) throw new PinError("PIN_FORMAT", "verify a PIN: it is empty");
    try {
      const p2 = referenceOf(await this.#namePin(efId));
      const response = await this.channel.transmit({ cla: 0x00, ins: INS_VERIFY, p1: 0x00, p2, data });
      return verifyOutcome(response.sw);
    } finally {
      data.fill(0);
    }
  }

  /**
   * One CHANGE REFERENCE DATA with the new PIN alone, never a second one. The PIN must be verified.
   *
   * @throws CardStatusError for an answer that leaves open which value the card has now.
   */
  async changePin(efId: number, pin: Pin): Promise<ChangeOutcome> {
    const data = pin.expose(wipeableCopy);
    try {
      const p2 = referenceOf(await this.#namePin(efId));
      const command = { cla: 0x00, ins: INS_CHANGE_REFERENCE_DATA, p1: 0x01, p2, data };
      return changeOutcome((await this.channel.transmit(command)).sw);
    } finally {
      data.fill(0);
    }
  }

  /** The short EF id if it is known to work; undefined after making the file current. @throws CardStatusError */
  async #namePin(efId: number): Promise<number | undefined> {
    if (this.#currentEf === efId) return undefined;
    if (this.features.shortEf.pin === "yes") {
      this.#currentEf = undefined;
      return efId;
    }
    const selected = await this.selectFile(efId);
    if (selected.sw !== SW_DONE) throw new CardStatusError("select the PIN", selected.sw);
    return undefined;
  }

  /** A probe for a PIN goes out only while no EF is current: where the id is ignored, it must not hit another PIN. */
  #mayTryShortEf(use: ShortEfUse): boolean {
    if (use === "pin" && this.features.shortEf.pin === "unknown" && this.#anySelected) return false;
    return mayTryShortEf(this.features, use);
  }
}

/**
 * Whether the command hit its file for certain. Not 6983 and 6984: they also say that a reference cannot be used, and a
 * PIN must not be called blocked because the card knows no short EF ids.
 */
function isAnswer(sw: number): boolean {
  return sw === SW_DONE || sw === SW_END_OF_FILE || (sw & 0xfff0) === 0x63c0;
}
