/**
 * A card's authentication key as it is remembered: in memory, and in the state folder behind the port
 * {@link KnownKeyStore}. Holds nothing of the holder: no certificate, no subject, no birthday.
 */

import { createHash } from "node:crypto";
import type { RsaPublicKey } from "./keys.ts";
import { rsaPublicKeyOfCertificate } from "./x509/certificate.ts";
import { validityOfCertificate } from "./x509/validity.ts";

export interface CardKey {
  /** SHA-256 of the authentication certificate's DER, lower-case hex. */
  readonly id: string;
  /** A phone shows its certificate only after its PIN. */
  readonly kind: "card" | "phone";
  readonly publicKey: RsaPublicKey;
  readonly comment: string;
  /** Whether the card makes RSASSA-PSS signatures; undefined while nobody has asked it. */
  readonly pss?: boolean | undefined;
  /** The year (UTC) in which the certificate ends; the day is the holder's birthday, and not kept. */
  readonly lastYear?: number | undefined;
  /** When the certificate was issued; in memory only. */
  readonly issued?: Date | undefined;
}

/** The id of the card with this authentication certificate (DER), see {@link CardKey.id}. */
export function cardIdOf(certificate: Uint8Array): string {
  return createHash("sha256").update(certificate).digest("hex");
}

/** Keys once seen, kept over restarts. */
export interface KnownKeyStore {
  /** At once; includes what another process wrote meanwhile. */
  list(): readonly CardKey[];
  /**
   * What was learnt of the card before stays where `key` does not say it.
   *
   * @param replaces id of a key that is dropped. @throws FileError `IO_FAILED`.
   */
  remember(key: CardKey, replaces?: string | undefined): Promise<void>;
}

/**
 * The key of an authentication certificate (DER, not kept). The comment tells cards apart by the certificate's
 * fingerprint: the card has no other name that is not the holder's.
 *
 * @throws MalformedError if it is not a certificate of an RSA key.
 */
export function cardKeyOf(certificate: Uint8Array, kind: CardKey["kind"]): CardKey {
  const id = cardIdOf(certificate);
  const publicKey = rsaPublicKeyOfCertificate(certificate);
  const { notBefore, notAfter } = validityOfCertificate(certificate);
  return {
    id,
    kind,
    publicKey,
    comment: `My Number ${kind} ${id.slice(0, 8)}`,
    lastYear: notAfter.getUTCFullYear(),
    issued: notBefore,
  };
}
