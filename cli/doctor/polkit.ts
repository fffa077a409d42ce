/** Whether polkit lets this user reach PC/SC: over SSH and from services it does not unless a rule says so. */

import type { DeviceStatus } from "../../lib/agent-status.ts";
import { type Finding, finding } from "./finding.ts";
import type { System } from "./system.ts";

export const POLKIT_RULE_PATH = "/etc/polkit-1/rules.d/50-jpki-agent.rules";

export function checkPolkit(devices: DeviceStatus | undefined, user: string, system: System): Finding {
  if (devices?.fault?.details["refused"] === true)
    return finding("fail", "polkit-refuses", { path: POLKIT_RULE_PATH, rule: polkitRule(user) });
  if (devices === undefined || devices.fault !== undefined) return finding("skipped", "polkit-unknown", {});
  return finding("ok", system.platform === "linux" ? "polkit-allows" : "pcscd-built-in", {});
}

/** The whole file. The actions are those of pcsc-lite's own policy (org.debian.pcsc-lite.policy). */
export function polkitRule(user: string): string {
  return [
    "polkit.addRule(function (action, subject) {",
    '  if ((action.id == "org.debian.pcsc-lite.access_pcsc" || action.id == "org.debian.pcsc-lite.access_card") &&',
    `      subject.user == ${JSON.stringify(user)}) return polkit.Result.YES;`,
    "});",
  ].join("\n");
}
