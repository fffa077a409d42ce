/** For how long an answer about revocation holds: CRLs and OCSP responses say it alike. */

import { type Finding, finding } from "./checks.ts";

export interface RevocationPeriod {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
}

/** Clocks differ: so far in the future an answer may have been made (as OpenSSL allows). */
const MAX_SKEW_MS = 300_000;

/** @returns why it does not hold at `now`; undefined if it does. An answer that names no end does not. */
export function periodFinding({ thisUpdate, nextUpdate }: RevocationPeriod, now: Date): Finding | undefined {
  if (!(thisUpdate.getTime() <= now.getTime() + MAX_SKEW_MS)) return finding("from-the-future");
  if (nextUpdate === undefined) return finding("no-end", { from: thisUpdate.toISOString() });
  if (!(nextUpdate >= now)) return finding("stale", { until: nextUpdate.toISOString() });
  return undefined;
}

/** Of an answer that was made for this very question: without an end it holds now. */
export function freshPeriodFinding(period: RevocationPeriod, now: Date): Finding | undefined {
  const found = periodFinding(period, now);
  return found?.reason === "no-end" ? undefined : found;
}
