/**
 * One PIN of a selected application in one session: its tries, VERIFY, and a new value.
 *
 * Nothing here decides whether a try may be spent; see agent/pin-login.ts.
 */

import { CardStatusError } from "../errors.ts";
import type { ChangeOutcome, TriesOutcome, VerifyOutcome } from "../iso7816/status-word.ts";
import type { Pin, PinName } from "../pin/pin.ts";
import type { CardApplication } from "./application.ts";
import type { PinFile } from "./files.ts";

export class CardPin {
  readonly name: PinName;
  readonly file: PinFile;
  readonly #app: CardApplication;
  #verified = false;

  constructor(app: CardApplication, name: PinName, file: PinFile) {
    this.#app = app;
    this.name = name;
    this.file = file;
  }

  /** Whether a {@link verify} of this session was right: the card's own word is not enough, it may be another's PIN. */
  get isVerified(): boolean {
    return this.#verified;
  }

  /** Costs no try. @throws CardStatusError if the card does not say. */
  triesLeft(): Promise<TriesOutcome> {
    return this.#app.triesLeft(this.file.efId);
  }

  /**
   * Spends a try unless `value` is right. Does not wipe it. Read {@link triesLeft} right before: it also teaches the
   * shortest form of this command.
   *
   * @throws PinError `PIN_FORMAT` for an empty PIN; CardStatusError for an answer that is none to a PIN.
   */
  async verify(value: Pin): Promise<VerifyOutcome> {
    this.#verified = false;
    const outcome = await this.#app.verify(this.file.efId, value);
    this.#verified = outcome.kind === "verified";
    return outcome;
  }

  /**
   * Gives the PIN a new value, after a {@link verify} in this session. Does not wipe `value`. Costs no try.
   *
   * @returns `refused`: the card keeps the old value.
   * @throws CardStatusError for an answer that leaves open which value the card has now; PcscError, after which it is
   * open too.
   */
  async change(value: Pin): Promise<ChangeOutcome> {
    if (!this.#verified) throw new CardStatusError("change a PIN that is not verified", 0x6982);
    return this.#app.changePin(this.file.efId, value);
  }
}
