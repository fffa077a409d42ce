/** A connection to one card, over what a binding opened: adds what every binding needs in the same way. */

import { MalformedError, messageOf, PcscError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { OtherPrograms } from "./other-programs.ts";
import type { OpenCard } from "./pcsc-binding.ts";
import { noAnswerError, pcscError } from "./pcsc-errors.ts";
import type { CardConnection, CardSlot } from "./transport.ts";
import { settlesWithin } from "./waiting.ts";

export interface PcscConnectionOptions {
  readonly slot: CardSlot;
  readonly card: OpenCard;
  readonly others: OtherPrograms;
  readonly log: Logger;
  /** Whether the slot's insertion ends within this time. */
  readonly isOverWithin: (ms: number) => Promise<boolean>;
  /** Called once, when the card is disconnected and its lane may be used again. */
  readonly onLeft: () => void;
}

const STATUS_BYTES = 2;
/** pcscd looks for a removed card every 400 ms (PCSCLITE_STATUS_POLL_RATE). */
const REMOVAL_SEEN_MS = 1000;
/** No command of ours takes a card more than two seconds; drivers and pcscd may wait for an answer without limit. */
const ANSWER_WITHIN_MS = 30_000;
/** A command under way is waited for, since a card cannot be cut off while a native call has it. */
const END_WITHIN_MS = 3000;

export class PcscConnection implements CardConnection {
  readonly slot: CardSlot;
  readonly protocol: "T=0" | "T=1";
  readonly #card: OpenCard;
  readonly #others: OtherPrograms;
  readonly #log: Logger;
  readonly #isOverWithin: (ms: number) => Promise<boolean>;
  readonly #onLeft: () => void;
  #underWay: Promise<unknown> = Promise.resolve();
  #ending: Promise<void> | undefined;

  constructor(options: PcscConnectionOptions) {
    this.slot = options.slot;
    this.protocol = options.card.protocol;
    this.#card = options.card;
    this.#others = options.others;
    this.#log = options.log;
    this.#isOverWithin = options.isOverWithin;
    this.#onLeft = options.onLeft;
  }

  /** Whether {@link end} was called: what is still there then is a command under way. */
  get ended(): boolean {
    return this.#ending !== undefined;
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    const { reader } = this.slot;
    if (this.ended) throw new PcscError("CARD_RESET", `transmit: the connection to the card in ${reader} was ended`);
    const exchange = this.#card.transmit(command);
    this.#underWay = exchange;
    if (!(await settlesWithin(exchange, ANSWER_WITHIN_MS))) throw noAnswerError("transmit", reader);
    const response = await exchange.catch((cause: unknown) => {
      throw pcscError(`transmit to the card in ${reader}`, cause);
    });
    if (response.length >= STATUS_BYTES) return response;
    // Some drivers (vpcd) report a card that was pulled out during a command as an answer of no bytes.
    if (await this.#isOverWithin(REMOVAL_SEEN_MS))
      throw new PcscError("CARD_RESET", `transmit: the card in ${reader} was taken out`, { details: { reader } });
    throw new MalformedError(`transmit: the card in ${reader} answered ${response.length} bytes`, {
      details: { reader, bytes: response.length },
    });
  }

  watchOthers(onWanted: () => void): () => void {
    return this.#others.watch(onWanted);
  }

  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const { reader } = this.slot;
    const cut = this.#cutWhenIdle();
    if (await settlesWithin(cut, END_WITHIN_MS)) return;
    this.#log.warn("the card does not answer: its power is cut when it does", { reader });
  }

  async #cutWhenIdle(): Promise<void> {
    // Its failure is told to whoever transmits.
    await this.#underWay.catch((cause: unknown) => this.#log.debug("last command", { cause: messageOf(cause) }));
    await this.#card.cut();
    this.#onLeft();
  }
}
