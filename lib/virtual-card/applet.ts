/**
 * The virtual card's applications: what is selected, and what each command answers. It knows neither power nor
 * transmission protocols; card.ts does.
 *
 * Stricter than a real card wherever card.md leaves room: the checks go CLA, INS, P1-P2, lengths, file, PIN.
 */

import { equalBytes } from "../bytes.ts";
import {
  type CommandApdu,
  INS_CHANGE_REFERENCE_DATA,
  INS_PERFORM_SECURITY_OPERATION,
  INS_READ_BINARY,
  INS_SELECT,
  INS_VERIFY,
} from "../iso7816/command.ts";
import type { ResponseApdu } from "../iso7816/response.ts";
import {
  SW_CLA_UNKNOWN,
  SW_DONE,
  SW_FILE_NOT_FOUND,
  SW_INS_UNKNOWN,
  SW_NO_CURRENT_EF,
  SW_SECURITY_STATUS,
  SW_WRONG_FILE_TYPE,
  SW_WRONG_LENGTH,
  SW_WRONG_P1P2,
  SW_WRONG_PARAMETERS,
} from "../iso7816/status-word.ts";
import { status } from "./answer.ts";
import type { CardDirectory, CardFile, VirtualKeyName } from "./files.ts";
import type { CardPins, VirtualPinName } from "./pins.ts";
import type { CardProfile } from "./profiles.ts";
import { acceptsLength, computeSignature } from "./signature.ts";

const ISO_CLA = 0x00;
const CARD_CLA = 0x80;
const SELECT_BY_NAME = 0x04;
const SELECT_EF = 0x02;
const SELECT_NO_ANSWER = 0x0c;
/** P2 of VERIFY and the like: bit 8 set, and the short EF id below it (0: the current file). */
const REFERENCE_BIT = 0x80;
const MAX_SHORT_ID = 0x1e;
const SIGNATURE_BYTES = 256;

/** What the applet needs to know of its card. */
export interface AppletParts {
  readonly profile: CardProfile;
  readonly applications: readonly CardDirectory[];
  readonly pins: CardPins;
  /** Called for each VERIFY that brings a PIN. */
  readonly onPinAttempt: (name: VirtualPinName) => void;
  readonly onSignature: (name: VirtualKeyName) => void;
}

export class JpkiApplet {
  readonly #parts: AppletParts;
  #selected: CardDirectory | undefined;
  #currentEf: CardFile | undefined;

  constructor(parts: AppletParts) {
    this.#parts = parts;
  }

  /** Forgets what is selected. PINs stay verified: only a loss of power clears them. */
  reset(): void {
    this.#selected = undefined;
    this.#currentEf = undefined;
  }

  execute(command: CommandApdu): ResponseApdu {
    if (command.cla !== ISO_CLA && command.cla !== CARD_CLA) return status(SW_CLA_UNKNOWN);
    switch (command.ins) {
      case INS_SELECT:
        return command.cla === ISO_CLA ? this.#select(command) : status(SW_CLA_UNKNOWN);
      case INS_READ_BINARY:
        return command.cla === ISO_CLA ? this.#readBinary(command) : status(SW_CLA_UNKNOWN);
      case INS_VERIFY:
        return command.cla === ISO_CLA ? this.#verify(command) : status(SW_CLA_UNKNOWN);
      case INS_CHANGE_REFERENCE_DATA:
        return command.cla === ISO_CLA ? this.#changeReferenceData(command) : status(SW_CLA_UNKNOWN);
      case INS_PERFORM_SECURITY_OPERATION:
        return command.cla === CARD_CLA ? this.#computeSignature(command) : status(SW_CLA_UNKNOWN);
      default:
        return status(SW_INS_UNKNOWN);
    }
  }

