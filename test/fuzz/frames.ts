/** What a client may send: every kind of request as it should be, with some bytes changed, and bytes of no form. */

import { randomBytes } from "node:crypto";
import { equalBytes, utf8 } from "../../lib/bytes.ts";
import { JpkiError } from "../../lib/errors.ts";
import { type AgentRequest, decodeRequest, encodeRequest } from "../../lib/ssh/agent-protocol.ts";
import { encodeSessionBind } from "../../lib/ssh/session-bind.ts";
import { encodeSshsig } from "../../lib/ssh/sshsig.ts";
import { encodeUserauth, METHOD_HOSTBOUND } from "../../lib/ssh/userauth.ts";
import { hostKey } from "../helpers/host-key.ts";
import { userCertificate } from "../helpers/user-certificate.ts";
import type { Random } from "./random.ts";

const LONGEST_RANDOM = 600;

export class FrameMaker {
  readonly #seeds: readonly [Uint8Array, ...Uint8Array[]];
  readonly #keyBlob: Uint8Array;
  readonly #random: Random;

  constructor(keyBlob: Uint8Array, random: Random) {
    const [list, ...others] = requests(keyBlob).map(encodeRequest);
    if (list === undefined) throw new Error("no requests");
    this.#seeds = [list, ...others];
    this.#keyBlob = keyBlob;
    this.#random = random;
  }

  /** A frame's body of 1 byte or more. None of them locks the agent or removes its key: honest clients go on. */
  next(): Uint8Array {
    for (;;) {
      const frame = this.#any();
      if (!this.#endsTheTest(frame)) return frame;
    }
  }

  #any(): Uint8Array {
    const random = this.#random;
    const kind = random.int(10);
    if (kind === 0) return random.bytes(1 + random.int(LONGEST_RANDOM));
    const seed = random.pick(this.#seeds);
    return kind < 5 ? seed : random.mutated(seed);
  }

  #endsTheTest(frame: Uint8Array): boolean {
    try {
      const request = decodeRequest(frame);
      return request.kind === "lock" || (request.kind === "remove" && equalBytes(request.keyBlob, this.#keyBlob));
    } catch (error) {
      // A malformed one changes nothing.
      if (!(error instanceof JpkiError)) throw error;
      return false;
    }
  }
}

/** The list comes first. */
function requests(keyBlob: Uint8Array): readonly AgentRequest[] {
  const [server, bastion] = [hostKey(), hostKey()];
  const session = new Uint8Array(randomBytes(32));
  const bind = (body: Uint8Array): AgentRequest => ({ kind: "extension", name: "session-bind@openssh.com", body });
  const sign = (data: Uint8Array, blob = keyBlob, flags = 4): AgentRequest => ({
    kind: "sign",
    keyBlob: blob,
    data,
    flags,
  });
  const login = encodeUserauth({
    sessionId: session,
    user: "root",
    service: "ssh-connection",
    method: METHOD_HOSTBOUND,
    algorithm: "rsa-sha2-512",
    keyBlob,
    hostKey: server.blob,
  });
  const destination = {
    from: { user: "", hostname: "", keys: [] },
    to: { user: "root", hostname: "web", keys: [{ keyBlob: server.blob, isCa: false }] },
  };
  return [
    { kind: "list" },
    sign(login),
    sign(encodeSshsig({ namespace: "git", hashAlgorithm: "sha512", digest: randomBytes(64) })),
    sign(new Uint8Array(randomBytes(1024)), keyBlob, 2),
    sign(login, userCertificate(keyBlob)),
    bind(encodeSessionBind(server.bind(session))),
    bind(encodeSessionBind(bastion.bind(new Uint8Array(randomBytes(64)), true))),
    { kind: "extension", name: "query", body: new Uint8Array() },
    { kind: "extension", name: "unknown@example.com", body: randomBytes(20) },
    { kind: "remove", keyBlob: server.blob },
    { kind: "remove-all" },
    { kind: "unlock", passphrase: utf8("open sesame") },
    { kind: "add-smartcard", tokenId: "/usr/lib/none.so", pin: utf8("000000") },
    { kind: "remove-smartcard", tokenId: "/usr/lib/none.so", pin: new Uint8Array() },
    {
      kind: "add-smartcard-constrained",
      tokenId: "/usr/lib/none.so",
      pin: utf8("000000"),
      constraints: [
        { kind: "lifetime", seconds: 60 },
        { kind: "confirm" },
        { kind: "restrict-destination", destinations: [destination] },
      ],
    },
    {
      kind: "add-constrained",
      keyType: "ssh-ed25519",
      keyFields: new Uint8Array([0, 0, 0, 1, 1, 0, 0, 0, 1, 2]),
      comment: utf8("not ours"),
      constraints: [{ kind: "confirm" }],
    },
    { kind: "unsupported", type: 9 },
  ];
}
