/**
 * `known_hosts` (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): which names a host key goes by. Text in, nothing read here.
 *
 *     [@cert-authority|@revoked] hosts keytype base64 [comment]
 *     hosts  a list of patterns with commas, `[name]:port` where the port is not 22; or |1|salt|hash of one name
 */

import { createHmac } from "node:crypto";
import { equalBytes } from "../bytes.ts";
import { JpkiError } from "../errors.ts";
import { hasWildcard, matchHostList } from "./host-pattern.ts";
import { decodePublicKey, keyTypeOf } from "./public-key.ts";
import { decodeSshCertificate, type SshCertificate, validityAt } from "./ssh-certificate.ts";
import { verifySshSignature } from "./verify.ts";

/** What one line says whom its key belongs to. */
export type HostNames =
  | { readonly kind: "patterns"; readonly patterns: readonly string[] }
  /** HMAC-SHA1 of one name: it can be recognised, not read. */
  | { readonly kind: "hashed"; readonly salt: Uint8Array; readonly hash: Uint8Array };

export interface KnownHost {
  readonly marker: "none" | "cert-authority" | "revoked";
  readonly names: HostNames;
  readonly keyBlob: Uint8Array;
}

export interface KnownHosts {
  readonly hosts: readonly KnownHost[];
  /** Numbers (from 1) of lines that are none: ssh passes over them too. */
  readonly badLines: readonly number[];
}

/** What a name is looked up with. */
export interface HostLookup {
  /** Names to try on hashed lines and patterns, as ssh would write them: lower case, `[name]:port` if not 22. */
  readonly candidates: readonly string[];
  /** Seconds since 1970, for the dates of a host certificate. */
  readonly unixSeconds: number;
}

/** Bytes of salt and hash in a hashed name: SHA-1's. */
const HASH_BYTES = 20;

/** The lines of one or more files' text. Never throws. */
export function parseKnownHosts(text: string): KnownHosts {
  const hosts: KnownHost[] = [];
  const badLines: number[] = [];
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const host = parseLine(line);
    if (host === undefined) badLines.push(i + 1);
    else hosts.push(host);
  }
  return { hosts, badLines };
}

/**
 * The names of a host key or host certificate, without repeats: names and patterns that its lines spell out, and those
 * of the candidates that a hashed line or a pattern fits. For a certificate that a known authority signed, that is
 * for a host and valid now: the principals the authority may vouch for. Nothing for a key that is revoked.
 *
 * @throws MALFORMED, TOO_LARGE if `hostKey` is broken.
 */
export function namesOfHostKey(known: KnownHosts, hostKey: Uint8Array, lookup: HostLookup): readonly string[] {
  const certificate = decodeSshCertificate(hostKey);
  const keyBlob = certificate?.keyBlob ?? hostKey;
  if (isRevoked(known, keyBlob) || (certificate !== null && isRevoked(known, certificate.signatureKey))) return [];
  const names = new Set<string>();
  for (const { names: own } of linesOf(known, "none", keyBlob)) addNames(names, own, lookup.candidates);
  if (certificate !== null) addPrincipals(names, known, certificate, lookup.unixSeconds);
  return [...names];
}

/**
 * Whether a host key belongs to a host of the list `allowed` (patterns, `!` excludes), as far as `known` tells. An
 * excluded name outweighs every other name of the same key.
 *
 * @throws MALFORMED, TOO_LARGE if `hostKey` is broken.
 */
export function hostKeyMatches(
  known: KnownHosts,
  hostKey: Uint8Array,
  allowed: readonly string[],
  unixSeconds: number,
): boolean {
  const excluded = allowed.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  const wanted = allowed.filter((pattern) => !pattern.startsWith("!"));
  const candidates = [...excluded, ...wanted].filter((pattern) => !hasWildcard(pattern));
  const names = namesOfHostKey(known, hostKey, { candidates, unixSeconds });
  return names.some((name) => matchHostList(name, wanted)) && !names.some((name) => matchHostList(name, excluded));
}

function parseLine(line: string): KnownHost | undefined {
  const fields = line.split(/[ \t]+/);
  const marker = fields[0]?.startsWith("@") ? parseMarker(fields.shift()) : "none";
  const [hosts, keyType, base64] = fields;
  if (marker === undefined || hosts === undefined || keyType === undefined || base64 === undefined) return undefined;
  const names = parseNames(hosts);
  const keyBlob = parseKey(keyType, base64);
  return names && keyBlob && { marker, names, keyBlob };
}

function parseMarker(marker: string | undefined): KnownHost["marker"] | undefined {
  if (marker === "@cert-authority") return "cert-authority";
  return marker === "@revoked" ? "revoked" : undefined;
}

function parseNames(hosts: string): HostNames | undefined {
  if (!hosts.startsWith("|")) return { kind: "patterns", patterns: hosts.split(",") };
  const [, version, salt, hash, ...more] = hosts.split("|");
  if (version !== "1" || salt === undefined || hash === undefined || more.length > 0) return undefined;
  const names = { kind: "hashed", salt: base64Bytes(salt), hash: base64Bytes(hash) } as const;
  return names.salt.length === HASH_BYTES && names.hash.length === HASH_BYTES ? names : undefined;
}

function parseKey(keyType: string, base64: string): Uint8Array | undefined {
  const blob = base64Bytes(base64);
  try {
    return keyTypeOf(blob) === keyType ? blob : undefined;
  } catch (error) {
    // A line whose key cannot be read is a bad line, reported by its number.
    if (!(error instanceof JpkiError)) throw error;
    return undefined;
  }
}

function linesOf({ hosts }: KnownHosts, marker: KnownHost["marker"], keyBlob: Uint8Array): readonly KnownHost[] {
  return hosts.filter((host) => host.marker === marker && equalBytes(host.keyBlob, keyBlob));
}

/** Whatever hosts the line is for: a key that was revoked for one host names no other. */
function isRevoked(known: KnownHosts, keyBlob: Uint8Array): boolean {
  return linesOf(known, "revoked", keyBlob).length > 0;
}

function addNames(into: Set<string>, names: HostNames, candidates: readonly string[]): void {
  if (names.kind === "patterns")
    for (const pattern of names.patterns) if (!pattern.startsWith("!")) into.add(pattern.toLowerCase());
  for (const candidate of candidates) if (isNamed(names, candidate)) into.add(candidate.toLowerCase());
}

function isNamed(names: HostNames, host: string): boolean {
  if (names.kind === "patterns") return matchHostList(host, names.patterns);
  return equalBytes(createHmac("sha1", names.salt).update(host.toLowerCase()).digest(), names.hash);
}

/** A certificate's word counts only as far as its authority's signature, role, dates and lines go. */
function addPrincipals(into: Set<string>, known: KnownHosts, certificate: SshCertificate, unixSeconds: number): void {
  const authorities = linesOf(known, "cert-authority", certificate.signatureKey);
  if (authorities.length === 0 || certificate.role !== "host") return;
  if (validityAt(certificate, unixSeconds) !== "valid") return;
  const authority = decodePublicKey(certificate.signatureKey);
  if (verifySshSignature(authority, certificate.signature, certificate.signed) !== "valid") return;
  for (const principal of certificate.principals)
    if (authorities.some(({ names }) => isNamed(names, principal))) into.add(principal.toLowerCase());
}

/** Not exact about padding, as Node is not; a wrong character gives other bytes, which fit nothing. */
function base64Bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
