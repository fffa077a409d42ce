/**
 * The objects of a token, made of its certificates: certificate, private key and public key with one CKA_ID and one
 * label, and the CA's certificate. The attributes are those that programs have been seen to ask for; the rest is not
 * there (PKCS #11 v2.40 sections 4.6 to 4.9).
 */

import { utf8 } from "../../lib/bytes.ts";
import {
  CKA_ALWAYS_AUTHENTICATE,
  CKA_ALWAYS_SENSITIVE,
  CKA_CERTIFICATE_CATEGORY,
  CKA_CERTIFICATE_TYPE,
  CKA_CLASS,
  CKA_DECRYPT,
  CKA_DERIVE,
  CKA_ENCRYPT,
  CKA_EXTRACTABLE,
  CKA_ID,
  CKA_ISSUER,
  CKA_KEY_TYPE,
  CKA_LABEL,
  CKA_LOCAL,
  CKA_MODIFIABLE,
  CKA_MODULUS,
  CKA_MODULUS_BITS,
  CKA_NEVER_EXTRACTABLE,
  CKA_PRIVATE,
  CKA_PUBLIC_EXPONENT,
  CKA_PUBLIC_KEY_INFO,
  CKA_SENSITIVE,
  CKA_SERIAL_NUMBER,
  CKA_SIGN,
  CKA_SIGN_RECOVER,
  CKA_SUBJECT,
  CKA_TOKEN,
  CKA_TRUSTED,
  CKA_UNWRAP,
  CKA_VALUE,
  CKA_VERIFY,
  CKA_VERIFY_RECOVER,
  CKA_WRAP,
  CKA_WRAP_WITH_TRUSTED,
  CKC_X_509,
  CKK_RSA,
  CKO_CERTIFICATE,
  CKO_PRIVATE_KEY,
  CKO_PUBLIC_KEY,
} from "../../lib/p11/constants.ts";
import type { CertificateValues } from "./certificate-values.ts";

export type ObjectKind = "certificate" | "private-key" | "public-key" | "ca-certificate";

/** None of them is a list. */
export type ObjectValue = boolean | number | Uint8Array;

export interface P11Object {
  readonly kind: ObjectKind;
  /** Seen after login only. */
  readonly isPrivate: boolean;
  /** Bytes of the modulus that belongs to it, and of a signature. */
  readonly modulusBytes: number;
  /** CKA_* to value. */
  readonly attributes: ReadonlyMap<number, ObjectValue>;
}

/** How the objects of a slot's key are called: the token's label says which card it is. */
const LABELS = {
  auth: { key: "JPKI authentication", ca: "JPKI authentication CA" },
  sign: { key: "JPKI signature", ca: "JPKI signature CA" },
} as const;

/** CK_CERTIFICATE_CATEGORY_*. */
const CATEGORY_TOKEN_USER = 1;
const CATEGORY_AUTHORITY = 2;

export interface ObjectSources {
  readonly key: "auth" | "sign";
  readonly certificate: CertificateValues;
  readonly caCertificate: CertificateValues | undefined;
  readonly asksEachTime: boolean;
}

/** The user's own objects first: some programs take the first certificate they are given. */
export function makeObjects({ key, certificate, caCertificate, asksEachTime }: ObjectSources): readonly P11Object[] {
  const { key: label, ca: caLabel } = LABELS[key];
  // Name and address are in the signature certificate: no program sees it by another one's login.
  const isHidden = key === "sign";
  const own = [
    object("certificate", isHidden, certificate, certificateAttributes(certificate, label, CATEGORY_TOKEN_USER)),
    object("private-key", true, certificate, privateKeyAttributes(certificate, label, asksEachTime)),
    object("public-key", isHidden, certificate, publicKeyAttributes(certificate, label)),
  ];
  if (caCertificate === undefined) return own;
  const ca = certificateAttributes(caCertificate, caLabel, CATEGORY_AUTHORITY);
  return [...own, object("ca-certificate", isHidden, caCertificate, ca)];
}

