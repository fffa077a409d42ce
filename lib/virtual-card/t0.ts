/**
 * The T=0 face of the virtual card (ISO/IEC 7816-3 section 12.2): every command is header and P3, an answer to a
 * command with data is announced by 61xx and fetched with GET RESPONSE, and a P3 that does not fit an answer is
 * corrected by 6Cxx.
 */

import {
  type CommandApdu,
  type DecodedCommand,
  INS_GET_RESPONSE,
  INS_PERFORM_SECURITY_OPERATION,
  INS_VERIFY,
} from "../iso7816/command.ts";
import type { ResponseApdu } from "../iso7816/response.ts";
import {
  SW_CLA_UNKNOWN,
  SW_CONDITIONS,
  SW_DONE,
  SW_WRONG_LENGTH,
  SW_WRONG_P1P2,
  SW1_MORE,
  SW1_WRONG_LE,
} from "../iso7816/status-word.ts";
import { status } from "./answer.ts";

const MAX_P3 = 0x100;

export class T0Exchange {
  readonly #execute: (command: CommandApdu) => ResponseApdu;
  #pending = new Uint8Array(0);

  constructor(execute: (command: CommandApdu) => ResponseApdu) {
    this.#execute = execute;
  }

  /** Forgets an answer that was announced and not fetched. */
  reset(): void {
    this.#pending = new Uint8Array(0);
  }

  transmit({ command, extended }: DecodedCommand): ResponseApdu {
    if (extended) return status(SW_WRONG_LENGTH);
    if (command.ins === INS_GET_RESPONSE) return this.#getResponse(command);
    this.reset();
    if (command.data === undefined) return this.#withoutData(command);
    if (command.maxResponse !== undefined) return status(SW_WRONG_LENGTH);
    const hasAnswer = command.ins === INS_PERFORM_SECURITY_OPERATION;
    const response = this.#execute(hasAnswer ? { ...command, maxResponse: MAX_P3 } : command);
    if (response.data.length === 0) return response;
    this.#pending = new Uint8Array(response.data);
    return status(sizeStatus(SW1_MORE, this.#pending.length));
  }

  /** P3 is Le; a VERIFY has no answer, so that its P3 of 00 is no data. */
  #withoutData(command: CommandApdu): ResponseApdu {
    if (command.ins === INS_VERIFY && command.maxResponse === MAX_P3)
      return this.#execute({ ...command, maxResponse: undefined });
    const response = this.#execute(command);
    if (response.sw !== SW_DONE || response.data.length === command.maxResponse) return response;
    return status(sizeStatus(SW1_WRONG_LE, response.data.length));
  }

  #getResponse({ cla, p1, p2, data, maxResponse }: CommandApdu): ResponseApdu {
    const pending = this.#pending;
    if (cla !== 0) return status(SW_CLA_UNKNOWN);
    if (p1 !== 0 || p2 !== 0) return status(SW_WRONG_P1P2);
    if (data !== undefined || maxResponse === undefined) return status(SW_WRONG_LENGTH);
    if (pending.length === 0) return status(SW_CONDITIONS);
    if (maxResponse > pending.length) return status(sizeStatus(SW1_WRONG_LE, pending.length));
    this.#pending = pending.slice(maxResponse);
    const sw = this.#pending.length === 0 ? SW_DONE : sizeStatus(SW1_MORE, this.#pending.length);
    return { data: pending.slice(0, maxResponse), sw };
  }
}

/** `61xx` or `6Cxx`: a length of 256 is `00`. */
function sizeStatus(sw1: number, length: number): number {
  return (sw1 << 8) | (length & 0xff);
}
