/** The dates of each card's authentication certificate: renewal opens three months before the end. */

import type { DeviceStatus } from "../../lib/agent-status.ts";
import { localDate } from "../local-time.ts";
import { certificateState } from "../status-report.ts";
import { type Finding, finding } from "./finding.ts";

export function checkCertificates(devices: DeviceStatus | undefined, now: Date): readonly Finding[] {
  return (devices?.cards ?? []).flatMap((card) => {
    const state = certificateState(card, now);
    if (state === undefined || card.notAfter === undefined) return [];
    const { daysLeft } = state;
    const date = localDate(new Date(card.notAfter));
    switch (state.kind) {
      case "valid":
        return [finding("ok", "certificate-valid", { date, daysLeft })];
      case "renewable":
        return [finding("warn", "certificate-renewable", { date, daysLeft })];
      case "expired":
        return [finding("fail", "certificate-expired", { date })];
      case "not-yet-valid":
        return [finding("fail", "certificate-early", { date })];
      default:
        return [];
    }
  });
}
