/** What the guard signs, and the forged requests that it refuses: the table behind its tests. */

import { createHash, randomBytes } from "node:crypto";
import type { BindingFacts } from "../../agent/session-bindings.ts";
import { type GuardedRequest, guardSignature, type RefusalReason, type SignPolicy } from "../../agent/sign-guard.ts";
import { ByteWriter, concatBytes, fromHex, utf8 } from "../../lib/bytes.ts";
import type { SignPurpose } from "../../lib/keys.ts";
import { keyFingerprint } from "../../lib/ssh/public-key.ts";
import { SSH_AGENT_RSA_SHA2_256, SSH_AGENT_RSA_SHA2_512 } from "../../lib/ssh/signature.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import {
  encodeUserauth,
  METHOD_HOSTBOUND,
  METHOD_PUBLICKEY,
  SSH_MSG_USERAUTH_REQUEST,
  type UserauthRequest,
} from "../../lib/ssh/userauth.ts";
import { fakeKey } from "../helpers/fake-key-store.ts";
import { hostKey } from "../helpers/host-key.ts";
import { userCertificate } from "../helpers/user-certificate.ts";

export const key = fakeKey();
const otherKey = fakeKey();
export const server = hostKey();
const otherServer = hostKey();
export const bastion = hostKey();
export const SESSION = new Uint8Array(randomBytes(32));

export const STRICT: SignPolicy = { allowSha1: false, allowAnyData: false };
const BINDING_REQUIRED: SignPolicy = { ...STRICT, requireBinding: true };
const UNBOUND: BindingFacts = { bindings: [], unprovenForwarding: false };
const LOGIN_BIND = { hostKey: server.blob, sessionId: SESSION, isForwarding: false };
const FORWARD_BIND = { hostKey: bastion.blob, sessionId: new Uint8Array(randomBytes(32)), isForwarding: true };
export const BOUND: BindingFacts = { bindings: [LOGIN_BIND], unprovenForwarding: false };
export const FORWARDED: BindingFacts = { bindings: [FORWARD_BIND, LOGIN_BIND], unprovenForwarding: false };
export const FORWARDING_ONLY: BindingFacts = { bindings: [FORWARD_BIND], unprovenForwarding: false };

type Login = Omit<UserauthRequest, "kind">;
const PLAIN: Login = {
  sessionId: SESSION,
  user: "root",
  service: "ssh-connection",
  method: METHOD_PUBLICKEY,
  algorithm: "rsa-sha2-512",
  keyBlob: key.blob,
  hostKey: undefined,
};
const HOSTBOUND: Login = { ...PLAIN, method: METHOD_HOSTBOUND, hostKey: server.blob };
/** The good one, changed. */
export const login = (change: Partial<Login> = {}): Uint8Array => encodeUserauth({ ...PLAIN, ...change });
/** The good one, changed. */
export const hostbound = (change: Partial<Login> = {}): Uint8Array => encodeUserauth({ ...HOSTBOUND, ...change });
export const sshsig = (namespace: string, hash: "sha256" | "sha512" = "sha512"): Uint8Array =>
  encodeSshsig({ namespace, hashAlgorithm: hash, digest: createHash(hash).update("message").digest() });

/** The guard's decision about `data`; strict and unbound unless changed. */
export function decide(data: Uint8Array, change: Partial<GuardedRequest> = {}) {
  return guardSignature({
    data,
    keyBlob: key.blob,
    flags: SSH_AGENT_RSA_SHA2_512,
    bindings: UNBOUND,
    policy: STRICT,
    hostsOfKey: (blob) => (Buffer.compare(blob, server.blob) === 0 ? ["server.example"] : []),
    ...change,
  });
}

