/** Whether PC/SC can be used, and what readers there are. */

import type { DeviceStatus } from "../../lib/agent-status.ts";
import { printable } from "../../lib/printable.ts";
import { type Finding, finding } from "./finding.ts";

/** @param usbReaders what the kernel sees, whatever PC/SC says. */
export function checkReaders(devices: DeviceStatus | undefined, usbReaders: readonly string[]): readonly Finding[] {
  if (devices === undefined) return [finding("skipped", "reader-unknown", {})];
  if (devices.fault !== undefined)
    return [finding("fail", "pcsc-fault", { fault: devices.fault }), finding("skipped", "reader-unknown", {})];
  const readers = devices.readers.map(({ name }) => printable(name));
  return [
    finding("ok", "pcsc-works", { binding: devices.binding }),
    readers.length > 0
      ? finding("ok", "reader-some", { readers })
      : finding("fail", "reader-none", { usbReaders: usbReaders.map((name) => printable(name)) }),
  ];
}
