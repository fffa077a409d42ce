/**
 * What the running agent tells of itself in answer to `status@jpki-agent`: one JSON document. No secret is in it, and
 * nothing of the holder.
 *
 * Reader: the command line (agent-status-reader.ts), perhaps of another version. So fields are only ever added.
 */

import { utf8 } from "./bytes.ts";
import { type ErrorCode, JpkiError, messageOf, TooLargeError } from "./errors.ts";
import type { ChosenPinName } from "./pin/pin.ts";

/** Most bytes of the document. */
export const MAX_STATUS_BYTES = 65_536;
/** Of each text and each list in it: names of readers come from outside. */
const MAX_TEXT = 300;
const MAX_ITEMS = 16;

/** An error as data: a {@link JpkiError} without its stack and cause. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details: JpkiError["details"];
}

export interface ReaderStatus {
  readonly name: string;
  readonly state: "empty" | "present" | "mute";
}

/** Tries left, 0: blocked; a PIN that the card has not, or does not tell of, is missing. */
export type TriesLeft = Readonly<Partial<Record<ChosenPinName, number | undefined>>>;

export interface CardStatus {
  /**
   * `ready`: it can be used. `hidden`: a phone that was not seen yet. `away`: known, and on no reader. `not-jpki`:
   * another kind of card. `unreadable`: see `fault`.
   */
  readonly state: "ready" | "hidden" | "away" | "not-jpki" | "unreadable";
  /** Undefined where `away`. */
  readonly reader?: string | undefined;
  readonly kind?: "card" | "phone" | undefined;
  readonly comment?: string | undefined;
  /** SHA-256 of the authentication certificate, lower-case hex. */
  readonly id?: string | undefined;
  /** `SHA256:…` of the SSH key. */
  readonly fingerprint?: string | undefined;
  readonly triesLeft?: TriesLeft | undefined;
  /** Dates of the authentication certificate, ISO 8601. */
  readonly notBefore?: string | undefined;
  readonly notAfter?: string | undefined;
  readonly pinRemembered?: boolean | undefined;
  /** Why it could not be read, or not all of it. */
  readonly fault?: Fault | undefined;
}

/** PC/SC, readers and cards. */
export interface DeviceStatus {
  /** The PC/SC binding in use; undefined: none, or the virtual card. */
  readonly binding?: string | undefined;
  /** Why PC/SC cannot be used. */
  readonly fault?: Fault | undefined;
  readonly readers: readonly ReaderStatus[];
  /** Those on readers first. */
  readonly cards: readonly CardStatus[];
}

/** A login of a PKCS#11 program that holds now. */
export interface Pkcs11Login {
  /** The comment of the card's key. */
  readonly card: string;
  /** The authentication key, or the signature key. */
  readonly key: "auth" | "sign";
  /** The program, where it could be told. */
  readonly program?: string | undefined;
  /** Made so far. */
  readonly signatures: number;
  readonly maxSignatures: number;
  readonly endsInSeconds: number;
}

export interface Pkcs11Status {
  /** Absolute. */
  readonly socket: string;
  readonly logins: readonly Pkcs11Login[];
}

export interface RunningAgentStatus {
  readonly kind: "running";
  readonly pid: number;
  readonly version: string;
  readonly uptimeSeconds: number;
  /** Absolute. */
  readonly socket: string;
  readonly pinCache: string;
  /** Undefined: this agent serves no PKCS#11. */
  readonly pkcs11?: Pkcs11Status | undefined;
  /** Why the last question for a PIN could not be shown. */
  readonly promptFault?: Fault | undefined;
  readonly devices: DeviceStatus;
}

export type AgentStatus = { readonly kind: "locked" } | RunningAgentStatus;

/** UTF-8; long texts and lists are cut. @throws TOO_LARGE over {@link MAX_STATUS_BYTES}. */
export function encodeAgentStatus(status: AgentStatus): Uint8Array {
  const bytes = utf8(JSON.stringify(status, (_key, value: unknown) => shortened(value)));
  if (bytes.length > MAX_STATUS_BYTES)
    throw new TooLargeError(`tell the status: ${bytes.length} bytes, the limit is ${MAX_STATUS_BYTES}`);
  return bytes;
}

/** Anything thrown, as data. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof JpkiError)) return { code: "IO_FAILED", message: messageOf(error), details: {} };
  const { code, message, hint, details } = error;
  return { code, message, hint, details };
}

/** The inverse of {@link faultOf}, to be put into words. */
export function errorOf({ code, message, hint, details }: Fault): JpkiError {
  return new JpkiError(code, message, { hint, details });
}

function shortened(value: unknown): unknown {
  if (typeof value === "string") return value.slice(0, MAX_TEXT);
  return Array.isArray(value) ? value.slice(0, MAX_ITEMS) : value;
}
