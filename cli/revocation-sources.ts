/** Where `verify-cert` looks up revocation: files and URLs from the command line. */

import { resolve } from "node:path";
import { ConfigError, MalformedError } from "../lib/errors.ts";
import type { RevocationSources } from "../lib/x509/revocation.ts";
import type { CommandContext } from "./context.ts";
import { readInputFile } from "./files.ts";

export interface RevocationFlags {
  readonly crl?: string | undefined;
  readonly ocsp?: string | undefined;
  readonly stapled?: string | undefined;
}

/** From the first packet to the last byte. */
const ANSWER_MS = 15_000;
/** A PEM file beside its DER: base64 and line ends. */
const PEM_FACTOR = 1.5;

/**
 * Reads files now, for one that is missing is a mistake of the command line; URLs are asked later, for that one does
 * not answer is a finding.
 *
 * @throws ConfigError; FileError `IO_FAILED`; TOO_LARGE.
 */
export async function openRevocationSources(
  { crl, ocsp, stapled }: RevocationFlags,
  { deps, messages }: CommandContext,
): Promise<RevocationSources> {
  if (crl === undefined && ocsp === undefined && stapled === undefined) return {};
  const { exchangeHttp } = await import("../lib/node.ts");
  const { CRL_LIMITS } = await import("../lib/x509/revocation-crl.ts");
  const { OCSP_LIMITS, OCSP_REQUEST_TYPE } = await import("../lib/x509/revocation-ocsp.ts");
  const ask = (url: URL, maxBytes: number, body?: Uint8Array) => {
    const post = body === undefined ? undefined : { type: OCSP_REQUEST_TYPE, body };
    return exchangeHttp({ url, post, maxBytes, timeoutMs: ANSWER_MS, signal: deps.signal });
  };
  const crlReader = async (place: string): Promise<() => Promise<Uint8Array>> => {
    const maxBytes = CRL_LIMITS.maxBytes * PEM_FACTOR;
    if (isUrl(place)) {
      const url = httpUrl("--crl", place);
      return async () => onlyCrl(await ask(url, maxBytes));
    }
    const file = await readInputFile(resolve(place), maxBytes);
    return () => onlyCrl(file);
  };
  const ocspUrl = ocsp === undefined ? undefined : httpUrl("--ocsp", ocsp);
  const sources = {
    crl: crl === undefined ? undefined : await crlReader(crl),
    ocsp: ocspUrl && ((request: Uint8Array) => ask(ocspUrl, OCSP_LIMITS.maxBytes, request)),
    stapled: stapled === undefined ? undefined : await readInputFile(resolve(stapled), OCSP_LIMITS.maxBytes),
  };
  deps.stderr.write(`${messages.certificate.revocationLaw}\n`);
  return sources;
}

/** The DER of a list that may be PEM. @throws MALFORMED if there are several. */
async function onlyCrl(bytes: Uint8Array): Promise<Uint8Array> {
  const { readPemOrDer } = await import("../lib/x509/pem.ts");
  const [crl, ...more] = readPemOrDer(bytes, "X509 CRL");
  if (crl === undefined || more.length > 0) throw new MalformedError(`read a CRL: there are ${more.length + 1}`);
  return crl;
}

function isUrl(value: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
}

/** @throws ConfigError: revocation data are signed, and their servers speak plain HTTP. */
function httpUrl(option: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === "http:") return url;
  throw new ConfigError(`${option} does not take "${value}"; it takes http://HOST/PATH`, {
    details: { problem: "bad-option-value", subject: option, value, expected: "http://HOST/PATH" },
  });
}
