/** The dates of a certificate, and when a JPKI certificate can be renewed. */

import { X509Certificate } from "node:crypto";
import { MalformedError, messageOf } from "../errors.ts";

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Renewal opens three months before the end (peers.md, 4.3; the municipal offices' leaflets). */
const RENEWAL_MONTHS = 3;
const DAY_MS = 86_400_000;

/** @throws MALFORMED if it is not a certificate in DER. */
export function validityOfCertificate(der: Uint8Array): Validity {
  try {
    const { validFrom, validTo } = new X509Certificate(der);
    return { notBefore: dateOf(validFrom), notAfter: dateOf(validTo) };
  } catch (cause) {
    throw new MalformedError(`read a certificate's dates: ${messageOf(cause)}`, { cause });
  }
}

/** Where a certificate stands at `now`; `daysLeft` counts whole days, 0 on the last one. */
export type ValidityState = {
  readonly kind: "valid" | "renewable" | "expired" | "not-yet-valid";
  readonly daysLeft: number;
};

/** @returns `renewable` from the day that renewal opens. */
export function validityState({ notBefore, notAfter }: Validity, now: Date): ValidityState {
  const daysLeft = Math.max(0, Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS));
  if (now > notAfter) return { kind: "expired", daysLeft };
  if (now < notBefore) return { kind: "not-yet-valid", daysLeft };
  return { kind: now < renewalOpens(notAfter) ? "valid" : "renewable", daysLeft };
}

/** The same day three months before; the month's last day where that one has no such day. */
export function renewalOpens(notAfter: Date): Date {
  const day = notAfter.getUTCDate();
  const opens = new Date(notAfter);
  opens.setUTCDate(1);
  opens.setUTCMonth(opens.getUTCMonth() - RENEWAL_MONTHS);
  const lastDay = new Date(Date.UTC(opens.getUTCFullYear(), opens.getUTCMonth() + 1, 0)).getUTCDate();
  opens.setUTCDate(Math.min(day, lastDay));
  return opens;
}

/** `Nov 21 23:43:38 2026 GMT`, as OpenSSL prints it. */
function dateOf(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new TypeError(`"${text}" is no date`);
  return date;
}
