/** `--pin-cache off` without its machinery. */

import type { PinKeeper } from "../../agent/card-login.ts";

export const nothingRemembered: PinKeeper = {
  forgets: 0,
  has: () => false,
  recall: async () => undefined,
  keep: () => {},
  fail: async () => {},
  doubt: () => {},
  forget: () => {},
};
