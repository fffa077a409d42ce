/**
 * The port between the faces (SSH, PKCS#11) and whatever holds the keys. Neither face knows that a card exists.
 *
 * `sign` takes a ready DigestInfo: hashing belongs to each face, so that `rsa-sha2-256` and `CKM_RSA_PKCS` share one
 * path to the card.
 */

/** Big-endian magnitudes without leading zeros (modulus 256 bytes for RSA-2048). Owned by the key; do not change. */
export interface RsaPublicKey {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

export interface KeyIdentity {
  /** SHA-256 of the authentication certificate's DER, lower-case hex: the name of card and key everywhere. */
  readonly id: string;
  readonly publicKey: RsaPublicKey;
  /** Names the card without personal data; UTF-8. */
  readonly comment: string;
  /** Whether the card is on a reader now, as far as is known. */
  readonly present: boolean;
}

/** Which of the card's keys a PKCS#11 program uses: user authentication, or digital signature (署名用). */
export type Pkcs11Key = "auth" | "sign";

/** What a signature is for, as far as the bytes to be signed prove it. Shown to the person, written to the record. */
export type SignPurpose =
  | {
      readonly kind: "ssh-login";
      /** The user name asked for. */
      readonly user: string;
      /** Host names from known_hosts where the connection is bound to a host key; else empty. */
      readonly hosts: readonly string[];
      /** SHA256:… fingerprint of the host key that the connection is bound to. */
      readonly hostKeyFingerprint?: string | undefined;
      /** Whether the request came through a forwarded agent, as far as the bindings tell. */
      readonly forwarded: boolean;
    }
  | { readonly kind: "sshsig"; readonly namespace: string }
  | { readonly kind: "any-data"; readonly description: string }
  /** A program logs in over PKCS#11. What it will have signed is not known: only how much, and for how long. */
  | {
      readonly kind: "pkcs11-login";
      readonly key: Pkcs11Key;
      readonly maxSignatures: number;
      readonly seconds: number;
    }
  /** Such a program has something signed. @see SignatureEntry.mechanism */
  | { readonly kind: "pkcs11-sign"; readonly key: Pkcs11Key; readonly mechanism: string }
  | { readonly kind: "command"; readonly command: string };

export interface SignContext {
  readonly purpose: SignPurpose;
  /** The program that asks, where it can be told; shown, never trusted. */
  readonly program?: string | undefined;
  /** Aborts when the client hangs up: its prompt goes away and its place in the queue too. */
  readonly signal: AbortSignal;
}

export interface KeyStore {
  /** The keys known now: from memory, at once, whatever else is going on. Present cards first. */
  list(): readonly KeyIdentity[];
  /**
   * A PKCS #1 v1.5 signature (the modulus's length) over `digestInfo` (DER, 1 to 245 bytes).
   *
   * @throws KeyError `KEY_UNKNOWN`; PcscError `CARD_ABSENT`, `CARD_BUSY`, `CARD_RESET`; PinError `PIN_CANCELLED`,
   * `PIN_BLOCKED`, `PIN_NO_PROMPT`; the signal's reason when it aborts.
   */
  sign(keyId: string, digestInfo: Uint8Array, context: SignContext): Promise<Uint8Array>;
  /** Forgets the remembered PIN of one key, or of all, and lets go of its card at once (`ssh-add -d`, `-D`). */
  forget(keyId?: string | undefined): Promise<void>;
}
