/**
 * The mechanisms of a token: which are offered, and what a program must say to begin one (PKCS #11 v2.40, current
 * mechanisms 2.1). Only what really works is offered: GnuTLS and NSS believe the list.
 */

import type { HashName } from "../../lib/digest-info.ts";
import { KeyError } from "../../lib/errors.ts";
import {
  CKG_MGF1_SHA256,
  CKM_RSA_PKCS,
  CKM_RSA_PKCS_PSS,
  CKM_SHA1_RSA_PKCS,
  CKM_SHA256,
  CKM_SHA256_RSA_PKCS,
  CKM_SHA256_RSA_PKCS_PSS,
  CKM_SHA384_RSA_PKCS,
  CKM_SHA512_RSA_PKCS,
  CKR_MECHANISM_INVALID,
  CKR_MECHANISM_PARAM_INVALID,
} from "../../lib/p11/constants.ts";
import type { Mechanism } from "../../lib/p11/values.ts";
import { CkError } from "./ck-error.ts";
import type { P11Token } from "./token.ts";

export interface SignMechanism {
  /** CKM_*. */
  readonly type: number;
  /** For the record. */
  readonly name: string;
  readonly scheme: "pkcs1" | "pss";
  /** What is hashed here; undefined: the program has hashed. */
  readonly hash: HashName | undefined;
}

/** What decides about the list. */
export interface Offering {
  readonly token: Pick<P11Token, "pss">;
  readonly allowSha1: boolean;
  /** See `P11Client`. */
  readonly clientVersion: number;
}

/** Of the one RSASSA-PSS that the card knows: SHA-256 throughout. */
const PSS_SALT_BYTES = 32;

/** In the order of the list: `pkcs11-tool -t` takes the first it knows for its tests in several parts. */
const MECHANISMS: readonly SignMechanism[] = [
  { type: CKM_SHA256_RSA_PKCS, name: "CKM_SHA256_RSA_PKCS", scheme: "pkcs1", hash: "sha256" },
  { type: CKM_SHA384_RSA_PKCS, name: "CKM_SHA384_RSA_PKCS", scheme: "pkcs1", hash: "sha384" },
  { type: CKM_SHA512_RSA_PKCS, name: "CKM_SHA512_RSA_PKCS", scheme: "pkcs1", hash: "sha512" },
  { type: CKM_RSA_PKCS, name: "CKM_RSA_PKCS", scheme: "pkcs1", hash: undefined },
  { type: CKM_SHA1_RSA_PKCS, name: "CKM_SHA1_RSA_PKCS", scheme: "pkcs1", hash: "sha1" },
  { type: CKM_RSA_PKCS_PSS, name: "CKM_RSA_PKCS_PSS", scheme: "pss", hash: undefined },
  { type: CKM_SHA256_RSA_PKCS_PSS, name: "CKM_SHA256_RSA_PKCS_PSS", scheme: "pss", hash: "sha256" },
];

/** What the token does now; whether it knows RSASSA-PSS may be learnt later. */
export function offeredMechanisms({ token, allowSha1, clientVersion }: Offering): readonly SignMechanism[] {
  return MECHANISMS.filter(({ type, scheme, hash }) => {
    if (scheme === "pss" && !token.pss()) return false;
    if (hash === "sha1") return allowSha1;
    // p11-kit 0.24 does not know this one; dropping it from the list, it reads past the end of the program's buffer.
    return !(type === CKM_SHA256_RSA_PKCS_PSS && clientVersion === 0);
  });
}

/** @throws CkError CKR_MECHANISM_INVALID if it is not offered. */
export function findMechanism(type: number, offering: Offering): SignMechanism {
  const found = offeredMechanisms(offering).find((mechanism) => mechanism.type === type);
  if (found === undefined) throw new CkError(CKR_MECHANISM_INVALID, { cause: whyNotOffered(type, offering) });
  return found;
}

/** What C_SignInit asks for. @throws CkError CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID. */
export function chooseMechanism({ type, parameter }: Mechanism, offering: Offering): SignMechanism {
  const mechanism = findMechanism(type, offering);
  const fits =
    mechanism.scheme === "pkcs1"
      ? parameter.kind === "none"
      : parameter.kind === "pss" &&
        parameter.hash === CKM_SHA256 &&
        parameter.mgf === CKG_MGF1_SHA256 &&
        parameter.saltLength === PSS_SALT_BYTES;
  if (!fits) throw new CkError(CKR_MECHANISM_PARAM_INVALID);
  return mechanism;
}

/** OpenSSL asks for RSASSA-PSS whatever the list says (observed with 3.0 and libp11 0.4.12), and says no more than that. */
function whyNotOffered(type: number, { token }: Offering): KeyError | undefined {
  const wanted = MECHANISMS.find((mechanism) => mechanism.type === type);
  if (wanted?.scheme !== "pss" || token.pss()) return undefined;
  return new KeyError(
    "ALGORITHM_UNSUPPORTED",
    "this card makes no RSASSA-PSS, without which TLS 1.3 is impossible: use TLS 1.2, " +
      "with ClientSignatureAlgorithms = RSA+SHA256 for OpenSSL (jpki-agent pkcs11 env)",
  );
}
