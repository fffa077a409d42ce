/**
 * Promise 3: the key of a national ID signs only what it is for. A signature over other bytes can be a login to a
 * web site or to a government portal, so only a well-formed SSH login and an SSHSIG blob pass, and a login only on the
 * connection that it belongs to, as far as the connection says.
 *
 * Pure: the same facts give the same decision. `allowAnyData` lifts what is said about the data's form; it never lifts
 * the rules of bindings and forwarding.
 */

import { equalBytes } from "../lib/bytes.ts";
import { assertNever, JpkiError } from "../lib/errors.ts";
import type { SignPurpose } from "../lib/keys.ts";
import { keyFingerprint } from "../lib/ssh/public-key.ts";
import { describeSignData, type SignData } from "../lib/ssh/sign-data.ts";
import { chooseAlgorithm, type RsaAlgorithm } from "../lib/ssh/signature.ts";
import { decodeSshCertificate } from "../lib/ssh/ssh-certificate.ts";
import type { UserauthRequest } from "../lib/ssh/userauth.ts";
import type { BindingFacts } from "./session-bindings.ts";

/** What the person who starts the agent allows; everything is off by default. */
export interface SignPolicy {
  /** Signatures with SHA-1, for servers that know no other. */
  readonly allowSha1: boolean;
  /** Data of any form. */
  readonly allowAnyData: boolean;
  /**
   * Whether a forwarded agent may be used without asking. @param hostKeys of the hops in order; the last one is where the
   * connection leads to, as far as it is bound.
   */
  readonly allowForwarded?: ((hostKeys: readonly Uint8Array[]) => boolean) | undefined;
  /** A person is asked before each signature. */
  readonly confirm?: boolean | undefined;
  /** No logins on connections that are not bound: for those who use OpenSSH 8.9 or later only. */
  readonly requireBinding?: boolean | undefined;
}

export interface GuardedRequest {
  readonly data: Uint8Array;
  /** The plain blob of the key asked for. */
  readonly keyBlob: Uint8Array;
  /** The certificate for it, if the request names one. */
  readonly certificate?: Uint8Array | undefined;
  readonly flags: number;
  readonly bindings: BindingFacts;
  readonly policy: SignPolicy;
  readonly hostsOfKey: (hostKeyBlob: Uint8Array) => readonly string[];
}

/** Stable names: they are written to the record of signatures. */
export type RefusalReason =
  | "unknown-flags"
  | "sha1"
  | "forwarded"
  | "forwarded-unproven"
  | "unbound"
  | "unknown-data"
  | "malformed-data"
  | "certificate"
  | "host-key-proof"
  | "bare-hash"
  | "wrong-service"
  | "wrong-algorithm"
  | "wrong-key"
  | "wrong-session"
  | "wrong-host-key";

export interface Refusal {
  readonly kind: "refused";
  readonly reason: RefusalReason;
  /** For the log, in English. */
  readonly text: string;
  readonly unlessAgreed?: undefined;
}

/** Forwarded use that a person may agree to. */
export interface AskedRefusal extends Omit<Refusal, "unlessAgreed"> {
  /** What may be signed then. */
  readonly unlessAgreed: Allowance;
}

export interface Allowance {
  readonly kind: "allowed";
  readonly purpose: SignPurpose;
  readonly algorithm: RsaAlgorithm;
}

export type GuardDecision = Allowance | Refusal | AskedRefusal;

/** Decides about one sign request. Never throws for what a client may send. */
export function guardSignature(request: GuardedRequest): GuardDecision {
  const algorithm = algorithmOf(request);
  if (typeof algorithm !== "string") return algorithm;
  const data = describeSignData(request.data);
  const refusal = checkProof(request) ?? (data.kind === "userauth" ? checkSession(data, request) : undefined);
  if (refusal) return refusal;
  const purpose = purposeOf(data, algorithm, request);
  if (purpose.kind !== "refused") return checkForwarding({ kind: "allowed", purpose, algorithm }, request);
  if (!request.policy.allowAnyData) return purpose;
  return checkForwarding(
    { kind: "allowed", purpose: { kind: "any-data", description: purpose.text }, algorithm },
    request,
  );
}

function algorithmOf({ flags, policy }: GuardedRequest): RsaAlgorithm | Refusal {
  try {
    const algorithm = chooseAlgorithm(flags);
    return algorithm === "ssh-rsa" && !policy.allowSha1 ? refuse("sha1", "SHA-1 is not allowed") : algorithm;
  } catch (error) {
    // The one thing it throws for: flags that no algorithm has.
    if (!(error instanceof JpkiError)) throw error;
    return refuse("unknown-flags", `unknown flags ${flags}`);
  }
}

function checkProof({ bindings: { unprovenForwarding } }: GuardedRequest): Refusal | undefined {
  if (!unprovenForwarding) return undefined;
  return refuse("forwarded-unproven", "forwarded, and the server could not be verified");
}

