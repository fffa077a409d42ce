/** What is kept of each signature that was asked for, and the port behind which it is kept. */

/**
 * `signed`; `refused` by policy; `failed`: no card, a wrong PIN and so on; `abandoned`: the client hung up meanwhile.
 */
export const SIGNATURE_RESULTS = ["signed", "refused", "failed", "abandoned"] as const;

export type SignatureResult = (typeof SIGNATURE_RESULTS)[number];

/** One signature, made or not. Everything but key, result, host key and `forwarded` is what the client claims. */
export interface SignatureEntry {
  /** `SHA256:…` of the key asked for; empty for a signature key (署名用) that has not shown its certificate. */
  readonly key: string;
  /** The comment of the key: which card it is in. */
  readonly comment: string;
  readonly result: SignatureResult;
  /** Why it was not made: a reason of the sign-guard or an error code. */
  readonly reason?: string | undefined;
  /**
   * The form of what was to be signed, as in lib/ssh/sign-data.ts: `userauth`, `sshsig`, …; `pkcs11` for what a PKCS#11
   * program had signed with the authentication key, `pkcs11-sign` with the signature key; of the command `sign`
   * `document-auth` with the authentication key, `document` with the signature key.
   */
  readonly data: string;
  /** What a PKCS#11 program asked for: `CKM_SHA256_RSA_PKCS`. */
  readonly mechanism?: string | undefined;
  /** The user name of a login. */
  readonly user?: string | undefined;
  /** The namespace of an SSH signature: `git`, `file`, … */
  readonly namespace?: string | undefined;
  /** Names from known_hosts of the host that the connection is bound to. */
  readonly hosts?: readonly string[] | undefined;
  /** `SHA256:…` of that host's key. */
  readonly hostKey?: string | undefined;
  /** Whether it came through a forwarded agent, as far as the connection says. */
  readonly forwarded: boolean;
  /** The program that asked, where it can be told. */
  readonly program?: string | undefined;
}

/** An entry as it is read back. */
export interface DatedSignatureEntry extends SignatureEntry {
  /** ISO 8601, UTC. */
  readonly time: string;
}

export interface SignatureRecord {
  /** Keeps an entry with the time of now. Never throws and never waits: a login must not hang on a full disk. */
  add(entry: SignatureEntry): void;
}

/** A signature in words, for a notice on the desktop. */
export interface NoticeText {
  readonly title: string;
  /** Plain text. */
  readonly body: string;
}
