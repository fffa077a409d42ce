/**
 * `--upstream`: another agent as one client of ours sees it. It has a connection of its own there, dialled when it is
 * first needed and again after it broke, because what a connection has bound (`session-bind@openssh.com`) decides what
 * the other agent's restricted keys may do: each new connection is told all bindings first, in their order.
 */

import { type BigIntStats, statSync } from "node:fs";
import { equalBytes } from "../lib/bytes.ts";
import { hasErrno, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { SSH_AGENT_SUCCESS } from "../lib/ssh/message-numbers.ts";
import type { Limits } from "./limits.ts";
import { openUpstreamLink, type UpstreamLink } from "./upstream-link.ts";

export interface UpstreamOptions {
  /** The other agent's socket, absolute. It may come and go. */
  readonly path: string;
  /** Our own socket: never dialled, or each request would make another one without end. */
  readonly ownPath: string;
  readonly limits: Pick<Limits, "upstreamMs" | "upstreamBinds" | "upstreamBindBytes">;
  readonly log: Logger;
}

export type UpstreamAnswer =
  | {
      readonly kind: "answered";
      /** A frame's body, type byte first. */
      readonly body: Uint8Array;
    }
  /** There is no such agent now. */
  | { readonly kind: "absent" }
  /** It hung up, broke the protocol or took too long. */
  | { readonly kind: "broken" };

const ABSENT: UpstreamAnswer = { kind: "absent" };
const BROKEN: UpstreamAnswer = { kind: "broken" };

/** Kept per client connection; its methods are called one after the other. */
export class Upstream {
  readonly #options: UpstreamOptions;
  /** Requests `session-bind` as they came. */
  readonly #binds: Uint8Array[] = [];
  #link: UpstreamLink | undefined;
  /** It was bound more often than is kept: what it may do there cannot be told any more, so it may do nothing. */
  #barred = false;
  #closed = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /**
   * Notes a binding and passes it on, at once if there is a connection, else with the first request. Whatever the other
   * agent thinks of it is logged and is its own concern: it refuses its restricted keys itself.
   *
   * @param request the request's body; copied.
   */
  async bind(request: Uint8Array, signal: AbortSignal): Promise<void> {
    const { limits, log } = this.#options;
    if (this.#barred || this.#binds.some((known) => equalBytes(known, request))) return;
    const bytes = this.#binds.reduce((sum, known) => sum + known.length, request.length);
    if (this.#binds.length === limits.upstreamBinds || bytes > limits.upstreamBindBytes) {
      log.warn("bound too often: the upstream agent is out of reach on this connection", {
        limit: limits.upstreamBinds,
        limitBytes: limits.upstreamBindBytes,
      });
      this.#barred = true;
      this.close();
      return;
    }
    const bind = new Uint8Array(request);
    this.#binds.push(bind);
    const link = this.#link;
    if (link === undefined || link.over) return;
    await within(limits.upstreamMs, signal, (inTime) => this.#tell(link, bind, inTime));
  }

  /** Passes on a request that needs no person: its answer must come in time. @param request as for {@link ask}. */
  async askInTime(request: Uint8Array, signal: AbortSignal): Promise<UpstreamAnswer> {
    return within(this.#options.limits.upstreamMs, signal, async (inTime) => {
      const opened = await this.#open(inTime);
      return "kind" in opened ? opened : this.#exchange(opened, request, inTime);
    });
  }

  /**
   * Passes on a request that may wait for a person: only the connection must be there in time.
   *
   * @param request the request's body; not changed, not kept.
   */
  async ask(request: Uint8Array, signal: AbortSignal): Promise<UpstreamAnswer> {
    const opened = await within(this.#options.limits.upstreamMs, signal, (inTime) => this.#open(inTime));
    return "kind" in opened ? opened : this.#exchange(opened, request, signal);
  }

  /** Hangs up there. Requests after it find nobody. */
  close(): void {
    this.#closed = true;
    this.#link?.close();
  }

  async #open(signal: AbortSignal): Promise<UpstreamLink | UpstreamAnswer> {
    const { path, ownPath, log } = this.#options;
    if (this.#closed) return ABSENT;
    if (this.#link !== undefined && !this.#link.over) return this.#link;
    if (isSameSocket(path, ownPath)) {
      log.warn("the upstream agent's socket is our own", { path });
      return ABSENT;
    }
    let link: UpstreamLink;
    try {
      link = await openUpstreamLink(path, signal, log);
    } catch (error) {
      // No upstream is no fault of ours: its keys are simply not there.
      log.debug("the upstream agent cannot be reached", { path, error: messageOf(error) });
      return isAbsence(error) ? ABSENT : BROKEN;
    }
    this.#link = link;
    for (const bind of this.#binds) if (!(await this.#tell(link, bind, signal))) return BROKEN;
    if (!this.#closed) return link;
    link.close();
    return ABSENT;
  }

  async #exchange(link: UpstreamLink, request: Uint8Array, signal: AbortSignal): Promise<UpstreamAnswer> {
    const body = await link.ask(request, signal);
    if (body !== undefined) return { kind: "answered", body };
    this.#options.log.info("the upstream agent did not answer", { type: request[0] });
    return BROKEN;
  }

  /** @returns whether there was an answer. */
  async #tell(link: UpstreamLink, bind: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const answer = await link.ask(bind, signal);
    if (answer?.[0] !== SSH_AGENT_SUCCESS)
      this.#options.log.info("the upstream agent did not take a session binding", { event: "bind", type: answer?.[0] });
    return answer !== undefined;
  }
}

/** Runs `job` with a signal that aborts with `signal`, or when the time is over. */
async function within<T>(ms: number, signal: AbortSignal, job: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const either = new AbortController();
  const abort = () => either.abort(new DOMException("given up", "AbortError"));
  const timer = setTimeout(abort, ms);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await job(either.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** Whether two paths lead to one socket, links followed. */
export function isSameSocket(one: string, other: string): boolean {
  const [a, b] = [identify(one), identify(other)];
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

function identify(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined; // a path that may not be looked at: dialling it says why
  }
}

/** Nobody listens there; any other error is that of an agent that is there. */
function isAbsence(error: unknown): boolean {
  return hasErrno(error, "ENOENT", "ENOTDIR", "ECONNREFUSED");
}
