/** The command line in process: what it writes is kept. */

import type { Deps, Environment } from "../../cli/deps.ts";

export interface FakeDeps extends Deps {
  /** All of stdout so far. */
  out(): string;
  /** The same as bytes. */
  outBytes(): Uint8Array;
  /** All of stderr so far. */
  err(): string;
  /** What was sent SIGTERM. */
  readonly kills: readonly number[];
  /** As SIGTERM does. */
  stop(): void;
  /** Resolves when stdout has something. */
  readonly said: Promise<void>;
}

export interface FakeDepsOptions {
  readonly env?: Environment | undefined;
  readonly home?: string | undefined;
  /** What is piped in. */
  readonly input?: Uint8Array | undefined;
  /** Whether stdout is a terminal. */
  readonly terminal?: boolean | undefined;
}

/** Without `home`, one that cannot be made. */
export function fakeDeps({
  env = {},
  home = "/dev/null/home",
  terminal = false,
  input,
}: FakeDepsOptions = {}): FakeDeps {
  const controller = new AbortController();
  const kills: number[] = [];
  const out: Buffer[] = [];
  let err = "";
  let heard = () => {};
  const said = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const say = (bytes: Buffer) => {
    out.push(bytes);
    heard();
  };
  const drained = () => Promise.resolve();
  return {
    stdin: async function* () {
      if (input !== undefined) yield input;
    },
    stdout: {
      isTerminal: terminal,
      write: (text) => say(Buffer.from(text)),
      writeBytes: (bytes) => say(Buffer.from(bytes)),
      drained,
    },
    stderr: {
      isTerminal: false,
      drained,
      write: (text) => {
        err += text;
      },
      writeBytes: (bytes) => {
        err += Buffer.from(bytes).toString();
      },
    },
    self: [process.execPath],
    pid: 12345,
    platform: process.platform,
    service: { listenFds: undefined, notifySocket: undefined },
    env,
    home,
    signal: controller.signal,
    onHangUp: () => {},
    ignoreInterrupts: () => {},
    onStuck: () => {},
    kill: (killed) => void kills.push(killed),
    kills,
    out: () => Buffer.concat(out).toString(),
    outBytes: () => new Uint8Array(Buffer.concat(out)),
    err: () => err,
    stop: () => controller.abort(new Error("stopped by SIGTERM")),
    said,
  };
}
