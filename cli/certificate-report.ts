/** A certificate as `cert` and `verify-cert` tell it: in lines for people, as data for scripts. */

import { printable } from "../lib/printable.ts";
import type { Certificate } from "../lib/x509/certificate-fields.ts";
import { type Holder, holderOf } from "../lib/x509/holder.ts";
import { type DistinguishedName, nameText } from "../lib/x509/names.ts";
import { findPinnedCa } from "../lib/x509/trust.ts";
import { validityState } from "../lib/x509/validity.ts";
import { localTime } from "./local-time.ts";
import type { CertificateTexts } from "./messages/certificate-texts.ts";

/** An address may have 200 characters (card.md), a name with all its parts more. */
const MAX_SHOWN = 500;

/** @param withHolder also what a signature certificate says of its holder. */
export function certificateLines(
  certificate: Certificate,
  texts: CertificateTexts,
  { now, withHolder }: { readonly now: Date; readonly withHolder: boolean },
): readonly string[] {
  const { x509, subject, issuer, notBefore, notAfter, keyUsage, extendedKeyUsage, policies, isCa } = certificate;
  const { labels } = texts;
  const holder = withHolder ? holderOf(certificate) : undefined;
  const line = (label: string, text: string) => `${label}: ${printable(text, MAX_SHOWN)}`;
  return [
    line(labels.subject, nameText(subject)),
    line(labels.issuer, nameText(issuer)),
    line(labels.serial, x509.serialNumber),
    line(labels.notBefore, localTime(notBefore)),
    line(labels.notAfter, `${localTime(notAfter)} ${texts.validity(validityState({ notBefore, notAfter }, now))}`),
    line(labels.key, keyText(certificate)),
    ...(keyUsage === undefined ? [] : [line(labels.keyUsage, keyUsage.join(", "))]),
    ...(extendedKeyUsage === undefined ? [] : [line(labels.extendedKeyUsage, withNames(extendedKeyUsage))]),
    ...(policies.length === 0 ? [] : [line(labels.policies, withNames(policies))]),
    line("SHA-256", x509.fingerprint256),
    line("SHA-1", x509.fingerprint),
    ...(isCa ? [line(labels.pinned, texts.pinned(findPinnedCa(certificate.der)?.generation))] : []),
    ...(holder === undefined ? [] : holderLines(holder, texts, line)),
  ];
}

/** The same for `--json`; times as ISO 8601, what is not there is left out. */
export function certificateData(
  certificate: Certificate,
  { now, withHolder }: { now: Date; withHolder: boolean },
): object {
  const { x509, subject, issuer, notBefore, notAfter, keyUsage, extendedKeyUsage, policies, isCa } = certificate;
  const { kind, daysLeft } = validityState({ notBefore, notAfter }, now);
  return {
    subject: nameData(subject),
    issuer: nameData(issuer),
    serial: x509.serialNumber,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    state: kind,
    daysLeft,
    key: keyText(certificate),
    keyUsage,
    extendedKeyUsage,
    policies,
    sha256: plainHex(x509.fingerprint256),
    sha1: plainHex(x509.fingerprint),
    ...(isCa ? { pinned: findPinnedCa(certificate.der) !== undefined } : {}),
    ...(withHolder ? { holder: holderOf(certificate) } : {}),
  };
}

function holderLines(
  { name, nameSubstitutes, sex, birthDate, address, addressSubstitutes }: Holder,
  { labels, sexes, birthDate: dateText }: CertificateTexts,
  line: (label: string, text: string) => string,
): readonly string[] {
  const shown: readonly (readonly [string, string | undefined])[] = [
    [labels.name, name],
    [labels.nameSubstitutes, substituted(nameSubstitutes)],
    [labels.birthDate, birthDate && dateText(birthDate)],
    [labels.sex, sex && sexes[sex]],
    [labels.address, address],
    [labels.addressSubstitutes, substituted(addressSubstitutes)],
  ];
  return shown.flatMap(([label, text]) => (text === undefined ? [] : [line(label, text)]));
}

/** Zeros alone: no character was substituted, nothing to tell. */
function substituted(marks: string | undefined): string | undefined {
  return marks === undefined || /^0*$/.test(marks) ? undefined : marks;
}

/** `rsa 2048`. */
function keyText({ publicKey }: Certificate): string {
  const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  return [publicKey.asymmetricKeyType, modulusLength ?? namedCurve].filter((part) => part !== undefined).join(" ");
}

const OID_NAMES: ReadonlyMap<string, string> = new Map([
  ["1.3.6.1.5.5.7.3.2", "clientAuth"],
  ["1.2.392.200149.8.5.1.1.20", "JPKI digital signature"],
  ["1.2.392.200149.8.5.1.3.30", "JPKI user authentication"],
]);

function withNames(oids: readonly string[]): string {
  return oids.map((oid) => (OID_NAMES.has(oid) ? `${oid} (${OID_NAMES.get(oid)})` : oid)).join(", ");
}

function nameData({ attributes }: DistinguishedName): readonly string[] {
  return attributes.map(({ type, value }) => `${type}=${value}`);
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}
