/**
 * What a command gets from the outside world. `main.ts` hands in the process's own; tests hand in fakes and run the
 * same commands in process.
 */

import type { ServiceVariables } from "./service-variables.ts";

/** Where text goes; `write` must not throw. */
export interface TextOutput {
  write(text: string): void;
  /** Bytes as they are; must not throw either. */
  writeBytes(bytes: Uint8Array): void;
  /**
   * Resolves when the reader has taken so much that more may be written: for what does not fit into memory.
   *
   * @throws FileError `IO_FAILED` if anything so far could not be written; not for a reader that went away.
   */
  drained(): Promise<void>;
  /** Whether a person looks at it. */
  readonly isTerminal: boolean;
}

/** Environment variables; unset and empty are told apart by who reads them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Deps {
  /** What is piped in, until {@link signal} aborts; to be read once. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  /** Results, and nothing else. */
  readonly stdout: TextOutput;
  /** Everything else: prompts, progress, errors, logs. */
  readonly stderr: TextOutput;
  /** How this program was started: `[node, script]`, to start it again in the background. */
  readonly self: readonly [string, ...string[]];
  readonly pid: number;
  readonly platform: NodeJS.Platform;
  /** What the service manager gave us; both undefined unless it started us. */
  readonly service: ServiceVariables;
  readonly env: Environment;
  /** The user's home folder, absolute. */
  readonly home: string;
  /** Aborts on SIGINT or SIGTERM, also on SIGHUP or SIGUSR1 before {@link onHangUp}: let go of the card, then return. */
  readonly signal: AbortSignal;
  /** From now on SIGHUP and SIGUSR1 call `listener` and end nothing. */
  readonly onHangUp: (listener: () => void) => void;
  /** From now on SIGINT and SIGQUIT end nothing: the terminal sends them to the program that is run there, too. */
  readonly ignoreInterrupts: () => void;
  /** A native call does not return: from now on this process must not wait for it at its end. */
  readonly onStuck: () => void;
  /** Sends SIGTERM to a process. @throws Error of kill(2). */
  readonly kill: (pid: number) => void;
}
