/**
 * What the running agent tells of itself in answer to `status@jpki-agent`: one JSON document. No secret is in it, and
 * nothing of the holder.
 *
 * Reader: the command line, perhaps of another version. So unknown fields are ignored when it is read, and fields are
 * only ever added.
 */

import { utf8 } from "./bytes.ts";
import { type ErrorCode, JpkiError, MalformedError, messageOf, TooLargeError } from "./errors.ts";
import type { PinName } from "./pin/pin.ts";
import { z } from "./schema.ts";

/** Most bytes of the document. */
export const MAX_STATUS_BYTES = 65_536;
/** Of each text and each list in it: names of readers come from outside. */
const MAX_TEXT = 300;
const MAX_ITEMS = 16;

/** The keys are all codes: a new one is a type error here. */
const CODES: Readonly<Record<ErrorCode, true>> = {
  PCSC_UNAVAILABLE: true,
  READER_ABSENT: true,
  CARD_ABSENT: true,
  CARD_BUSY: true,
  CARD_RESET: true,
  CARD_STATUS: true,
  NOT_JPKI: true,
  PIN_FORMAT: true,
  PIN_WRONG: true,
  PIN_BLOCKED: true,
  PIN_CANCELLED: true,
  PIN_PROTECTED: true,
  PIN_NO_PROMPT: true,
  KEYCHAIN_UNAVAILABLE: true,
  KEY_UNKNOWN: true,
  ALGORITHM_UNSUPPORTED: true,
  POLICY_REFUSED: true,
  MALFORMED: true,
  TOO_LARGE: true,
  SOCKET_IN_USE: true,
  SOCKET_UNSAFE: true,
  CONFIG_INVALID: true,
  IO_FAILED: true,
};

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
export type TriesLeft = Readonly<Partial<Record<PinName, number | undefined>>>;

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

export interface RunningAgentStatus {
  readonly kind: "running";
  readonly pid: number;
  readonly version: string;
  readonly uptimeSeconds: number;
  /** Absolute. */
  readonly socket: string;
  readonly pinCache: string;
  /** Why the last question for a PIN could not be shown. */
  readonly promptFault?: Fault | undefined;
  readonly devices: DeviceStatus;
}

export type AgentStatus = { readonly kind: "locked" } | RunningAgentStatus;

const fault = z.object({
  code: z.enum(Object.keys(CODES).filter(isCode)).catch("IO_FAILED"),
  message: z.string(),
  hint: z.string().optional(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).catch({}),
});

const tries = z.number().int().min(0).max(15).optional();

const card = z.object({
  state: z.enum(["ready", "hidden", "away", "not-jpki", "unreadable"]),
  reader: z.string().optional(),
  kind: z.enum(["card", "phone"]).optional(),
  comment: z.string().optional(),
  fingerprint: z.string().optional(),
  triesLeft: z.object({ auth: tries, sign: tries, text: tries }).optional(),
  notBefore: z.iso.datetime().optional(),
  notAfter: z.iso.datetime().optional(),
  pinRemembered: z.boolean().optional(),
  fault: fault.optional(),
});

const schema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("locked") }),
  z.object({
    kind: z.literal("running"),
    pid: z.number().int(),
    version: z.string(),
    uptimeSeconds: z.number(),
    socket: z.string(),
    pinCache: z.string(),
    promptFault: fault.optional(),
    devices: z.object({
      binding: z.string().optional(),
      fault: fault.optional(),
      readers: z.array(z.object({ name: z.string(), state: z.enum(["empty", "present", "mute"]) })),
      cards: z.array(card),
    }),
  }),
]);

/** UTF-8; long texts and lists are cut. @throws TOO_LARGE over {@link MAX_STATUS_BYTES}. */
export function encodeAgentStatus(status: AgentStatus): Uint8Array {
  const bytes = utf8(JSON.stringify(status, (_key, value: unknown) => shortened(value)));
  if (bytes.length > MAX_STATUS_BYTES)
    throw new TooLargeError(`tell the status: ${bytes.length} bytes, the limit is ${MAX_STATUS_BYTES}`);
  return bytes;
}

/** @throws MALFORMED, TOO_LARGE. */
export function decodeAgentStatus(bytes: Uint8Array): AgentStatus {
  if (bytes.length > MAX_STATUS_BYTES)
    throw new TooLargeError(`read the agent's status: ${bytes.length} bytes, the limit is ${MAX_STATUS_BYTES}`);
  try {
    return schema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new MalformedError(`read the agent's status: ${messageOf(cause)}`, { cause });
  }
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

function isCode(text: string): text is ErrorCode {
  return text in CODES;
}
