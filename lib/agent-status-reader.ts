/**
 * Reads what the running agent tells of itself (agent-status.ts). Apart from the writing, because the checks are heavy to
 * load. The agent may be of another version: unknown fields are ignored.
 */

import { type AgentStatus, MAX_STATUS_BYTES } from "./agent-status.ts";
import { ERROR_CODES, MalformedError, messageOf, TooLargeError } from "./errors.ts";
import { z } from "./schema.ts";

const fault = z.object({
  code: z.enum(ERROR_CODES).catch("IO_FAILED"),
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
  id: z.string().optional(),
  fingerprint: z.string().optional(),
  triesLeft: z.object({ auth: tries, sign: tries, text: tries }).optional(),
  notBefore: z.iso.datetime().optional(),
  notAfter: z.iso.datetime().optional(),
  pinRemembered: z.boolean().optional(),
  fault: fault.optional(),
});

const pkcs11Login = z.object({
  card: z.string(),
  key: z.enum(["auth", "sign"]),
  program: z.string().optional(),
  signatures: z.number(),
  maxSignatures: z.number(),
  endsInSeconds: z.number(),
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
    pkcs11: z.object({ socket: z.string(), logins: z.array(pkcs11Login) }).optional(),
    promptFault: fault.optional(),
    devices: z.object({
      binding: z.string().optional(),
      fault: fault.optional(),
      readers: z.array(z.object({ name: z.string(), state: z.enum(["empty", "present", "mute"]) })),
      cards: z.array(card),
    }),
  }),
]);

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
