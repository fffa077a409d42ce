/** Puts the SSH face together: listener, connections, handler. */

import { resolve } from "node:path";
import { ConfigError } from "../lib/errors.ts";
import type { KeyStore } from "../lib/keys.ts";
import { type Logger, taggedLogger } from "../lib/log.ts";
import type { SignatureRecord } from "../lib/signature-entry.ts";
import { decodeRequest } from "../lib/ssh/agent-protocol.ts";
import { encodeResponse } from "../lib/ssh/agent-response.ts";
import type { CertificateSource } from "../lib/user-certificates.ts";
import { AgentLock } from "./agent-lock.ts";
import { serveConnection } from "./connection.ts";
import { newConnectionState } from "./connection-state.ts";
import { KeyConstraints } from "./key-constraints.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { startListener } from "./listener.ts";
import { OfferedKeys } from "./offered-keys.ts";
import type { AgentService } from "./own-extensions.ts";
import { createProgramFinder, programOf } from "./peer.ts";
import type { SignPolicy } from "./sign-guard.ts";
import type { SignerOptions } from "./signer.ts";
import { clearDeadSocket } from "./socket-claim.ts";
import { prepareSocketFolder, type SocketOwner } from "./socket-path.ts";
import { createSshHandler } from "./ssh-handler.ts";
import type { TokenPins } from "./ssh-token.ts";
import { isSameSocket, Upstream } from "./upstream.ts";
import { type OwnAnswer, routeToUpstream } from "./upstream-router.ts";

export interface DaemonOptions {
  /** Relative paths are taken from the working folder. */
  readonly socketPath: string;
  /** A descriptor that listens there already, and stays its maker's: see {@link InheritedSocket}. */
  readonly inheritedFd?: number | undefined;
  readonly keys: KeyStore;
  readonly policy: SignPolicy;
  readonly log: Logger;
  /** Another agent's socket, absolute: its keys are offered after ours. */
  readonly upstream?: string | undefined;
  /** Host names of a host key, from known_hosts. */
  readonly hostsOfKey?: ((hostKeyBlob: Uint8Array) => readonly string[]) | undefined;
  /** Asks a person whether to use a key; without it, what needs a yes is refused. */
  readonly confirmUse?: SignerOptions["confirmUse"];
  /** What is laid on single keys; default: nothing. */
  readonly constraints?: KeyConstraints | undefined;
  /** Certificates to offer after their keys. */
  readonly certificates?: CertificateSource | undefined;
  readonly lock?: AgentLock | undefined;
  /** Takes the PIN of `ssh-add -s`; absent: none is taken. */
  readonly token?: TokenPins | undefined;
  /** Answers `status@jpki-agent` and `release@jpki-agent`; absent: they fail. */
  readonly service?: AgentService | undefined;
  /** Is told of each signature of ours. */
  readonly record?: SignatureRecord | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Default: this process. */
  readonly owner?: SocketOwner | undefined;
}

export interface Daemon {
  /** Absolute: for SSH_AUTH_SOCK. */
  readonly socketPath: string;
  /** Stops accepting, aborts requests that wait, hangs up on everybody, removes our socket. May be called twice. */
  close(): Promise<void>;
}

/**
 * Serves the keys at a socket.
 *
 * @throws SocketError `SOCKET_IN_USE`, `SOCKET_UNSAFE`, `IO_FAILED`; ConfigError if the upstream agent is ourselves.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { keys, policy, log, confirmUse, certificates, token, service, record, hostsOfKey = () => [] } = options;
  const socketPath = resolve(options.socketPath);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  if (policy.allowAnyData)
    log.warn("data of any form is signed: a program that reaches the socket can log in anywhere as you", {
      event: "start",
    });
  const lock = options.lock ?? new AgentLock({ now });
  const constraints = options.constraints ?? new KeyConstraints({ now, unixSeconds });
  const offered = new OfferedKeys({ keys, constraints, certificates: certificates ?? noFiles, unixSeconds, log });
  const rules = { constraints, lock, policy, confirmUse, hostsOfKey, limits };
  const handle = createSshHandler({ keys, offered, ...rules, token, service, record });
  const findProgram = createProgramFinder(process.platform, log);
  const listener = await startListener({
    path: socketPath,
    inheritedFd: options.inheritedFd,
    owner: options.owner ?? thisProcess(),
    limits,
    log,
    serve: (socket, id) => {
      const connectionLog = taggedLogger(log, { connection: id });
      const state = newConnectionState(connectionLog, programOf(socket, findProgram));
      const own: OwnAnswer = (request, signal) => handle(decodeRequest(request), state, signal);
      const serving = { limits, log: state.log };
      if (options.upstream === undefined)
        return serveConnection(socket, {
          ...serving,
          answer: async (request, signal) => encodeResponse(await own(request, signal)),
        });
      const upstream = new Upstream({ ...serving, path: options.upstream, ownPath: socketPath });
      const ownKeys = () => keys.list().map(({ publicKey }) => publicKey);
      const answer = routeToUpstream({ own, ownKeys, isLocked: () => lock.locked, upstream, log: state.log });
      const served = serveConnection(socket, { ...serving, answer });
      void served.closed.then(() => upstream.close());
      return served;
    },
  });
  if (options.upstream !== undefined && isSameSocket(options.upstream, socketPath)) {
    await listener.close();
    throw new ConfigError(`serve at ${socketPath}: the upstream agent's socket is the same`, {
      hint: "name the socket of another agent with --upstream, or choose another path for ours with -a",
      details: { problem: "own-upstream", path: socketPath },
    });
  }
  return { socketPath, close: () => listener.close() };
}

/**
 * Fails as {@link startDaemon} would for what lies at the path: to be called before a card is touched, which may be in
 * the hands of the agent that serves there.
 *
 * @throws SocketError `SOCKET_IN_USE`, `SOCKET_UNSAFE`, `IO_FAILED`.
 */
export async function requireFreeSocket(socketPath: string): Promise<void> {
  const path = resolve(socketPath);
  await prepareSocketFolder(path, thisProcess());
  await clearDeadSocket(path);
}

const thisProcess = (): SocketOwner => ({ platform: process.platform, uid: process.getuid?.() ?? 0 });
const now = () => performance.now();
const unixSeconds = () => Date.now() / 1000;
const noFiles: CertificateSource = () => [];
