/** The tries left of each PIN of each card. Only the authentication PIN stands in the way of a login. */

import type { DeviceStatus } from "../../lib/agent-status.ts";
import type { ChosenPinName } from "../../lib/pin/pin.ts";
import { type Finding, finding } from "./finding.ts";

/** card.md, "JPKI application: files" and "Text application". */
const MAX_TRIES: Readonly<Record<ChosenPinName, number>> = { auth: 3, sign: 5, text: 3 };

export function checkPins(devices: DeviceStatus | undefined): readonly Finding[] {
  return (devices?.cards ?? []).flatMap(({ triesLeft = {} }) =>
    (["auth", "sign", "text"] as const).flatMap((pin) => {
      const left = triesLeft[pin];
      return left === undefined ? [] : [checkPin(pin, left)];
    }),
  );
}

function checkPin(pin: ChosenPinName, triesLeft: number): Finding {
  const maxTries = MAX_TRIES[pin];
  if (triesLeft === 0) return finding(pin === "auth" ? "fail" : "warn", "tries-blocked", { pin });
  if (triesLeft < maxTries) return finding("warn", "tries-low", { pin, triesLeft, maxTries });
  return finding("ok", "tries-left", { pin, triesLeft, maxTries });
}
