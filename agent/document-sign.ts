/**
 * A signature over a document, for `sign`: the card's PIN or signature password is asked for, and in one session the
 * card gives the certificate and signs. Nothing is kept but the line in the record.
 */

import { constants, type KeyObject, publicDecrypt, X509Certificate } from "node:crypto";
import { equalBytes } from "../lib/bytes.ts";
import type { KeyName } from "../lib/card/files.ts";
import type { JpkiApplication } from "../lib/card/jpki.ts";
import { encodeDigestInfo } from "../lib/digest-info.ts";
import { CardStatusError, JpkiError, MalformedError, PolicyError } from "../lib/errors.ts";
import { SW_FILE_NOT_FOUND } from "../lib/iso7816/status-word.ts";
import type { SignatureRecord, SignatureResult } from "../lib/signature-entry.ts";
import { absentCertificate, presentCertificate, type ReadCertificatesParts } from "./cert-read.ts";
import { documentEntry } from "./document-entry.ts";
import { oneCard } from "./one-card.ts";
import { commentOf } from "./pin-commands.ts";
import { type RefusedData, refusedRawData } from "./raw-data.ts";

export interface SignerCertificates {
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER; undefined where the card has none. */
  readonly ca: Uint8Array | undefined;
}

export type DocumentRequest = {
  readonly key: KeyName;
  /** What the person is told who is asked: `sign contract.pdf`. */
  readonly command: string;
} & (
  | {
      readonly format: "raw";
      /** SHA-256 of the file. */
      readonly digest: Uint8Array;
      /** The file's beginning, see `LOGIN_BYTES`: some are refused, see raw-data.ts. */
      readonly head: Uint8Array;
    }
  | {
      readonly format: "cms";
      /** SHA-256 of what is to be signed, which names the certificate. */
      readonly digestFor: (certificates: SignerCertificates) => Uint8Array;
    }
);

export interface DocumentSignature {
  /** 256 bytes, PKCS #1 v1.5. */
  readonly signature: Uint8Array;
  /** Undefined for a raw one: the card was not asked for them. */
  readonly certificates: SignerCertificates | undefined;
}

export interface SignDocumentParts extends ReadCertificatesParts {
  readonly record?: SignatureRecord | undefined;
}

const REFUSED_HINTS: Readonly<Record<RefusedData["problem"], string>> = {
  "attributes-data": "whoever has this signature could make it one over another document; use --format cms",
  "login-data": "whoever has this signature could log in as you; use --format cms, or --key sign",
};

/**
 * @throws as `oneCard` and `CardLogin.run`; PolicyError for data that is refused, before anybody is asked; KeyError
 * `KEY_UNKNOWN` for a card without that key; MALFORMED for a signature that the certificate's key did not make.
 */
export async function signDocument(
  { registry, newLogin, record }: SignDocumentParts,
  request: DocumentRequest,
  signal: AbortSignal,
): Promise<DocumentSignature> {
  const { key, command } = request;
  const card = await oneCard(registry);
  const keep = (result: SignatureResult, reason?: string, made?: DocumentSignature) =>
    record?.add({ ...documentEntry(card, key, made?.certificates?.certificate), result, reason });
  const refused = request.format === "raw" ? refusedRawData(request.head, key) : undefined;
  if (refused !== undefined) {
    const { problem, what } = refused;
    keep("refused", problem);
    throw new PolicyError(`sign: the file is ${what}, and no document`, {
      hint: REFUSED_HINTS[problem],
      details: { problem },
    });
  }
  const asked = { card: commentOf(card), purpose: { kind: "command", command } } as const;
  try {
    const made = await newLogin(key).run(card, asked, signal, (jpki) => signWith(jpki, request));
    keep("signed", undefined, made);
    return made;
  } catch (error) {
    if (signal.aborted) keep("abandoned");
    else if (error instanceof JpkiError) keep("failed", error.code);
    // A child's card has no signature password either.
    if (error instanceof CardStatusError && error.statusWord === SW_FILE_NOT_FOUND) throw absentCertificate(key);
    throw error;
  }
}

async function signWith(jpki: JpkiApplication, request: DocumentRequest): Promise<DocumentSignature> {
  const { key } = request;
  if (request.format === "raw")
    return { signature: await jpki.sign(key, encodeDigestInfo("sha256", request.digest)), certificates: undefined };
  const certificate = presentCertificate(await jpki.readCertificate(key), key);
  const ca = await jpki.readCertificate(`${key}-ca`);
  const certificates = { certificate, ca: ca.kind === "certificate" ? ca.der : undefined };
  const signed = encodeDigestInfo("sha256", request.digestFor(certificates));
  const signature = await jpki.sign(key, signed);
  requireMadeBy(certificate, signature, signed);
  return { signature, certificates };
}

/** What goes into other people's hands has been verified before. @throws MALFORMED */
function requireMadeBy(certificate: Uint8Array, signature: Uint8Array, signed: Uint8Array): void {
  const { publicKey } = new X509Certificate(certificate);
  if (equalBytes(opened(publicKey, signature), signed)) return;
  throw new MalformedError("sign: the card's signature was not made by the key of its certificate");
}

function opened(key: KeyObject, signature: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature));
  } catch {
    // Not even padded as a signature is.
    return new Uint8Array();
  }
}
