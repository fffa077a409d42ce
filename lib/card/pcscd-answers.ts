/**
 * Whether pcscd takes connections, asked without holding up the process.
 *
 * SCardEstablishContext and SCardCancel wait for pcscd's answer without limit, and the bindings call them on the main
 * thread. pcscd 1.9.9 listens on its socket well before it answers (observed): it first starts its readers and waits
 * for the cards in them, and a slow reader takes as long as it likes.
 */

import { connect } from "node:net";
import { pause } from "./waiting.ts";

/** Fixed in pcsc-lite as Debian and most others build it; where it is elsewhere or built in, there is nothing to ask. */
export const PCSCD_SOCKET = "/run/pcscd/pcscd.comm";
const WITHIN_MS = 5000;
const RETRY_MS = 50;
const LATE = Symbol("late");

/**
 * @param path of the service's socket.
 * @returns false if it listens, but does not answer within `withinMs`. True where nobody listens: calls fail at once then.
 * @throws the signal's reason as soon as it aborts.
 */
export async function pcscdAnswers(path: string, signal?: AbortSignal, withinMs = WITHIN_MS): Promise<boolean> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal?.reason);
  const timer = setTimeout(() => stop.abort(LATE), withinMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    while (!(await hangsUp(path, stop.signal))) await pause(RETRY_MS, stop.signal);
    return true;
  } catch (cause) {
    if (cause !== LATE) throw cause;
    return false;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** pcscd hangs up on a client that says nothing, once it serves it. @returns false where its queue is full. */
function hangsUp(path: string, stop: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const onAbort = () => socket.destroy();
    let isFull = false;
    stop.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (error) => {
      isFull = "code" in error && error.code === "EAGAIN";
    });
    socket.on("close", () => {
      stop.removeEventListener("abort", onAbort);
      if (stop.aborted) reject(stop.reason);
      else resolve(!isFull);
    });
    socket.resume();
    socket.end();
  });
}