/** Looked at last: nobody is asked about what would be refused all the same. */
function checkForwarding(allowed: Allowance, { bindings: { bindings }, policy }: GuardedRequest): GuardDecision {
  if (!bindings.some(({ isForwarding }) => isForwarding)) return allowed;
  const hostKeys = bindings.map(({ hostKey }) => hostKey);
  // A login goes to the last hop and nowhere else. Of other data only the first hop's word, by our own ssh, is known:
  // whoever sits on a hop can bind the connection to any host that answers him, so each of them must be allowed.
  const ways = allowed.purpose.kind === "ssh-login" ? [hostKeys] : hostKeys.map((_, i) => hostKeys.slice(0, i + 1));
  if (ways.every((way) => policy.allowForwarded?.(way))) return allowed;
  const refusal = refuse("forwarded", `forwarded through ${hostKeys.map(keyFingerprint).join(", ")}`);
  // A person can judge a login by its host, but not bytes that are neither a login nor an SSHSIG blob.
  return allowed.purpose.kind === "any-data" ? refusal : { ...refusal, unlessAgreed: allowed };
}

/** Once bound, a login must be the one that the connection was last bound to. */
function checkSession(login: UserauthRequest, { bindings: { bindings }, policy }: GuardedRequest): Refusal | undefined {
  const last = bindings.at(-1);
  if (last === undefined)
    return policy.requireBinding ? refuse("unbound", "a login on a connection that is not bound") : undefined;
  if (last.isForwarding) return refuse("wrong-session", "a login over a connection that is bound for forwarding only");
  if (!equalBytes(login.sessionId, last.sessionId))
    return refuse("wrong-session", "a login of another session than the connection is bound to");
  if (login.hostKey !== undefined && !equalBytes(login.hostKey, last.hostKey))
    return refuse("wrong-host-key", "a login at another host key than the connection is bound to");
  return undefined;
}

function purposeOf(data: SignData, algorithm: RsaAlgorithm, request: GuardedRequest): SignPurpose | Refusal {
  switch (data.kind) {
    case "userauth":
      return checkLogin(data, algorithm, request) ?? loginPurpose(data, request);
    case "sshsig":
      return { kind: "sshsig", namespace: data.namespace };
    case "certificate":
      return refuse("certificate", `a certificate to be signed, ${data.type}`);
    case "host-key-proof":
      return refuse("host-key-proof", "an SSH server's proof of a host key");
    case "bare-hash":
      return refuse("bare-hash", `${data.bytes} bytes without a form: a bare hash`);
    case "unknown":
      if (data.fault !== undefined) return refuse("malformed-data", data.fault);
      return refuse("unknown-data", `${data.bytes} bytes that are neither an SSH login nor an SSHSIG blob`);
    default:
      return assertNever(data);
  }
}

function checkLogin(
  login: UserauthRequest,
  algorithm: RsaAlgorithm,
  { keyBlob, certificate }: GuardedRequest,
): Refusal | undefined {
  if (login.service !== "ssh-connection")
    return refuse("wrong-service", `a login to the service ${JSON.stringify(login.service)}`);
  const offered = offeredAs(login.keyBlob, keyBlob);
  if (offered === undefined || (certificate !== undefined && !equalBytes(login.keyBlob, certificate)))
    return refuse("wrong-key", "a login with another key than the one to sign with");
  const expected = offered === "certificate" ? `${algorithm}-cert-v01@openssh.com` : algorithm;
  if (login.algorithm !== expected)
    return refuse("wrong-algorithm", `a login with ${JSON.stringify(login.algorithm)} where ${expected} is asked for`);
  return undefined;
}

/** Whether the key in the login is ours, or a user certificate for ours. */
function offeredAs(offered: Uint8Array, keyBlob: Uint8Array): "key" | "certificate" | undefined {
  if (equalBytes(offered, keyBlob)) return "key";
  try {
    const certificate = decodeSshCertificate(offered);
    return certificate?.role === "user" && equalBytes(certificate.keyBlob, keyBlob) ? "certificate" : undefined;
  } catch (error) {
    // A blob that cannot be read is not our key.
    if (!(error instanceof JpkiError)) throw error;
    return undefined;
  }
}

function loginPurpose(login: UserauthRequest, { bindings: { bindings }, hostsOfKey }: GuardedRequest): SignPurpose {
  const hostKey = bindings.at(-1)?.hostKey;
  return {
    kind: "ssh-login",
    user: login.user,
    hosts: hostKey ? hostsOfKey(hostKey) : [],
    hostKeyFingerprint: hostKey ? keyFingerprint(hostKey) : undefined,
    forwarded: bindings.some(({ isForwarding }) => isForwarding),
  };
}

function refuse(reason: RefusalReason, text: string): Refusal {
  return { kind: "refused", reason, text };
}
