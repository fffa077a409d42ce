/** How a PIN would be asked for, from this shell and by the running agent; on request it is asked for, for show. */

import { type Fault, faultOf } from "../../lib/agent-status.ts";
import { JpkiError, PinError } from "../../lib/errors.ts";
import type { Prompt } from "../../lib/pin/prompt.ts";
import type { PromptChoice } from "../../lib/pin/select-prompt.ts";
import { type Finding, finding } from "./finding.ts";

/** @param agentFault why the running agent could not ask when it last wanted to. */
export function checkPrompt(choice: PromptChoice, agentFault: Fault | undefined): readonly Finding[] {
  const ofAgent = agentFault === undefined ? [] : [finding("fail", "prompt-agent-fault", { fault: agentFault })];
  if (choice.kind === "none") {
    const { problem, reason, hint, missing } = choice;
    const details = missing === undefined ? { problem } : { problem, missing };
    const error = new PinError("PIN_NO_PROMPT", reason, { hint, details });
    return [...ofAgent, finding("fail", "prompt-none", { fault: faultOf(error) })];
  }
  const [way] = choice.ways;
  if (way === undefined) return ofAgent;
  return [
    ...ofAgent,
    finding("ok", "prompt-way", { way: way.kind, program: "program" in way ? way.program : undefined }),
  ];
}

/** Asks as for a login. What is typed goes to no card, and is wiped. @throws the signal's reason. */
export async function showPrompt(prompt: Prompt, signal: AbortSignal): Promise<Finding> {
  const purpose = { kind: "command", command: "doctor --show-prompt" } as const;
  try {
    const pin = await prompt.askPin({ pin: "auth", card: "", reader: "-", purpose, triesLeft: undefined }, signal);
    pin.wipe();
    return finding("ok", "prompt-shown", { answer: "answered" });
  } catch (error) {
    if (!(error instanceof JpkiError)) throw error;
    if (error.code === "PIN_FORMAT") return finding("ok", "prompt-shown", { answer: "answered" });
    if (error.code === "PIN_CANCELLED") return finding("ok", "prompt-shown", { answer: "cancelled" });
    return finding("fail", "prompt-broken", { fault: faultOf(error) });
  }
}
