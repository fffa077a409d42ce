/** `--pin-cache off` without its machinery: also for a PIN that must never be kept, as the signature password. */

import type { PinKeeper } from "./remembered-pins.ts";

export const nothingRemembered: PinKeeper = {
  forgets: 0,
  has: () => false,
  recall: async () => undefined,
  keep: () => {},
  fail: async () => {},
  doubt: () => {},
  drop: () => {},
};
