/** The notes that probe.ts takes: what was seen of each belief about the card, and how long each command took. */

import type { ResponseApdu } from "../iso7816/response.ts";

/** What is believed; the words are in cli/messages/, the sources in the developers' notes on the card. */
export const BELIEFS = [
  "first-command-6f00",
  "application-jpki",
  "application-text",
  "application-surface",
  "application-juki",
  "token-name",
  "token-160-bytes",
  "presence-3-bytes",
  "tries-query",
  "short-ef-pin",
  "short-ef-read",
  "extended-le",
  "past-end-6b00",
  "auth-certificate-free",
  "sign-certificate-guarded",
  "ca-certificates-free",
  "sign-guarded",
  "short-ef-sign",
  "scheme-02",
  "scheme-03",
  "scheme-04",
  "query-after-verify",
  "sign-256-bytes",
  "sign-sha512",
  "short-ef-same-signature",
  "select-keeps-verified",
  "power-clears-verified",
] as const;

export type BeliefId = (typeof BELIEFS)[number];

export interface Observation {
  readonly belief: BeliefId;
  readonly verdict: "confirmed" | "refuted" | "not-tried";
  /** Status words and lengths: `9000, 160 bytes`. Empty where it was not tried. */
  readonly seen: string;
}

/** One command, for its time. */
export interface TimedCommand {
  /** Its purpose; no bytes of it. */
  readonly what: string;
  readonly sw: string;
  readonly ms: number;
}

/** Takes notes of each command. */
export class Notes {
  readonly commands: TimedCommand[] = [];
  readonly observations: Observation[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async timed(what: string, send: () => Promise<ResponseApdu>): Promise<ResponseApdu> {
    const startMs = this.#now();
    const response = await send();
    this.commands.push({ what, sw: statusHex(response.sw), ms: Math.round(this.#now() - startMs) });
    return response;
  }

  /** @param holds undefined: it could not be tried. */
  note(belief: BeliefId, holds: boolean | undefined, seen: string): void {
    const verdict = holds === undefined ? "not-tried" : holds ? "confirmed" : "refuted";
    this.observations.push({ belief, verdict, seen: holds === undefined ? "" : seen });
  }
}

/** `9000`. */
export function statusHex(sw: number): string {
  return sw.toString(16).toUpperCase().padStart(4, "0");
}
