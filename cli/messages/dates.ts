/** Days in findings. */

import { localDate } from "../local-time.ts";

/** The day, here, of an ISO 8601 time; empty if there is none. */
export function isoDate(time: string | number | undefined): string {
  return time === undefined ? "" : localDate(new Date(time));
}
