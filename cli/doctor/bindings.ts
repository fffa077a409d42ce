/** Whether the PC/SC bindings load: one is enough, but the one that was asked for must. */

import { faultOf } from "../../lib/agent-status.ts";
import type { PcscBinding } from "../../lib/config.ts";
import { type Finding, finding } from "./finding.ts";

export interface BindingLoad {
  readonly name: Exclude<PcscBinding, "auto">;
  /** Why it cannot be loaded. */
  readonly error: Error | undefined;
}

export function checkBindings(wanted: PcscBinding, loads: readonly BindingLoad[]): readonly Finding[] {
  const anyLoads = loads.some(({ error }) => error === undefined);
  return loads.map(({ name, error }) => {
    if (error === undefined) return finding("ok", "binding-loads", { binding: name });
    const facts = { binding: name, fault: faultOf(error) };
    const needed = wanted === "auto" ? !anyLoads : wanted === name;
    return needed ? finding("fail", "binding-broken", facts) : finding("warn", "binding-spare-broken", facts);
  });
}
