/**
 * What a check of `doctor` has found: facts as data, put into words by the language's texts. A check is a function of
 * what it is given and of {@link System}; it changes nothing.
 */

import type { Fault } from "../../lib/agent-status.ts";

/** `fail`: a login cannot work. `warn`: it may, or not for long. `skipped`: not looked at, and why. */
export type Level = "ok" | "warn" | "fail" | "skipped";

/** The facts of each finding. */
export interface FindingFacts {
  "node-ok": { readonly version: string };
  "node-old": { readonly version: string; readonly needed: string };
  "binding-loads": { readonly binding: string };
  "binding-broken": { readonly binding: string; readonly fault: Fault };
  "binding-spare-broken": { readonly binding: string; readonly fault: Fault };
  "pcscd-runs": { readonly version: string | undefined };
  "pcscd-absent": { readonly installed: boolean };
  "pcscd-denied": { readonly path: string };
  "pcscd-built-in": object;
  "pcsc-works": { readonly binding: string | undefined };
  "pcsc-fault": { readonly fault: Fault };
  "polkit-refuses": { readonly path: string; readonly rule: string };
  "polkit-allows": object;
  "polkit-unknown": object;
  "driver-found": { readonly drivers: readonly string[] };
  "driver-missing": { readonly usbReaders: readonly string[] };
  "driver-built-in": object;
  "holders-none": object;
  "holders-some": { readonly programs: readonly HolderFact[] };
  "holders-unknown": object;
  "reader-some": { readonly readers: readonly string[] };
  "reader-none": { readonly usbReaders: readonly string[] };
  "reader-unknown": object;
  "card-ready": { readonly card: string; readonly reader: string };
  "card-hidden": { readonly reader: string };
  "card-foreign": { readonly reader: string };
  "card-mute": { readonly reader: string };
  "card-unreadable": { readonly reader: string; readonly fault: Fault };
  "card-none": object;
  "card-unknown": object;
  "tries-left": { readonly pin: string; readonly triesLeft: number; readonly maxTries: number };
  "tries-low": { readonly pin: string; readonly triesLeft: number; readonly maxTries: number };
  "tries-blocked": { readonly pin: string };
  "certificate-valid": { readonly date: string; readonly daysLeft: number };
  "certificate-renewable": { readonly date: string; readonly daysLeft: number };
  "certificate-expired": { readonly date: string };
  "certificate-early": { readonly date: string };
  "prompt-way": { readonly way: string; readonly program: string | undefined };
  "prompt-none": { readonly fault: Fault };
  "prompt-agent-fault": { readonly fault: Fault };
  "prompt-shown": { readonly answer: "answered" | "cancelled" };
  "prompt-broken": { readonly fault: Fault };
  "keychain-works": object;
  "keychain-fault": { readonly fault: Fault };
  "agent-runs": { readonly pid: number; readonly socket: string };
  "agent-locked": { readonly socket: string };
  "agent-absent": { readonly socket: string };
  "agent-silent": { readonly socket: string; readonly fault: Fault };
  "auth-sock-ours": { readonly path: string };
  "auth-sock-config": { readonly path: string };
  "auth-sock-unset": { readonly socket: string };
  "auth-sock-dead": { readonly path: string; readonly socket: string };
  "auth-sock-other": { readonly path: string; readonly agent: OtherAgent; readonly socket: string };
  "files-private": object;
  "files-open": { readonly path: string; readonly mode: string; readonly wanted: string };
  "server-modern": { readonly server: string; readonly software: string; readonly algorithms: readonly string[] };
  "server-sha1-only": { readonly server: string; readonly software: string };
  "server-no-rsa": { readonly server: string; readonly algorithms: readonly string[] };
  "server-silent-on-algorithms": { readonly server: string; readonly software: string };
  "server-no-publickey": { readonly server: string; readonly methods: readonly string[] };
  "server-too-old": { readonly server: string; readonly reason: string };
  "server-unreachable": { readonly server: string; readonly reason: string };
  "server-no-ssh": object;
  "server-permissions": { readonly server: string };
}

/** A program that is connected to the PC/SC service. */
export interface HolderFact {
  /** `?`: another user's. */
  readonly name: string;
  readonly pid: number | undefined;
  /** What it is known to do with cards. */
  readonly kind: "scdaemon" | "opensc" | "browser" | "jpki-agent" | "other";
}

/** Which agent listens at a socket, by its path. */
export type OtherAgent = "gnome-keyring" | "gpg-agent" | "openssh" | "macos" | "1password" | "unknown";

export type FindingId = keyof FindingFacts;

/** A finding in words. */
export interface FindingText {
  readonly text: string;
  /** What a person can do about it; lines. */
  readonly mend?: string | undefined;
}

/** Both languages implement it, so a missing twin is a type error. */
export type FindingTexts = { readonly [I in FindingId]: (facts: FindingFacts[I]) => FindingText };

export interface Finding {
  readonly id: FindingId;
  readonly level: Level;
  readonly facts: object;
  readonly say: (texts: FindingTexts) => FindingText;
}

export function finding<I extends FindingId>(level: Level, id: I, facts: FindingFacts[I]): Finding {
  return { id, level, facts, say: (texts) => texts[id](facts) };
}
