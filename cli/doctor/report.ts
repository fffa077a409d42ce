/** `doctor --report`: what this card and reader really do, to be sent to the makers of this program. */

import type { AgentParts, ProbedCard, ProbeStep } from "../../agent/main.ts";
import type { Config } from "../../lib/config.ts";
import { PinError } from "../../lib/errors.ts";
import { printable } from "../../lib/printable.ts";
import packageJson from "../../package.json" with { type: "json" };
import type { Deps } from "../deps.ts";
import type { ReportTexts } from "../messages/doctor-texts.ts";
import type { Messages } from "../messages/messages.ts";
import { openAgentParts } from "../parts.ts";

/** The surroundings that an answer may depend on. */
interface Machine {
  readonly program: string;
  readonly node: string;
  readonly system: string;
  readonly binding: string | undefined;
}

export interface Report extends Machine {
  readonly cards: readonly ProbedCard[];
}

/** @throws as `probeCardsOn`. */
export async function makeReport(settings: Config, verbose: number, deps: Deps, messages: Messages): Promise<Report> {
  const { probeCardsOn } = await import("../../agent/main.ts");
  const { parts } = await openAgentParts({ settings, verbose, level: "error" }, deps, messages);
  const agree = (step: ProbeStep, card: string) => askHolder(parts, step, card, messages, deps.signal);
  const cards = await probeCardsOn(parts, agree, deps.signal);
  return {
    program: packageJson.version,
    node: process.versions.node,
    system: `${process.platform} ${process.arch}`,
    binding: parts.transport.binding,
    cards: cards.map((card) => ({ ...card, reader: withoutSerial(card.reader) })),
  };
}

/** For a person to read before it is sent. */
export function reportLines(report: Report, { report: texts }: Messages): readonly string[] {
  const { program, node, system, binding = "-", cards } = report;
  return [
    texts.intro,
    "",
    `jpki-agent ${program}, Node.js ${node}, ${system}, PC/SC ${binding}`,
    ...cards.flatMap((card) => cardLines(card, texts)),
  ];
}

function cardLines(card: ProbedCard, texts: ReportTexts): readonly string[] {
  const { reader, atr, protocol, tokenName, observations, commands } = card;
  return [
    "",
    `${texts.reader}: ${printable(reader)}`,
    `ATR: ${atr}, ${protocol}, ${tokenName || "-"}`,
    ...observations.map(({ belief, verdict, seen }) => {
      const told = seen === "" ? "" : ` (${seen})`;
      return `  ${texts.verdicts[verdict]}  ${belief}: ${texts.beliefs[belief]}${told}`;
    }),
    `${texts.times}:`,
    ...commands.map(({ what, sw, ms }) => `  ${String(ms).padStart(5)} ms  ${sw}  ${what}`),
  ];
}

/** Whoever cannot be asked has not agreed. */
async function askHolder(
  { prompt }: AgentParts,
  step: ProbeStep,
  card: string,
  { report: { steps } }: Messages,
  signal: AbortSignal,
): Promise<boolean> {
  const purpose = { kind: "command", command: `doctor --report: ${steps[step]}` } as const;
  try {
    return await prompt.confirm({ kind: "use", card, purpose }, signal);
  } catch (error) {
    if (error instanceof PinError) return false;
    throw error;
  }
}

/** Some drivers put the reader's serial number into its name: `SCM SCR3310 (21120919) 00 00`. */
function withoutSerial(reader: string): string {
  return reader.replaceAll(/\([0-9A-Za-z]{5,}\)/g, "(…)");
}
