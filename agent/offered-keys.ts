/**
 * The keys as clients of the SSH face see them: each plain key, then the certificates for it that are valid now. Without
 * keys that were removed, and without those that are not for this connection.
 */

import { equalBytes, utf8 } from "../lib/bytes.ts";
import { JpkiError } from "../lib/errors.ts";
import type { KeyIdentity, KeyStore } from "../lib/keys.ts";
import type { Logger } from "../lib/log.ts";
import type { Identity } from "../lib/ssh/agent-response.ts";
import { encodeRsaBlob } from "../lib/ssh/public-key.ts";
import { decodeSshCertificate, validityAt } from "../lib/ssh/ssh-certificate.ts";
import type { CertificateFile, CertificateSource } from "../lib/user-certificates.ts";
import type { ConnectionFacts } from "./destination-rules.ts";
import type { KeyConstraints } from "./key-constraints.ts";

export interface OfferedKeysOptions {
  readonly keys: Pick<KeyStore, "list">;
  readonly constraints: KeyConstraints;
  readonly certificates: CertificateSource;
  /** Seconds since 1970: for the certificates' dates. */
  readonly unixSeconds: () => number;
  readonly log: Logger;
}

/** A key of ours that a request names. */
export interface FoundKey {
  readonly key: KeyIdentity;
  /** The plain blob. */
  readonly keyBlob: Uint8Array;
  /** The certificate's blob, if the request names the key by one. */
  readonly certificate: Uint8Array | undefined;
}

type CertificateState = "offered" | "not-for-users" | "not-yet-valid" | "expired" | "wrong-key";

export class OfferedKeys {
  readonly #options: OfferedKeysOptions;
  /** What was said of each file: again only when it changes. */
  #said: ReadonlyMap<string, CertificateState> = new Map();

  constructor(options: OfferedKeysOptions) {
    this.#options = options;
  }

  list(connection: ConnectionFacts): readonly Identity[] {
    const { keys, constraints } = this.#options;
    const all = keys.list().map((key) => ({ key, keyBlob: encodeRsaBlob(key.publicKey) }));
    const certificates = this.#validFor(all.map(({ keyBlob }) => keyBlob));
    return all
      .filter(({ key }) => constraints.lists(key.id, connection))
      .flatMap(({ key, keyBlob }) => [
        { keyBlob, comment: utf8(key.comment) },
        ...certificates
          .filter(({ certificate }) => equalBytes(certificate.keyBlob, keyBlob))
          .map(({ blob, comment }) => ({ keyBlob: blob, comment: utf8(comment || key.comment) })),
      ]);
  }

  /** Our key with this blob, or with this user certificate, listed or not: a certificate gives no right that its key has not. */
  find(blob: Uint8Array): FoundKey | undefined {
    const inside = certifiedKey(blob);
    const wanted = inside ?? blob;
    for (const key of this.#options.keys.list()) {
      const keyBlob = encodeRsaBlob(key.publicKey);
      if (equalBytes(keyBlob, wanted)) return { key, keyBlob, certificate: inside && blob };
    }
    return undefined;
  }

  #validFor(keyBlobs: readonly Uint8Array[]): readonly CertificateFile[] {
    const { certificates, log } = this.#options;
    const states = certificates().map((file) => ({ file, state: this.#stateOf(file, keyBlobs) }));
    for (const { file, state } of states) {
      if (this.#said.get(file.path) === state) continue;
      const fields = { file: file.path, state, certificate: file.certificate.keyId };
      if (state === "offered") log.info("certificate offered", fields);
      else log.warn("certificate left out", fields);
    }
    this.#said = new Map(states.map(({ file, state }) => [file.path, state]));
    return states.flatMap(({ file, state }) => (state === "offered" ? [file] : []));
  }

  #stateOf({ certificate }: CertificateFile, keyBlobs: readonly Uint8Array[]): CertificateState {
    if (certificate.role !== "user") return "not-for-users";
    const validity = validityAt(certificate, this.#options.unixSeconds());
    if (validity !== "valid") return validity;
    return keyBlobs.some((blob) => equalBytes(blob, certificate.keyBlob)) ? "offered" : "wrong-key";
  }
}

/** The plain key inside a user certificate; undefined for any other blob. */
function certifiedKey(blob: Uint8Array): Uint8Array | undefined {
  try {
    const certificate = decodeSshCertificate(blob);
    return certificate?.role === "user" ? certificate.keyBlob : undefined;
  } catch (error) {
    // A blob that cannot be read is not our key.
    if (!(error instanceof JpkiError)) throw error;
    return undefined;
  }
}
