/** A signature in a file, of any of the forms that `verify` takes: CMS in DER or PEM, or a raw RSA signature. */

import { toHex } from "../lib/bytes.ts";
import { MalformedError, TooLargeError } from "../lib/errors.ts";
import { type ByteSource, memorySource } from "../lib/x509/byte-source.ts";
import type { SignedData } from "../lib/x509/cms-decode.ts";

export type SignatureFile =
  /** `content` undefined: it is in another file. */
  | {
      readonly kind: "cms";
      readonly signed: SignedData;
      readonly content: (() => AsyncIterable<Uint8Array>) | undefined;
    }
  | { readonly kind: "raw"; readonly signature: Uint8Array }
  | { readonly kind: "malformed"; readonly error: string };

/** What cannot be read at any place: PEM, and what is piped in. DER in a file has any size. */
export const MAX_MEMORY_BYTES = 64 << 20;
/** RSA-1024 to RSA-8192. */
const RAW_BYTES = { min: 128, max: 1024 } as const;
/** RFC 7468, 2: other text may stand before a PEM. */
const HEAD_BYTES = 4096;
/** Up to the type of a CMS signature, whatever its lengths look like. */
const TYPE_BYTES = 64;
const PEM_BEGIN = "-----BEGIN ";
const DER_SEQUENCE = 0x30;
/** The OBJECT IDENTIFIER of SignedData, which stands in every CMS signature's first {@link TYPE_BYTES}. */
const SIGNED_DATA = "06092a864886f70d010702";

/** @throws TOO_LARGE; FileError `IO_FAILED`. */
export async function openSignatureFile(source: ByteSource): Promise<SignatureFile> {
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  try {
    if (head[0] === DER_SEQUENCE && toHex(head.subarray(0, TYPE_BYTES)).includes(SIGNED_DATA))
      return await openCms(source);
    if (new TextDecoder("latin1").decode(head).includes(PEM_BEGIN)) return await openCms(await fromPem(source));
    if (source.size >= RAW_BYTES.min && source.size <= RAW_BYTES.max)
      return { kind: "raw", signature: await source.read(0, source.size) };
    throw new MalformedError("read a signature: it is neither CMS in DER or PEM, nor a raw RSA signature");
  } catch (error) {
    if (error instanceof MalformedError) return { kind: "malformed", error: error.message };
    throw error;
  }
}

async function openCms(source: ByteSource): Promise<SignatureFile> {
  const { openEnvelope } = await import("../lib/x509/cms-envelope.ts");
  const { decodeSignedData } = await import("../lib/x509/cms-decode.ts");
  const { withoutContent, content } = await openEnvelope(source);
  return { kind: "cms", signed: decodeSignedData(withoutContent), content };
}

/** @throws MALFORMED if there is not exactly one signature; TOO_LARGE. */
async function fromPem(source: ByteSource): Promise<ByteSource> {
  const { readPemOrDer } = await import("../lib/x509/pem.ts");
  if (source.size > MAX_MEMORY_BYTES)
    throw new TooLargeError(`read a signature in PEM: ${source.size} bytes, the limit is ${MAX_MEMORY_BYTES}`);
  const file = await source.read(0, source.size);
  const label = Buffer.from(file).includes("-----BEGIN PKCS7-----") ? "PKCS7" : "CMS";
  const [der, ...more] = readPemOrDer(file, label);
  if (der === undefined || more.length > 0)
    throw new MalformedError(`read a signature in PEM: there are ${more.length + 1}`);
  return memorySource(der);
}
