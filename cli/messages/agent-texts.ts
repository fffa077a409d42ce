/** What the agent says of itself, in any language: at its start, in `status` and `release`, and in its record. */

import type { CardStatus, Pkcs11Login, ReaderStatus, TriesLeft } from "../../lib/agent-status.ts";
import type { NoticeText, SignatureEntry } from "../../lib/signature-entry.ts";
import type { ValidityState } from "../../lib/x509/validity.ts";

export interface AgentTexts {
  /** The socket is served from now on, and the one for PKCS#11 if there is one. */
  serving(path: string, pkcs11Path: string | undefined): string;
  /** For `systemctl status`, one line each. */
  serviceReady(path: string): string;
  readonly serviceStopping: string;
  /** `-k` has ended it. */
  killed(pid: number): string;
  /** Said at the start when `--allow-any-data` is on. */
  readonly anyDataWarning: string;
}

/** What `status` and `release` say; one line each. */
export interface StatusTexts {
  agentRunning(pid: number, version: string, uptimeSeconds: number): string;
  readonly agentLocked: string;
  readonly agentAbsent: string;
  readonly agentSilent: string;
  socket(path: string): string;
  /** `binding` undefined: the virtual card. */
  pcsc(binding: string | undefined): string;
  readonly pcscFault: string;
  readonly noReader: string;
  reader(name: string, state: ReaderStatus["state"]): string;
  readonly noCard: string;
  card(state: CardStatus["state"], name: string | undefined, reader: string | undefined): string;
  key(fingerprint: string): string;
  triesLeft(tries: TriesLeft): string;
  /** `date` is its last day. */
  certificate(state: ValidityState, date: string): string;
  pinRemembered(remembered: boolean): string;
  pkcs11Socket(path: string): string;
  /** `program` is undefined where it could not be told. */
  pkcs11Login(login: Pkcs11Login): string;
  /** `entry` is the line of `log`. */
  lastRefusal(time: string, entry: string): string;
  readonly released: string;
  readonly nothingToRelease: string;
}

/** The record of signatures; everything in an entry comes from outside. */
export interface SignatureTexts {
  /** There is no entry. */
  readonly none: string;
  /** One line, without the time. */
  entry(entry: SignatureEntry): string;
  notice(entry: SignatureEntry): NoticeText;
}
