/**
 * The one file that imports asn1js and pkijs: whoever reads or writes DER takes it from here.
 *
 * pkijs models X.509 (RFC 5280), CRLs, OCSP and CMS over asn1js's BER and DER. Its classes are built from plain
 * parameters and encoded by `toSchema().toBER()`. Its WebCrypto engine is not used: signing is node:crypto's.
 */

export * as asn1js from "asn1js";
export * as pkijs from "pkijs";
