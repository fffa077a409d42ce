/** Waiting for what nobody announces, such as a card's loss of power: looks again until it is so. */

import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 10;

/**
 * Resolves once `condition` holds.
 *
 * @throws Error that names `what`, after `deadlineMs` (default 10000).
 */
export async function until(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 10_000) {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await delay(POLL_MS);
  }
}
