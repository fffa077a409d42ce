/** What lies on the readers: a My Number card, another card, nothing. */

import type { CardStatus, DeviceStatus } from "../../lib/agent-status.ts";
import { printable } from "../../lib/printable.ts";
import { type Finding, finding } from "./finding.ts";

export function checkCards(devices: DeviceStatus | undefined): readonly Finding[] {
  if (devices === undefined || devices.fault !== undefined || devices.readers.length === 0)
    return [finding("skipped", "card-unknown", {})];
  const mute = devices.readers.filter(({ state }) => state === "mute");
  const found = [
    ...devices.cards.flatMap(checkCard),
    ...mute.map(({ name }) => finding("fail", "card-mute", { reader: printable(name) })),
  ];
  if (found.length === 0) return [finding("fail", "card-none", {})];
  // A second card that is none of ours disturbs nothing.
  const usable = found.some(({ level }) => level === "ok");
  return usable ? found.map((one) => (one.level === "fail" ? { ...one, level: "warn" } : one)) : found;
}

function checkCard({ state, comment = "", reader = "", fault }: CardStatus): readonly Finding[] {
  const place = { reader: printable(reader) };
  switch (state) {
    case "ready":
      return [finding("ok", "card-ready", { card: printable(comment), ...place })];
    case "hidden":
      return [finding("ok", "card-hidden", place)];
    case "not-jpki":
      return [finding("fail", "card-foreign", place)];
    case "unreadable":
      return fault === undefined ? [] : [finding("fail", "card-unreadable", { ...place, fault })];
    case "away":
      return [];
  }
}