/** A login field by field, where `encodeUserauth` would not write what is wrong. */
interface RawLogin {
  readonly session?: Uint8Array;
  readonly message?: number;
  readonly service?: string;
  readonly method?: string;
  readonly hasSignature?: number;
  readonly tail?: Uint8Array;
}
function rawLogin(raw: RawLogin): Uint8Array {
  const writer = new ByteWriter().string(raw.session ?? SESSION).u8(raw.message ?? SSH_MSG_USERAUTH_REQUEST);
  writer
    .string("root")
    .string(raw.service ?? "ssh-connection")
    .string(raw.method ?? METHOD_PUBLICKEY);
  writer
    .u8(raw.hasSignature ?? 1)
    .string("rsa-sha2-512")
    .string(key.blob);
  return writer.bytes(raw.tail ?? new Uint8Array()).finish();
}
const rawSshsig = (namespace: string, reserved: string, hash: string, digest: number, tail = ""): Uint8Array =>
  new ByteWriter()
    .bytes(utf8("SSHSIG"))
    .string(namespace)
    .string(reserved)
    .string(hash)
    .string(new Uint8Array(digest).fill(9))
    .bytes(utf8(tail))
    .finish();

export interface Allowed {
  readonly what: string;
  readonly data: Uint8Array;
  readonly change?: Partial<GuardedRequest>;
  readonly purpose: Partial<SignPurpose>;
  readonly algorithm?: string;
}
export const LOGIN = { kind: "ssh-login", user: "root", hosts: [], forwarded: false } as const;
const LOGIN_AT_SERVER = { ...LOGIN, hosts: ["server.example"], hostKeyFingerprint: keyFingerprint(server.blob) };
const withCertificate = (role: number) => ({
  algorithm: "rsa-sha2-512-cert-v01@openssh.com",
  keyBlob: userCertificate(key.blob, { role }),
});

const CERTIFICATE = userCertificate(key.blob);

export const ALLOWED: readonly Allowed[] = [
  { what: "a login without a binding", data: login(), purpose: LOGIN },
  { what: "a hostbound login without a binding", data: hostbound(), purpose: LOGIN },
  { what: "a login on its bound connection", data: login(), change: { bindings: BOUND }, purpose: LOGIN_AT_SERVER },
  { what: "a hostbound login there", data: hostbound(), change: { bindings: BOUND }, purpose: LOGIN_AT_SERVER },
  { what: "a session id of 64 bytes", data: login({ sessionId: randomBytes(64) }), purpose: LOGIN },
  { what: "another user's name", data: login({ user: "利用者" }), purpose: { ...LOGIN, user: "利用者" } },
  {
    what: "rsa-sha2-256",
    data: login({ algorithm: "rsa-sha2-256" }),
    change: { flags: SSH_AGENT_RSA_SHA2_256 },
    purpose: LOGIN,
    algorithm: "rsa-sha2-256",
  },
  {
    what: "both flags, which means 256",
    data: login({ algorithm: "rsa-sha2-256" }),
    change: { flags: SSH_AGENT_RSA_SHA2_256 | SSH_AGENT_RSA_SHA2_512 },
    purpose: LOGIN,
    algorithm: "rsa-sha2-256",
  },
  {
    what: "SHA-1 where it is allowed",
    data: login({ algorithm: "ssh-rsa" }),
    change: { flags: 0, policy: { ...STRICT, allowSha1: true } },
    purpose: LOGIN,
    algorithm: "ssh-rsa",
  },
  { what: "a user certificate for the key", data: login(withCertificate(1)), purpose: LOGIN },
  {
    what: "a user certificate, hostbound and bound",
    data: hostbound(withCertificate(1)),
    change: { bindings: BOUND },
    purpose: LOGIN_AT_SERVER,
  },
  {
    what: "the certificate that the key was asked for by",
    data: login({ ...withCertificate(1), keyBlob: CERTIFICATE }),
    change: { certificate: CERTIFICATE },
    purpose: LOGIN,
  },
  {
    what: "SSHSIG without a binding where bindings are required",
    data: sshsig("git"),
    change: { policy: BINDING_REQUIRED },
    purpose: { kind: "sshsig", namespace: "git" },
  },
  { what: "SSHSIG for git", data: sshsig("git"), purpose: { kind: "sshsig", namespace: "git" } },
  { what: "SSHSIG for a file, sha256", data: sshsig("file", "sha256"), purpose: { kind: "sshsig", namespace: "file" } },
  {
    what: "a forwarded login where the hops are allowed",
    data: hostbound(),
    change: { bindings: FORWARDED, policy: { ...STRICT, allowForwarded: () => true } },
    purpose: { ...LOGIN_AT_SERVER, forwarded: true },
  },
  {
    what: "SSHSIG from an allowed forwarding host",
    data: sshsig("git"),
    change: { bindings: FORWARDING_ONLY, policy: { ...STRICT, allowForwarded: () => true } },
    purpose: { kind: "sshsig", namespace: "git" },
  },
];

