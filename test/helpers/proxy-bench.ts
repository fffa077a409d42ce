/** Our agent between clients and another agent of the test's own. */

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Daemon, type DaemonOptions, startDaemon } from "../../agent/daemon.ts";
import { ByteWriter, utf8 } from "../../lib/bytes.ts";
import { type AgentResponse, type Identity, SUCCESS } from "../../lib/ssh/agent-response.ts";
import { type AgentClient, connectAgent } from "./agent-client.ts";
import { FakeKeyStore, fakeKey } from "./fake-key-store.ts";
import { type FakeAnswer, FakeUpstream } from "./fake-upstream.ts";
import { type RecordingLogger, recordingLogger } from "./recording-logger.ts";
import { type TempDir, tempDir } from "./temp-dir.ts";

/** The key on the card. */
export const ourKey = fakeKey("card");
/** The key of the other agent. */
export const theirs: Identity = {
  keyBlob: new ByteWriter().string("ssh-ed25519").string(randomBytes(32)).finish(),
  comment: utf8("theirs"),
};
export const THEIR_SIGNATURE: AgentResponse = { kind: "signature", signature: utf8("a signature of theirs") };

/** The other agent has one key, signs whatever it is asked to, and takes all else. */
export function takesAll(request: Uint8Array): FakeAnswer {
  if (request[0] === 11) return { kind: "identities", identities: [theirs] };
  return request[0] === 13 ? THEIR_SIGNATURE : SUCCESS;
}

export class ProxyBench {
  readonly keys = new FakeKeyStore(ourKey);
  readonly log: RecordingLogger = recordingLogger();
  readonly folder: TempDir;
  /** Not started. */
  readonly upstream: FakeUpstream;
  readonly upstreamPath: string;
  #daemon: Daemon | undefined;
  readonly #clients: AgentClient[] = [];

  static async open(): Promise<ProxyBench> {
    return new ProxyBench(await tempDir());
  }

  private constructor(folder: TempDir) {
    this.folder = folder;
    this.upstreamPath = join(folder.path, "upstream.sock");
    this.upstream = new FakeUpstream(this.upstreamPath);
    this.upstream.answer = takesAll;
  }

  get socketPath(): string {
    return join(this.folder.path, "agent.sock");
  }

  /** Starts our agent, if it is not running yet. */
  async start(some: Partial<DaemonOptions> = {}): Promise<Daemon> {
    this.#daemon ??= await startDaemon({
      socketPath: this.socketPath,
      keys: this.keys,
      policy: { allowSha1: false, allowAnyData: false },
      log: this.log,
      upstream: this.upstreamPath,
      ...some,
    });
    return this.#daemon;
  }

  /** A new client; starts our agent with `some` for the first. */
  async client(some?: Partial<DaemonOptions>): Promise<AgentClient> {
    const client = await connectAgent((await this.start(some)).socketPath);
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#daemon?.close();
    await this.upstream.stop();
    await this.folder.remove();
  }
}

/** What was listed; the answer itself if it is no list. */
export function blobsIn(answer: AgentResponse | undefined): readonly Buffer[] | AgentResponse | undefined {
  return answer?.kind === "identities" ? answer.identities.map(({ keyBlob }) => Buffer.from(keyBlob)) : answer;
}

export const OURS_ONLY: readonly Buffer[] = [Buffer.from(ourKey.blob)];
export const BOTH: readonly Buffer[] = [...OURS_ONLY, Buffer.from(theirs.keyBlob)];