  #select({ p1, p2, data, maxResponse }: CommandApdu): ResponseApdu {
    if ((p1 !== SELECT_BY_NAME && p1 !== SELECT_EF) || p2 !== SELECT_NO_ANSWER) return status(SW_WRONG_P1P2);
    if (data === undefined || maxResponse !== undefined) return status(SW_WRONG_LENGTH);
    if (p1 === SELECT_BY_NAME) {
      const application = this.#parts.applications.find(({ aid }) => equalBytes(data, aid));
      if (application === undefined) return status(SW_FILE_NOT_FOUND);
      this.#selected = application;
      this.#currentEf = undefined;
      return status(SW_DONE);
    }
    if (data.length !== 2) return status(SW_WRONG_LENGTH);
    const file = this.#find(((data[0] ?? 0) << 8) | (data[1] ?? 0));
    if (file === undefined) return status(SW_FILE_NOT_FOUND);
    this.#currentEf = file;
    return status(SW_DONE);
  }

  #readBinary({ p1, p2, data, maxResponse }: CommandApdu): ResponseApdu {
    const short = (p1 & REFERENCE_BIT) !== 0;
    const file = short ? this.#byShortId(p1) : (this.#currentEf ?? SW_NO_CURRENT_EF);
    if (file === SW_WRONG_P1P2) return status(file);
    if (data !== undefined || maxResponse === undefined) return status(SW_WRONG_LENGTH);
    if (typeof file === "number") return status(file);
    this.#currentEf = file;
    if (file.kind !== "data") return status(SW_WRONG_FILE_TYPE);
    const { pins } = this.#parts;
    const open = file.openedBy.length === 0 || file.openedBy.some((pin) => pins.isVerified(pin));
    if (!open) return status(SW_SECURITY_STATUS);
    const offset = short ? p2 : (p1 << 8) | p2;
    if (offset >= file.content.length) return status(SW_WRONG_PARAMETERS);
    return { data: file.content.slice(offset, offset + maxResponse), sw: SW_DONE };
  }

  #verify({ p1, p2, data, maxResponse }: CommandApdu): ResponseApdu {
    if (p1 !== 0x00) return status(SW_WRONG_P1P2);
    const file = this.#byReference(p2);
    if (file === SW_WRONG_P1P2) return status(file);
    if (maxResponse !== undefined) return status(SW_WRONG_LENGTH);
    if (typeof file === "number") return status(file);
    this.#currentEf = file;
    if (file.kind !== "pin") return status(SW_WRONG_FILE_TYPE);
    const { pins, profile, onPinAttempt } = this.#parts;
    if (data === undefined) return status(pins.query(file.pin, profile.queryTellsVerified));
    onPinAttempt(file.pin);
    return status(pins.verify(file.pin, data));
  }

  #changeReferenceData({ p1, p2, data, maxResponse }: CommandApdu): ResponseApdu {
    if (p1 !== 0x01) return status(SW_WRONG_P1P2);
    const file = this.#byReference(p2);
    if (file === SW_WRONG_P1P2) return status(file);
    if (data === undefined || maxResponse !== undefined) return status(SW_WRONG_LENGTH);
    if (typeof file === "number") return status(file);
    this.#currentEf = file;
    if (file.kind !== "pin") return status(SW_WRONG_FILE_TYPE);
    return status(this.#parts.pins.change(file.pin, data));
  }

  #computeSignature({ p1, p2, data, maxResponse }: CommandApdu): ResponseApdu {
    const { profile, pins, onSignature } = this.#parts;
    if (!profile.signatureSchemes.includes(p1)) return status(SW_WRONG_P1P2);
    const file = this.#byReference(p2);
    if (file === SW_WRONG_P1P2) return status(file);
    if (data === undefined || !acceptsLength(p1, data.length)) return status(SW_WRONG_LENGTH);
    if (maxResponse === undefined || maxResponse < SIGNATURE_BYTES) return status(SW_WRONG_LENGTH);
    if (typeof file === "number") return status(file);
    this.#currentEf = file;
    if (file.kind !== "key") return status(SW_WRONG_FILE_TYPE);
    if (!pins.isVerified(file.pin)) return status(SW_SECURITY_STATUS);
    onSignature(file.pin);
    return { data: computeSignature(file.key, p1, data), sw: SW_DONE };
  }

  #find(id: number): CardFile | undefined {
    return this.#selected?.files.get(id);
  }

  /** The file that P2 names, or the status word why there is none. */
  #byReference(p2: number): CardFile | number {
    if (p2 === REFERENCE_BIT) return this.#currentEf ?? SW_NO_CURRENT_EF;
    return this.#byShortId(p2);
  }

  #byShortId(reference: number): CardFile | number {
    const id = reference & ~REFERENCE_BIT;
    const valid = (reference & REFERENCE_BIT) !== 0 && id >= 1 && id <= MAX_SHORT_ID;
    if (!valid || !this.#parts.profile.shortFileIds) return SW_WRONG_P1P2;
    return this.#find(id) ?? SW_FILE_NOT_FOUND;
  }
}