export interface Forged {
  readonly what: string;
  readonly data: Uint8Array;
  readonly change?: Partial<GuardedRequest>;
  readonly reason: RefusalReason;
}

const clientHello = fromHex("010000c40303");
const transcript = concatBytes(clientHello, randomBytes(600));
const tls13 = (role: "client" | "server"): Uint8Array =>
  concatBytes(utf8(" ".repeat(64)), utf8(`TLS 1.3, ${role} CertificateVerify`), Uint8Array.of(0), randomBytes(48));
/** RFC 5652, 5.4: SET OF Attribute with content type and message digest. */
const signedAttributes = concatBytes(
  fromHex("314b 301806092a864886f70d010903310b06092a864886f70d010701 302f06092a864886f70d01090431220420"),
  randomBytes(32),
);
/** A short session id in front, and another protocol's bytes after it: only the first field looks like SSH. */
const disguised = concatBytes(fromHex("00000004 deadbeef 32"), tls13("client"));
const tbsCertificate = new ByteWriter().string("ssh-ed25519-cert-v01@openssh.com").string(randomBytes(32));
const hostKeyProof = new ByteWriter().string("hostkeys-prove-00@openssh.com").string(SESSION).string(server.blob);

export const FORM: readonly Forged[] = [
  { what: "no data", data: new Uint8Array(), reason: "unknown-data" },
  { what: "TLS 1.2: the handshake so far", data: transcript, reason: "unknown-data" },
  { what: "TLS 1.2: hash of the handshake", data: randomBytes(32), reason: "bare-hash" },
  { what: "TLS 1.0: MD5 and SHA-1", data: randomBytes(36), reason: "unknown-data" },
  {
    what: "TLS 1.2: ServerKeyExchange",
    data: concatBytes(randomBytes(64), fromHex("030017 41 04"), randomBytes(64)),
    reason: "unknown-data",
  },
  { what: "TLS 1.3: client CertificateVerify", data: tls13("client"), reason: "unknown-data" },
  { what: "TLS 1.3: server CertificateVerify", data: tls13("server"), reason: "unknown-data" },
  { what: "TLS 1.3 behind a session id", data: disguised, reason: "malformed-data" },
  { what: "CMS signed attributes", data: signedAttributes, reason: "unknown-data" },
  { what: "a web challenge", data: utf8("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJteW5hIn0"), reason: "unknown-data" },
  {
    what: "1024 random bytes (ssh-add -T)",
    data: concatBytes(Uint8Array.of(255), randomBytes(1023)),
    reason: "unknown-data",
  },
  { what: "20 random bytes", data: concatBytes(Uint8Array.of(255), randomBytes(19)), reason: "unknown-data" },
  {
    what: "a bare exchange hash of 48 bytes",
    data: concatBytes(Uint8Array.of(255), randomBytes(47)),
    reason: "bare-hash",
  },
  {
    what: "a bare exchange hash of 64 bytes",
    data: concatBytes(Uint8Array.of(255), randomBytes(63)),
    reason: "bare-hash",
  },
  { what: "an SSH certificate to be signed", data: tbsCertificate.finish(), reason: "certificate" },
  { what: "a server's host key proof", data: hostKeyProof.finish(), reason: "host-key-proof" },
  {
    what: "pam_ssh_agent_auth",
    data: concatBytes(fromHex("00000177 00000065"), randomBytes(710)),
    reason: "unknown-data",
  },

  { what: "login: no session id", data: rawLogin({ session: new Uint8Array() }), reason: "unknown-data" },
  { what: "login: a session id over 128 bytes", data: rawLogin({ session: randomBytes(129) }), reason: "unknown-data" },
  { what: "login: another message", data: rawLogin({ message: 51 }), reason: "unknown-data" },
  { what: "login: another service", data: login({ service: "ssh-userauth" }), reason: "wrong-service" },
  { what: "login: no service", data: login({ service: "" }), reason: "wrong-service" },
  { what: "login: method hostbased", data: rawLogin({ method: "hostbased" }), reason: "malformed-data" },
  {
    what: "login: method of a later version",
    data: rawLogin({ method: "publickey-hostbound-v01@openssh.com" }),
    reason: "malformed-data",
  },
  { what: "login: a question, not a login", data: rawLogin({ hasSignature: 0 }), reason: "malformed-data" },
  { what: "login: has-signature 2", data: rawLogin({ hasSignature: 2 }), reason: "malformed-data" },
  {
    what: "login: algorithm 256 with the flag of 512",
    data: login({ algorithm: "rsa-sha2-256" }),
    reason: "wrong-algorithm",
  },
  {
    what: "login: algorithm ssh-rsa with the flag of 512",
    data: login({ algorithm: "ssh-rsa" }),
    reason: "wrong-algorithm",
  },
  { what: "login: algorithm of another type", data: login({ algorithm: "ssh-ed25519" }), reason: "wrong-algorithm" },
  {
    what: "login: a certificate's algorithm for the plain key",
    data: login({ algorithm: "rsa-sha2-512-cert-v01@openssh.com" }),
    reason: "wrong-algorithm",
  },
  {
    what: "login: the plain algorithm for a certificate",
    data: login({ keyBlob: CERTIFICATE }),
    reason: "wrong-algorithm",
  },
  { what: "login: another key", data: login({ keyBlob: otherKey.blob }), reason: "wrong-key" },
  { what: "login: no key", data: login({ keyBlob: new Uint8Array() }), reason: "wrong-key" },
  {
    what: "login: the key with a byte after it",
    data: login({ keyBlob: concatBytes(key.blob, Uint8Array.of(0)) }),
    reason: "wrong-key",
  },
  {
    what: "login: a certificate for another key",
    data: login({ ...withCertificate(1), keyBlob: userCertificate(otherKey.blob) }),
    reason: "wrong-key",
  },
  { what: "login: a host certificate", data: login(withCertificate(2)), reason: "wrong-key" },
  {
    what: "login: a certificate cut short",
    data: login({ ...withCertificate(1), keyBlob: CERTIFICATE.subarray(0, -3) }),
    reason: "wrong-key",
  },
  {
    what: "login: the plain key where a certificate is asked for",
    data: login(),
    change: { certificate: CERTIFICATE },
    reason: "wrong-key",
  },
  {
    what: "login: another certificate than the one asked for",
    data: login(withCertificate(1)),
    change: { certificate: CERTIFICATE },
    reason: "wrong-key",
  },
  { what: "login: a byte after the last field", data: rawLogin({ tail: Uint8Array.of(0) }), reason: "malformed-data" },
  { what: "login: cut short", data: login().subarray(0, -1), reason: "malformed-data" },
  {
    what: "login: a host key with the plain method",
    data: concatBytes(login(), new ByteWriter().string(server.blob).finish()),
    reason: "malformed-data",
  },
  { what: "login: hostbound without a host key", data: hostbound({ hostKey: undefined }), reason: "malformed-data" },
  {
    what: "login: a byte after the host key",
    data: concatBytes(hostbound(), Uint8Array.of(0)),
    reason: "malformed-data",
  },

  { what: "SSHSIG: no namespace", data: rawSshsig("", "", "sha512", 64), reason: "malformed-data" },
  { what: "SSHSIG: something reserved", data: rawSshsig("git", "x", "sha512", 64), reason: "malformed-data" },
  { what: "SSHSIG: another hash", data: rawSshsig("git", "", "sha1", 20), reason: "malformed-data" },
  { what: "SSHSIG: a digest too short", data: rawSshsig("git", "", "sha512", 32), reason: "malformed-data" },
  { what: "SSHSIG: a digest too long", data: rawSshsig("git", "", "sha256", 64), reason: "malformed-data" },
  { what: "SSHSIG: bytes after it", data: rawSshsig("git", "", "sha256", 32, "x"), reason: "malformed-data" },
  { what: "SSHSIG: the magic alone", data: utf8("SSHSIG"), reason: "malformed-data" },
  {
    what: "SSHSIG: a signature file",
    data: concatBytes(utf8("SSHSIG"), fromHex("00000001"), new ByteWriter().string(key.blob).finish()),
    reason: "malformed-data",
  },
];

