/**
 * The CAs of JPKI that are trusted, by SHA-256 of their certificates' DER. The three generations share one name, and the
 * card's own copy is only as good as the card: it counts if it is one of these.
 *
 * Source: SHA-256 of the DER of the CA certificates that J-LIS published in 2015, 2019 and 2023, computed with
 * `openssl x509 -fingerprint`. Of the CA for user authentication no second generation is known.
 */

import { createHash } from "node:crypto";

/** What a certificate of JPKI is for: 利用者証明用 or 署名用. */
export type CertificatePurpose = "auth" | "sign";

export interface PinnedCa {
  readonly purpose: CertificatePurpose;
  readonly generation: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export const PINNED_CAS: readonly PinnedCa[] = [
  { purpose: "auth", generation: 1, sha256: "4dcfc4ca0aaf9fb2a3081b3f0c991c320b3acc008667a341eeaec5af1d58ca7d" },
  { purpose: "auth", generation: 3, sha256: "64114f29620c24ed2631d46476a040e7ee740d956089c00b036a6a8118c322b5" },
  { purpose: "sign", generation: 1, sha256: "19645405a1fe14377434bd55957628ac4038557c542403a2243f21c706fc9355" },
  { purpose: "sign", generation: 2, sha256: "79679c33e4cc9319440f1ad120a597ff1844e2ef217063adb176966fd5e6fbeb" },
  { purpose: "sign", generation: 3, sha256: "d227f6cde11d35c5252178f106f843d24651944975413b539fa2fb68dbfa365f" },
];

/** @returns undefined for any other certificate. */
export function findPinnedCa(der: Uint8Array): PinnedCa | undefined {
  const sha256 = createHash("sha256").update(der).digest("hex");
  return PINNED_CAS.find((ca) => ca.sha256 === sha256);
}
