/**
 * The PKI behind a virtual card: two CAs, the authentication and the signature certificate, shaped as JPKI's are.
 *
 * Names, key usages and otherNames follow card.md ("Certificates"); the policies are those of JPKI's certificate
 * profiles. The holder is plainly fictional, and every issuer carries {@link VIRTUAL_MARK}.
 */

import { generateKeyPair, randomInt } from "node:crypto";
import { promisify } from "node:util";
import { MalformedError } from "../errors.ts";
import { issueCertificate, type KeyPair, type Name } from "./certificate.ts";

/** Everything a virtual card and its issuers are made of: keys as PKCS #8 DER, certificates as DER. */
export interface VirtualPki {
  readonly authKey: Uint8Array;
  readonly authCertificate: Uint8Array;
  readonly authCaKey: Uint8Array;
  readonly authCaCertificate: Uint8Array;
  readonly signKey: Uint8Array;
  readonly signCertificate: Uint8Array;
  readonly signCaKey: Uint8Array;
  readonly signCaCertificate: Uint8Array;
}

/** OU of every issuer here, so that nobody takes such a certificate for a real one. */
export const VIRTUAL_MARK = "Virtual card for tests";

const PKI_FIELDS = [
  "authKey",
  "authCertificate",
  "authCaKey",
  "authCaCertificate",
  "signKey",
  "signCertificate",
  "signCaKey",
  "signCaCertificate",
] as const satisfies readonly (keyof VirtualPki)[];

/** Certificate policies of JPKI: user authentication and digital signature. */
const AUTH_POLICY = "1.2.392.200149.8.5.1.3.30";
const SIGN_POLICY = "1.2.392.200149.8.5.1.1.20";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
/** otherNames with the holder's attributes: card.md. */
const ATTRIBUTES = "1.2.392.200149.8.5.5";
const OFFICE = "999999999";
const RANDOM_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

const AUTH_CA: Name = issuerName("JPKI for user authentication");
const SIGN_CA: Name = issuerName("JPKI for digital signature");

/** Nobody: 見本 means specimen, 架空 means fictional. Birth date as EYYYYMMDD, era 4 (平成). */
const HOLDER: readonly (readonly [type: string, value: string])[] = [
  [`${ATTRIBUTES}.1`, "見本　花子"],
  [`${ATTRIBUTES}.2`, "00000"],
  [`${ATTRIBUTES}.3`, "2"],
  [`${ATTRIBUTES}.4`, "419900401"],
  [`${ATTRIBUTES}.5`, "見本県架空市一丁目２番３号"],
  [`${ATTRIBUTES}.6`, "0000000000000"],
];

/**
 * Makes four RSA-2048 keys and their certificates; takes about a second.
 *
 * @param now the certificates are valid from 30 days before it (the CAs: 2 years) to 4 years (8 years) after it.
 */
export async function createVirtualPki(now: Date): Promise<VirtualPki> {
  const [authCa, signCa, auth, sign] = await Promise.all([rsaKey(), rsaKey(), rsaKey(), rsaKey()]);
  const caDates = { notBefore: addDays(now, -730), notAfter: addDays(now, 8 * 365) };
  const dates = { notBefore: addDays(now, -30), notAfter: addDays(now, 4 * 365) };
  const caUse = { keyUsage: ["keyCertSign", "cRLSign"], isCa: true } as const;
  return {
    authKey: auth.privateKey,
    authCertificate: issueCertificate({
      issuer: AUTH_CA,
      issuerKey: authCa,
      subject: [
        ["C", "JP"],
        ["CN", `${randomCharacters(14)}${OFFICE}`],
      ],
      subjectKey: auth.publicKey,
      ...dates,
      keyUsage: ["digitalSignature"],
      isCa: false,
      extendedKeyUsage: [CLIENT_AUTH],
      policy: AUTH_POLICY,
      crlDirectoryName: crlName(AUTH_CA),
    }),
    authCaKey: authCa.privateKey,
    authCaCertificate: issueCertificate({
      issuer: AUTH_CA,
      issuerKey: authCa,
      subject: AUTH_CA,
      subjectKey: authCa.publicKey,
      ...caDates,
      ...caUse,
      policy: AUTH_POLICY,
    }),
    signKey: sign.privateKey,
    signCertificate: issueCertificate({
      issuer: SIGN_CA,
      issuerKey: signCa,
      subject: [
        ["C", "JP"],
        ["L", "Mihon-ken"],
        ["L", "Kakuu-shi"],
        ["CN", `${timeDigits(now)}${String(randomInt(10_000)).padStart(4, "0")}${OFFICE}`],
      ],
      subjectKey: sign.publicKey,
      ...dates,
      keyUsage: ["digitalSignature", "nonRepudiation"],
      isCa: false,
      policy: SIGN_POLICY,
      crlDirectoryName: crlName(SIGN_CA),
      otherNames: HOLDER,
    }),
    signCaKey: signCa.privateKey,
    signCaCertificate: issueCertificate({
      issuer: SIGN_CA,
      issuerKey: signCa,
      subject: SIGN_CA,
      subjectKey: signCa.publicKey,
      ...caDates,
      ...caUse,
      policy: SIGN_POLICY,
    }),
  };
}

/** The PKI as a record of base64 texts, fit for JSON. */
export function encodeVirtualPki(pki: VirtualPki): Record<string, string> {
  return Object.fromEntries(PKI_FIELDS.map((field) => [field, Buffer.from(pki[field]).toString("base64")]));
}

/** The inverse of {@link encodeVirtualPki}. @throws MALFORMED if a field is missing or is no text. */
export function decodeVirtualPki(record: unknown): VirtualPki {
  const fields = typeof record === "object" && record !== null ? new Map(Object.entries(record)) : new Map();
  const bytes = (field: keyof VirtualPki): Uint8Array => {
    const text: unknown = fields.get(field);
    if (typeof text !== "string" || text === "") throw new MalformedError(`virtual PKI: "${field}" is missing`);
    return new Uint8Array(Buffer.from(text, "base64"));
  };
  return {
    authKey: bytes("authKey"),
    authCertificate: bytes("authCertificate"),
    authCaKey: bytes("authCaKey"),
    authCaCertificate: bytes("authCaCertificate"),
    signKey: bytes("signKey"),
    signCertificate: bytes("signCertificate"),
    signCaKey: bytes("signCaKey"),
    signCaCertificate: bytes("signCaCertificate"),
  };
}

function issuerName(service: string): Name {
  return [
    ["C", "JP"],
    ["O", "JPKI"],
    ["OU", service],
    ["OU", "Japan Agency for Local Authority Information Systems"],
    ["OU", VIRTUAL_MARK],
  ];
}

function crlName(ca: Name): Name {
  return [...ca.slice(0, 3), ["OU", "CRL Distribution Points"], ["OU", VIRTUAL_MARK], ["CN", "Kakuu-shi CRLDP"]];
}

async function rsaKey(): Promise<KeyPair> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "der" },
  });
  return { privateKey: new Uint8Array(privateKey), publicKey: new Uint8Array(publicKey) };
}

/** Whole seconds: X.509 times have no fraction. */
function addDays(now: Date, days: number): Date {
  return new Date(Math.floor(now.getTime() / 1000) * 1000 + days * 86_400_000);
}

function timeDigits(now: Date): string {
  return now.toISOString().replaceAll(/\D/g, "").slice(0, 14);
}

function randomCharacters(count: number): string {
  return Array.from({ length: count }, () => RANDOM_CHARACTERS.charAt(randomInt(RANDOM_CHARACTERS.length))).join("");
}