const otherSession = { sessionId: new Uint8Array(randomBytes(32)) };
export const BINDING: readonly Forged[] = [
  {
    what: "a session id that is not the bound one",
    data: login(otherSession),
    change: { bindings: BOUND },
    reason: "wrong-session",
  },
  { what: "the same, hostbound", data: hostbound(otherSession), change: { bindings: BOUND }, reason: "wrong-session" },
  {
    what: "the bound session id and a byte",
    data: login({ sessionId: concatBytes(SESSION, Uint8Array.of(0)) }),
    change: { bindings: BOUND },
    reason: "wrong-session",
  },
  {
    what: "another host key than the bound one",
    data: hostbound({ hostKey: otherServer.blob }),
    change: { bindings: BOUND },
    reason: "wrong-host-key",
  },
  { what: "a forwarded login", data: hostbound(), change: { bindings: FORWARDED }, reason: "forwarded" },
  {
    what: "SSHSIG from a forwarding host",
    data: sshsig("git"),
    change: { bindings: FORWARDING_ONLY },
    reason: "forwarded",
  },
  {
    what: "a login after a forwarding that was not proved",
    data: login(),
    change: { bindings: { bindings: [LOGIN_BIND], unprovenForwarding: true } },
    reason: "forwarded-unproven",
  },
  {
    what: "the same, though forwarding is allowed",
    data: sshsig("git"),
    change: { bindings: { bindings: [], unprovenForwarding: true }, policy: { ...STRICT, allowForwarded: () => true } },
    reason: "forwarded-unproven",
  },
  {
    what: "an unbound login over an allowed forwarding (plink there)",
    data: login(),
    change: { bindings: FORWARDING_ONLY, policy: { ...STRICT, allowForwarded: () => true } },
    reason: "wrong-session",
  },
  {
    what: "the forwarding's own session",
    data: login({ sessionId: FORWARD_BIND.sessionId }),
    change: { bindings: FORWARDING_ONLY, policy: { ...STRICT, allowForwarded: () => true } },
    reason: "wrong-session",
  },
  {
    what: "the session of an earlier hop",
    data: login({ sessionId: FORWARD_BIND.sessionId }),
    change: { bindings: FORWARDED, policy: { ...STRICT, allowForwarded: () => true } },
    reason: "wrong-session",
  },
];
export const UNBOUND_LOGINS: readonly Forged[] = [
  { what: "a login without a binding", data: login(), change: { policy: BINDING_REQUIRED }, reason: "unbound" },
  { what: "the same, hostbound", data: hostbound(), change: { policy: BINDING_REQUIRED }, reason: "unbound" },
];
export const FLAGS: readonly Forged[] = [
  { what: "SHA-1", data: login({ algorithm: "ssh-rsa" }), change: { flags: 0 }, reason: "sha1" },
  { what: "SHA-1 under another name", data: login(), change: { flags: 0 }, reason: "sha1" },
  { what: "the historic flag 1", data: login(), change: { flags: 1 }, reason: "unknown-flags" },
  { what: "an unknown flag beside a known one", data: login(), change: { flags: 0x84 }, reason: "unknown-flags" },
];
