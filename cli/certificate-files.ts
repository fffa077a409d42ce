/** Certificates in files that a command line names. */

import { resolve } from "node:path";
import { ConfigError, MalformedError } from "../lib/errors.ts";
import type { Certificate } from "../lib/x509/certificate-fields.ts";
import type { CaCandidate } from "../lib/x509/chain.ts";
import { readInputFile } from "./files.ts";

/** The one certificate in a file. @throws ConfigError if there are several; MALFORMED; FileError `IO_FAILED`. */
export async function readCertificateFile(option: string, path: string): Promise<Certificate> {
  const [certificate, ...more] = await readCertificates(path);
  if (certificate === undefined || more.length > 0)
    throw new ConfigError(`${option} takes one certificate; ${path} has ${more.length + 1}`, {
      details: { problem: "several-certificates", subject: option, value: path },
    });
  return certificate;
}

/** The CAs that `--ca` names. @throws MALFORMED; FileError `IO_FAILED`. */
export async function readTrustedCas(path: string | undefined): Promise<readonly CaCandidate[]> {
  if (path === undefined) return [];
  return (await readCertificates(path)).map((certificate) => ({ certificate, trusted: true }));
}

/** All certificates in a file, in their order. @throws MALFORMED if there is none or one is none; FileError `IO_FAILED`. */
export async function readCertificates(path: string): Promise<readonly Certificate[]> {
  const { CERTIFICATE_LIMITS } = await import("../lib/x509/der.ts");
  const { decodeCertificate } = await import("../lib/x509/certificate-fields.ts");
  const { readPemOrDer } = await import("../lib/x509/pem.ts");
  const file = await readInputFile(resolve(path), CERTIFICATE_LIMITS.maxBytes);
  try {
    return readPemOrDer(file, "CERTIFICATE").map(decodeCertificate);
  } catch (cause) {
    if (!(cause instanceof MalformedError)) throw cause;
    throw new MalformedError(`${path} is no certificate in PEM or DER: ${cause.message}`, {
      details: { problem: "not-a-certificate", path },
      cause,
    });
  }
}
