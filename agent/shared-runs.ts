/**
 * Something slow whose one result serves all who want it at a time. Who asks while it runs gets the next run, which begins
 * after the question and so knows of all that was there then; everybody who asks meanwhile shares that one. At most one
 * runs, and at most one waits.
 */

/** @param run its errors go to all who share it. */
export function sharedRuns<T>(run: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<T> | undefined;
  return () => {
    if (waiting !== undefined) return waiting;
    const next = last.then(() => {
      waiting = undefined;
      return run();
    });
    waiting = next;
    last = next.catch(() => {}); // told to those who asked for it
    return next;
  };
}
