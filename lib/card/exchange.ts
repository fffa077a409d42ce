/**
 * Commands to the card as an application means them: the form for the connection's protocol, the whole answer however
 * the card hands it over (61xx, 6Cxx), and the fresh card's 6F00.
 */

import { concatBytes } from "../bytes.ts";
import { MalformedError, TooLargeError } from "../errors.ts";
import {
  type CommandApdu,
  carriesPin,
  describeCommand,
  encodeCommand,
  INS_GET_RESPONSE,
  INS_SELECT,
} from "../iso7816/command.ts";
import { decodeResponse, type ResponseApdu } from "../iso7816/response.ts";
import { SW_UNSPECIFIED, SW1_MORE, SW1_WRONG_LE } from "../iso7816/status-word.ts";
import { type Logger, silentLogger } from "../log.ts";
import type { CardConnection } from "./transport.ts";

/** Most bytes of one answer, all GET RESPONSE together: what one extended Le could ask for. */
export const MAX_RESPONSE_BYTES = 0x10000;
/** Most GET RESPONSE for one answer: 256 of full size carry {@link MAX_RESPONSE_BYTES}. */
export const MAX_RESPONSE_ROUNDS = 256;
/** SW2 can name no longer answer than this; 00 means it. */
const MAX_SHORT_RESPONSE = 0x100;

/** One connection to one card. Commands one at a time. Does not end the connection. */
export class CardChannel {
  readonly protocol: CardConnection["protocol"];
  /** Checked before each exchange: one that is under way is let finish, no other begins. */
  signal: AbortSignal | undefined;
  readonly #connection: CardConnection;
  readonly #log: Logger;
  #fresh = true;

  constructor(connection: CardConnection, log: Logger = silentLogger) {
    this.#connection = connection;
    this.protocol = connection.protocol;
    this.#log = log;
  }

  /**
   * One command and its whole answer, data owned by the caller. `sw` is the last status word, never 61xx; 6Cxx only
   * where the command asked for more than SW2 can name, or for nothing, or where the card insists.
   *
   * @throws PcscError as {@link CardConnection.transmit}; MALFORMED for an answer without a status word or without
   * end; TOO_LARGE over {@link MAX_RESPONSE_BYTES}; RangeError for lengths that T=0 has not; the signal's reason.
   */
  async transmit(command: CommandApdu): Promise<ResponseApdu> {
    let response = await this.#exchangeFresh(command);
    const parts = [response.data];
    let length = response.data.length;
    for (let round = 1; response.sw >>> 8 === SW1_MORE; round++) {
      if (round > MAX_RESPONSE_ROUNDS)
        throw new MalformedError(`fetch an answer: no end after ${MAX_RESPONSE_ROUNDS} rounds`);
      const maxResponse = lengthOf(response.sw);
      response = await this.#exchangeLe({ cla: 0x00, ins: INS_GET_RESPONSE, p1: 0x00, p2: 0x00, maxResponse });
      parts.push(response.data);
      length += response.data.length;
      if (length > MAX_RESPONSE_BYTES)
        throw new TooLargeError(`fetch an answer: ${length} bytes, the limit is ${MAX_RESPONSE_BYTES}`);
    }
    return { data: concatBytes(...parts), sw: response.sw };
  }

  /**
   * A card may answer 6F00 to its first command after power-up (observed, card.md): that one is repeated once. Only a
   * SELECT, which every session begins with: nothing that could cost a try of a PIN is ever sent twice.
   */
  async #exchangeFresh(command: CommandApdu): Promise<ResponseApdu> {
    const repeats = this.#fresh && command.ins === INS_SELECT;
    this.#fresh = false;
    const response = await this.#exchangeLe(command);
    return repeats && response.sw === SW_UNSPECIFIED ? this.#exchangeLe(command) : response;
  }

  /** Once more with the Le that the card names in 6Cxx (ISO/IEC 7816-4, 5.6). */
  async #exchangeLe(command: CommandApdu): Promise<ResponseApdu> {
    const response = await this.#exchange(command);
    const asked = command.maxResponse ?? 0;
    if (response.sw >>> 8 !== SW1_WRONG_LE || asked === 0 || asked > MAX_SHORT_RESPONSE) return response;
    return this.#exchange({ ...command, maxResponse: lengthOf(response.sw) });
  }

  async #exchange(command: CommandApdu): Promise<ResponseApdu> {
    this.signal?.throwIfAborted();
    const bytes = encodeCommand(command, this.protocol);
    const shown = describeCommand(bytes);
    try {
      const response = decodeResponse(await this.#connection.transmit(bytes));
      const sw = response.sw.toString(16).toUpperCase().padStart(4, "0");
      this.#log.trace("apdu", { command: shown, sw, responseBytes: response.data.length });
      return response;
    } finally {
      if (carriesPin(bytes)) bytes.fill(0);
    }
  }
}

function lengthOf(sw: number): number {
  return sw & 0xff || MAX_SHORT_RESPONSE;
}
