/** Requests of the SSH face that concern the card's PIN: `ssh-add -s jpki`, `ssh-add -e jpki`, `pin forget`. */

import { JpkiError } from "../lib/errors.ts";
import type { KeyStore } from "../lib/keys.ts";
import { type Pin, pinFromBytes } from "../lib/pin/pin.ts";
import type { AgentRequest } from "../lib/ssh/agent-protocol.ts";
import { type AgentResponse, FAILURE, SUCCESS } from "../lib/ssh/agent-response.ts";
import type { Constraint } from "../lib/ssh/constraints.ts";
import type { ConnectionState } from "./connection-state.ts";
import type { KeyConstraints } from "./key-constraints.ts";

/** The token id by which the card is meant; any other is a PKCS#11 library, which we load none of. */
export const OWN_TOKEN_ID = "jpki";

/** What takes a PIN; see given-pin.ts. */
export interface TokenPins {
  /** @returns the key's id. Wipes `pin`. @throws JpkiError; the signal's reason. */
  give(pin: Pin, lifetimeMs: number | undefined, signal: AbortSignal): Promise<string>;
  takeBack(): Promise<void>;
}

export interface TokenOptions {
  /** Absent: PINs are not taken. */
  readonly token?: TokenPins | undefined;
  readonly keys: KeyStore;
  readonly constraints: KeyConstraints;
}

type TokenRequest = Extract<AgentRequest, { kind: "add-smartcard" | "add-smartcard-constrained" | "remove-smartcard" }>;

/**
 * Every refusal is a line in the log with its reason. The PIN in the request is wiped. A connection that has bound itself
 * comes from ssh, perhaps by a forwarded agent: no PIN is taken from it (as OpenSSH's agent since 9.3p2), for a host out
 * there must not be able to spend tries.
 */
export async function answerToken(
  request: TokenRequest,
  { token, constraints }: TokenOptions,
  { bindings, log }: Pick<ConnectionState, "bindings" | "log">,
  signal: AbortSignal,
): Promise<AgentResponse> {
  const fields = { event: request.kind };
  const refuse = (reason: string, text: string): AgentResponse => {
    request.pin.fill(0);
    log.warn("token refused", { ...fields, result: "refused", reason, text });
    return FAILURE;
  };
  if (request.tokenId !== OWN_TOKEN_ID || token === undefined)
    return refuse("unknown-token", `the card is called "${OWN_TOKEN_ID}"; PKCS#11 libraries are not loaded`);
  if (request.kind === "remove-smartcard") {
    request.pin.fill(0);
    await token.takeBack();
    log.info("forgot PINs and let go of the card", { ...fields, result: "done" });
    return SUCCESS;
  }
  if (bindings.bindAttempted) return refuse("bound", "a PIN over a connection that is bound to a server");
  const wanted = request.kind === "add-smartcard" ? [] : request.constraints;
  if (wanted.some(({ kind }) => kind === "associated-certs"))
    return refuse("unsupported", "certificates belong into files, see --certificate");
  try {
    const pin = pinFromBytes("auth", request.pin);
    const keyId = await token.give(pin, lifetimeMsOf(wanted), signal);
    constraints.set(keyId, wanted);
    log.info("took the PIN", { ...fields, key: keyId, result: "done" });
    return SUCCESS;
  } catch (error) {
    if (signal.aborted) return refuse("abandoned", "the client hung up");
    if (error instanceof JpkiError) return refuse(error.code, error.message);
    throw error;
  }
}

/** As in ssh-agent, 0 is no limit. */
function lifetimeMsOf(constraints: readonly Constraint[]): number | undefined {
  for (const constraint of constraints)
    if (constraint.kind === "lifetime" && constraint.seconds > 0) return 1000 * constraint.seconds;
  return undefined;
}