type Attributes = readonly (readonly [type: number, value: ObjectValue])[];

function object(
  kind: ObjectKind,
  isPrivate: boolean,
  { modulus }: CertificateValues,
  attributes: Attributes,
): P11Object {
  const common: Attributes = [
    [CKA_TOKEN, true],
    [CKA_PRIVATE, isPrivate],
    [CKA_MODIFIABLE, false],
  ];
  return { kind, isPrivate, modulusBytes: modulus.length, attributes: new Map([...common, ...attributes]) };
}

/** Never CKA_TRUSTED: whom to trust is for the program to know. */
function certificateAttributes(values: CertificateValues, label: string, category: number): Attributes {
  return [
    [CKA_CLASS, CKO_CERTIFICATE],
    [CKA_CERTIFICATE_TYPE, CKC_X_509],
    [CKA_CERTIFICATE_CATEGORY, category],
    [CKA_TRUSTED, false],
    [CKA_LABEL, utf8(label)],
    [CKA_ID, values.id],
    [CKA_SUBJECT, values.subject],
    [CKA_ISSUER, values.issuer],
    [CKA_SERIAL_NUMBER, values.serialNumber],
    [CKA_VALUE, values.der],
    [CKA_PUBLIC_KEY_INFO, values.publicKeyInfo],
  ];
}

/**
 * CKA_LOCAL, ALWAYS_SENSITIVE and NEVER_EXTRACTABLE tell of the key's past, of which the card shows nothing: false.
 * CKA_ALWAYS_AUTHENTICATE is told and not insisted on: ssh and OpenSSL's engine know nothing of it (observed), and who
 * is asked each time is asked in C_Sign.
 */
function privateKeyAttributes(values: CertificateValues, label: string, asksEachTime: boolean): Attributes {
  return [
    [CKA_CLASS, CKO_PRIVATE_KEY],
    ...keyAttributes(values, label),
    [CKA_SIGN, true],
    [CKA_SIGN_RECOVER, false],
    [CKA_DECRYPT, false],
    [CKA_UNWRAP, false],
    [CKA_SENSITIVE, true],
    [CKA_EXTRACTABLE, false],
    [CKA_ALWAYS_SENSITIVE, false],
    [CKA_NEVER_EXTRACTABLE, false],
    [CKA_WRAP_WITH_TRUSTED, false],
    [CKA_ALWAYS_AUTHENTICATE, asksEachTime],
  ];
}

/** Verifying needs no token, and this one does not do it. */
function publicKeyAttributes(values: CertificateValues, label: string): Attributes {
  return [
    [CKA_CLASS, CKO_PUBLIC_KEY],
    ...keyAttributes(values, label),
    [CKA_VERIFY, false],
    [CKA_VERIFY_RECOVER, false],
    [CKA_ENCRYPT, false],
    [CKA_WRAP, false],
    [CKA_TRUSTED, false],
  ];
}

/** Of both halves; OpenSSL's engine takes modulus and exponent from the private one (observed). */
function keyAttributes(values: CertificateValues, label: string): Attributes {
  return [
    [CKA_KEY_TYPE, CKK_RSA],
    [CKA_LABEL, utf8(label)],
    [CKA_ID, values.id],
    [CKA_SUBJECT, values.subject],
    [CKA_DERIVE, false],
    [CKA_LOCAL, false],
    [CKA_MODULUS, values.modulus],
    [CKA_MODULUS_BITS, modulusBits(values.modulus)],
    [CKA_PUBLIC_EXPONENT, values.publicExponent],
    [CKA_PUBLIC_KEY_INFO, values.publicKeyInfo],
  ];
}

function modulusBits(modulus: Uint8Array): number {
  return 8 * modulus.length - Math.clz32(modulus[0] ?? 0) + 24;
}
