/** What a certificate revocation list (RFC 5280, 5) says of one certificate. From untrusted bytes, nothing is fetched. */

import { equalBytes, fromHex } from "../bytes.ts";
import { asn1js, pkijs } from "./asn1.ts";
import { type Certificate, distributionPointNames } from "./certificate-fields.ts";
import { type Finding, finding } from "./checks.ts";
import { type DerLimits, decodeDer } from "./der.ts";
import { nameOf } from "./names.ts";
import { periodFinding } from "./revocation-period.ts";
import { isSignedBy } from "./signature-algorithms.ts";

/** About 28 000 entries, which take some seconds: JPKI's lists are divided by region. */
export const CRL_LIMITS: DerLimits = { maxBytes: 1 << 20, maxNodes: 300_000 };

const OID = {
  crlNumber: "2.5.29.20",
  reasonCode: "2.5.29.21",
  issuingDistributionPoint: "2.5.29.28",
  authorityKeyIdentifier: "2.5.29.35",
} as const;
/** Critical ones beside these change what the list means. */
const KNOWN: readonly string[] = Object.values(OID);

/** CRLReason, RFC 5280, 5.3.1. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [1, "keyCompromise"],
  [2, "cACompromise"],
  [3, "affiliationChanged"],
  [4, "superseded"],
  [5, "cessationOfOperation"],
  [6, "certificateHold"],
  [9, "privilegeWithdrawn"],
  [10, "aACompromise"],
]);

/** The name of a CRLReason; `unspecified` for one that has none. */
export function revocationReason(code: number): string {
  return REASONS.get(code) ?? "unspecified";
}

/**
 * Signer first, then whether the list is about this certificate at this time, then its entry.
 *
 * @param crl DER.
 * @param issuer the certificate's CA, which must have signed the list itself.
 * @throws MALFORMED, TOO_LARGE.
 */
export function checkCrl(crl: Uint8Array, certificate: Certificate, issuer: Certificate, now: Date): Finding {
  return decodeDer(
    crl,
    "a CRL",
    (schema) => {
      const entries = takeEntries(schema);
      const list = new pkijs.CertificateRevocationList({ schema });
      if (nameOf(list.issuer).der !== issuer.subject.der) return finding("other-issuer");
      const { algorithmId } = list.signatureAlgorithm;
      const signature = list.signatureValue.valueBlock.valueHexView;
      const maySign = issuer.keyUsage?.includes("cRLSign") !== false;
      if (!maySign || !isSignedBy(list.tbsView, algorithmId, signature, issuer.publicKey))
        return finding("wrong-signer");
      const scope = scopeFinding(list, certificate);
      if (scope !== undefined) return scope;
      const period = { thisUpdate: list.thisUpdate.value, nextUpdate: list.nextUpdate?.value };
      return entryFinding(entries, certificate) ?? periodFinding(period, now) ?? notRevoked(period.nextUpdate);
    },
    CRL_LIMITS,
  );
}

/** @returns why the list does not cover the certificate; undefined if it does. */
function scopeFinding(
  { crlExtensions }: pkijs.CertificateRevocationList,
  certificate: Certificate,
): Finding | undefined {
  const extensions = crlExtensions?.extensions ?? [];
  const unknown = extensions.find(({ critical, extnID }) => critical && !KNOWN.includes(extnID));
  if (unknown !== undefined) return finding("unsupported", { what: unknown.extnID });
  const point = extensions.find(({ extnID }) => extnID === OID.issuingDistributionPoint);
  if (point === undefined) return undefined;
  return decodeDer(point.extnValue.valueBlock.valueHexView, "a CRL's distribution point", (schema) => {
    const scope = new pkijs.IssuingDistributionPoint({ schema });
    if (scope.indirectCRL || scope.onlySomeReasons !== undefined)
      return finding("unsupported", { what: OID.issuingDistributionPoint });
    if (
      scope.onlyContainsAttributeCerts ||
      (certificate.isCa ? scope.onlyContainsUserCerts : scope.onlyContainsCACerts)
    )
      return finding("other-scope");
    if (scope.distributionPoint === undefined) return undefined;
    const names = distributionPointNames(scope.distributionPoint);
    return names.some((name) => certificate.crlNames.includes(name)) ? undefined : finding("other-scope");
  });
}

/** Takes the entries out of the list: pkijs would build each of them, which takes a third of a millisecond. */
function takeEntries(schema: asn1js.AsnType): readonly asn1js.AsnType[] {
  const fields = childrenOf(childrenOf(schema)[0]);
  // version, signature, issuer, thisUpdate, nextUpdate, revokedCertificates, extensions: RFC 5280, 5.1.
  const at =
    1 + fields.findLastIndex((field) => field instanceof asn1js.UTCTime || field instanceof asn1js.GeneralizedTime);
  return fields[at] instanceof asn1js.Sequence ? fields.splice(at, 1).flatMap(childrenOf) : [];
}

function childrenOf(block: asn1js.AsnType | undefined): asn1js.AsnType[] {
  if (!(block instanceof asn1js.Sequence)) throw new TypeError("it has no SEQUENCE where it must");
  return block.valueBlock.value;
}

function isEntryOf(entry: asn1js.AsnType, serial: Uint8Array): boolean {
  const [number] = childrenOf(entry);
  if (!(number instanceof asn1js.Integer)) throw new TypeError("an entry has no serial number");
  return equalBytes(number.valueBlock.valueHexView, serial);
}

function entryFinding(entries: readonly asn1js.AsnType[], { serial }: Certificate): Finding | undefined {
  const wanted = fromHex(serial);
  const found = entries.find((entry) => isEntryOf(entry, wanted));
  if (found === undefined) return undefined;
  const entry = new pkijs.RevokedCertificate({ schema: found });
  const extensions = entry.crlEntryExtensions?.extensions ?? [];
  const unknown = extensions.find(({ critical, extnID }) => critical && !KNOWN.includes(extnID));
  if (unknown !== undefined) return finding("unsupported", { what: unknown.extnID });
  const reason = extensions.find(({ extnID }) => extnID === OID.reasonCode);
  const since = entry.revocationDate.value.toISOString();
  const code =
    reason === undefined ? 0 : decodeDer(reason.extnValue.valueBlock.valueHexView, "a CRL's reason", enumerated);
  return finding("revoked", { since, reason: revocationReason(code) });
}

function enumerated(value: asn1js.AsnType): number {
  if (!(value instanceof asn1js.Enumerated)) throw new TypeError("a reason is no ENUMERATED");
  return value.valueBlock.valueDec;
}

function notRevoked(until: Date | undefined): Finding {
  return finding("not-revoked", until === undefined ? {} : { until: until.toISOString() });
}
