/**
 * The forms in which an RSA public key is handed to other programs. The one importing file of sshpk, which is loaded
 * where it is needed.
 */

import { assertNever, ConfigError } from "./errors.ts";
import type { RsaPublicKey } from "./keys.ts";
import { encodeRsaBlob } from "./ssh/public-key.ts";

export const KEY_FORMATS = ["openssh", "rfc4716", "pkcs8", "jwk"] as const;

/**
 * `openssh`: a line of authorized_keys (sshd(8)). `rfc4716`: SECSH public key file. `pkcs8`: SubjectPublicKeyInfo as
 * PEM (RFC 5280, RFC 7468), the name that ssh-keygen -m and sshpk have for it. `jwk`: RFC 7517, in one line.
 */
export type KeyFormat = (typeof KEY_FORMATS)[number];

export interface KeyFormatOptions {
  readonly format: KeyFormat;
  /** For `openssh` and `rfc4716`; one line. */
  readonly comment: string;
  /** Stands before the key in `openssh`: `restrict,pty`. */
  readonly options?: string | undefined;
}

/** RFC 4716 section 3.3: lines of at most 72 bytes; ssh-keygen writes 70 of base64. */
const SECSH_LINE_BYTES = 72;
const SECSH_BASE64_CHARS = 70;

/**
 * The key's text, ending in a line end.
 *
 * @throws ConfigError if comment or options hold control characters: they could begin a second line.
 */
export async function formatPublicKey(
  key: RsaPublicKey,
  { format, comment, options }: KeyFormatOptions,
): Promise<string> {
  for (const text of [comment, options ?? ""]) requireOneLine(text);
  const blob = encodeRsaBlob(key);
  switch (format) {
    case "openssh":
      return `${[options, "ssh-rsa", base64(blob), comment].filter(Boolean).join(" ")}\n`;
    case "rfc4716":
      return secshFile(blob, comment);
    case "pkcs8":
      return pemFile(blob);
    case "jwk":
      return `${JSON.stringify({ kty: "RSA", n: base64url(key.modulus), e: base64url(key.exponent) })}\n`;
    default:
      return assertNever(format);
  }
}

function requireOneLine(text: string): void {
  if (/\p{Cc}/u.test(text))
    throw new ConfigError("a comment or an option of a key cannot hold control characters or line ends", {
      details: { problem: "control-characters" },
    });
}

async function pemFile(blob: Uint8Array): Promise<string> {
  const { default: sshpk } = await import("sshpk");
  return `${sshpk.parseKey(Buffer.from(blob), "rfc4253").toString("pkcs8").trimEnd()}\n`;
}

function secshFile(blob: Uint8Array, comment: string): string {
  const body = base64(blob).match(new RegExp(`.{1,${SECSH_BASE64_CHARS}}`, "g")) ?? [];
  return [
    "---- BEGIN SSH2 PUBLIC KEY ----",
    ...foldHeader(`Comment: "${comment}"`),
    ...body,
    "---- END SSH2 PUBLIC KEY ----",
    "",
  ].join("\n");
}

/** RFC 4716 section 3.3.1: a line that goes on ends in a backslash. */
function foldHeader(header: string): string[] {
  const lines = [""];
  for (const character of header) {
    const line = lines.at(-1) ?? "";
    if (Buffer.byteLength(line + character) < SECSH_LINE_BYTES) lines[lines.length - 1] = line + character;
    else lines.splice(-1, 1, `${line}\\`, character);
  }
  return lines;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
