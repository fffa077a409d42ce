/** The checks of revocation that were asked for: each against its source, each with its own finding. */

import { JpkiError } from "../errors.ts";
import type { Certificate } from "./certificate-fields.ts";
import { type Check, checkOf, type Finding, finding } from "./checks.ts";
import { checkCrl } from "./revocation-crl.ts";
import { checkOcspResponse, encodeOcspRequest } from "./revocation-ocsp.ts";

/** Where revocation is to be looked up; absent: not asked for. */
export interface RevocationSources {
  /** DER. Its failing is a finding. */
  readonly crl?: (() => Promise<Uint8Array>) | undefined;
  /** Sends a request, gives the response. Its failing is a finding. */
  readonly ocsp?: ((request: Uint8Array) => Promise<Uint8Array>) | undefined;
  /** An OCSP response kept in a file, DER. */
  readonly stapled?: Uint8Array | undefined;
}

export interface RevocationQuestion {
  readonly certificate: Certificate;
  /** Undefined: it is not at hand, so nothing can be checked. */
  readonly issuer: Certificate | undefined;
  /** Random, for OCSP. */
  readonly nonce: Uint8Array;
  readonly now: Date;
}

/** @returns one check for each source; without any, one that says that revocation was not looked at. */
export async function verifyRevocation(
  { crl, ocsp, stapled }: RevocationSources,
  { certificate, issuer, nonce, now }: RevocationQuestion,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const look = async (name: Check["check"], check: (issuer: Certificate) => Promise<Finding> | Finding) => {
    checks.push(checkOf(name, issuer === undefined ? finding("no-issuer-known") : await named(() => check(issuer))));
  };
  if (crl !== undefined) await look("crl", async (ca) => checkCrl(await crl(), certificate, ca, now));
  if (ocsp !== undefined)
    await look("ocsp", async (ca) => {
      const question = { certificate, issuer: ca, nonce };
      return checkOcspResponse(await ocsp(encodeOcspRequest(question)), question, now);
    });
  if (stapled !== undefined)
    await look("stapled", (ca) => checkOcspResponse(stapled, { certificate, issuer: ca }, now));
  return checks.length > 0 ? checks : [checkOf("revocation", finding("not-asked"))];
}

/** What the network or the bytes do wrong leaves revocation open. */
async function named(check: () => Promise<Finding> | Finding): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof JpkiError)) throw error;
    if (error.code === "IO_FAILED") return finding("no-answer", { error: error.message });
    if (error.code === "MALFORMED" || error.code === "TOO_LARGE")
      return finding("unreadable", { error: error.message });
    throw error;
  }
}
