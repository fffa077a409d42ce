/** What `doctor` says, in any language: its findings, and its report for developers. */

import type { ProbeStep } from "../../agent/main.ts";
import type { BeliefId, Observation } from "../../lib/card/probe-notes.ts";
import type { FindingTexts, Level } from "../doctor/finding.ts";

export interface DoctorTexts {
  /** Before each finding, of one width. */
  readonly levels: Readonly<Record<Level, string>>;
  /** Of the lines under a finding: as wide as a level and two spaces. */
  readonly indent: string;
  readonly findings: FindingTexts;
  /** The last line. */
  summary(failed: number, warned: number): string;
}

export interface ReportTexts {
  readonly intro: string;
  readonly reader: string;
  readonly times: string;
  /** Of one width. */
  readonly verdicts: Readonly<Record<Observation["verdict"], string>>;
  /** What the holder is asked to agree to; after "doctor --report: ", 100 characters together. */
  readonly steps: Readonly<Record<ProbeStep, string>>;
  readonly beliefs: Readonly<Record<BeliefId, string>>;
}
