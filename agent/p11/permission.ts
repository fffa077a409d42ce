/** Whether a key may be used over PKCS#11 at all: the same lock and the same constraints as over SSH. */

import { PolicyError } from "../../lib/errors.ts";
import type { AgentLock } from "../agent-lock.ts";
import type { KeyConstraints } from "../key-constraints.ts";

export interface PermissionRules {
  readonly lock: Pick<AgentLock, "locked">;
  readonly constraints: Pick<KeyConstraints, "permits">;
  /** `--confirm`. */
  readonly confirm: boolean;
}

/** A PKCS#11 program names no host, and what it has signed is no SSH login. */
const NO_CONNECTION = { bindings: [], bindAttempted: false };

/**
 * @param keyId of the card's authentication key, which stands for the card; undefined: a phone that has not shown it.
 * @returns whether a person is asked at each signature.
 * @throws PolicyError; `details.problem` is `locked`, `key-removed` or `destination`.
 */
export function requirePermitted({ lock, constraints, confirm }: PermissionRules, keyId: string | undefined): boolean {
  if (lock.locked)
    throw new PolicyError("use the card: the agent is locked", {
      hint: "unlock it with: ssh-add -X",
      details: { problem: "locked" },
    });
  if (keyId === undefined) return confirm;
  const permission = constraints.permits(keyId, NO_CONNECTION, new Uint8Array());
  if (permission.kind === "permitted") return confirm || permission.confirm;
  throw new PolicyError(`use the card: ${permission.text}`, { details: { problem: permission.reason } });
}
