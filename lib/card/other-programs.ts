/**
 * Whether another program may want a card that we are alone with.
 *
 * PC/SC does not tell who waits: a program that waits for the end of our transaction, in SCardConnect or in
 * SCardBeginTransaction, changes neither the reader's state nor its count of connections (observed with pcscd 1.9.9).
 * Two things can be told:
 * - that a program was connected to the card before us, by that count: it can wait at any moment, unseen;
 * - on Linux, that a program has come to pcscd since: the kernel lists the connections to its socket. It may want
 *   another reader, or only look, but most come for the card.
 *
 * What stays untold: a program that has long been connected to pcscd, but not to the card (a browser with OpenSC's
 * module), and wants it now.
 */

import { readFileSync } from "node:fs";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { connectionsTo } from "./pcscd-sharing.ts";

export interface OtherProgramsOptions {
  readonly reader: string;
  /** The service's socket. */
  readonly servicePath: string;
  /** The kernel's list of unix sockets; for tests. */
  readonly socketList?: string | undefined;
  readonly log: Logger;
}

const SOCKET_LIST = "/proc/net/unix";
/** `Num RefCount Protocol Flags Type St Inode Path`; St 03 is SS_CONNECTED (net/unix/af_unix.c, unix_seq_show). */
const CONNECTED = /^\S+ \S+ \S+ \S+ \S+ 03 +(\d+) (.+)$/gm;
const LOOK_EVERY_MS = 100;

/** Of one connection to a card; made right after it, since who comes from then on is told. */
export class OtherPrograms {
  readonly #options: OtherProgramsOptions;
  readonly #before: ReadonlySet<string>;

  constructor(options: OtherProgramsOptions) {
    this.#options = options;
    this.#before = new Set(this.#clients());
  }

  /** Calls back once another program may want the card; where that is not told, never. Returns what ends the watch. */
  watch(onWanted: () => void): () => void {
    const stop = new AbortController();
    void this.#watch(stop.signal, (why) => {
      stop.abort();
      this.#options.log.debug("another program may want the card", { reader: this.#options.reader, why });
      onWanted();
    });
    return () => stop.abort();
  }

  /** Never rejects. */
  async #watch(stop: AbortSignal, tell: (why: string) => void): Promise<void> {
    const { reader, servicePath } = this.#options;
    // Before the first look: this question is a connection to the service itself.
    const connections = await connectionsTo(reader, servicePath);
    if (stop.aborted) return;
    if (connections !== undefined && connections > 1) return tell("it was connected before");
    const look = (): void => {
      if (this.#clients().some((client) => !this.#before.has(client))) tell("it came to PC/SC");
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    stop.addEventListener("abort", () => clearInterval(timer), { once: true });
    look();
  }

  /** Inodes of the service's ends of its connections; none where the system does not list them. */
  #clients(): readonly string[] {
    const { servicePath, socketList = SOCKET_LIST, log } = this.#options;
    try {
      const listed = readFileSync(socketList, "latin1").matchAll(CONNECTED);
      return Array.from(listed).flatMap(([, inode, path]) => (inode && path === servicePath ? [inode] : []));
    } catch (error) {
      log.debug("who comes to PC/SC is not told", { error: messageOf(error) });
      return [];
    }
  }
}
