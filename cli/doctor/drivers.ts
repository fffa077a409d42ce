/** Whether a driver for USB readers is installed, and which readers the kernel sees. */

import { type Finding, finding } from "./finding.ts";
import type { System } from "./system.ts";

const DRIVER_FOLDERS = ["/usr/lib/pcsc/drivers", "/usr/lib64/pcsc/drivers", "/usr/local/lib/pcsc/drivers"];
const USB_DEVICES = "/sys/bus/usb/devices";
/** bInterfaceClass of a smart card reader (USB CCID 1.1, 4.2). */
const USB_CLASS_SMART_CARD = "0b";

export function checkDrivers(system: System): Finding {
  if (system.platform !== "linux") return finding("ok", "driver-built-in", {});
  const drivers = DRIVER_FOLDERS.flatMap((folder) => system.list(folder)).filter((name) => name.endsWith(".bundle"));
  return drivers.length > 0
    ? finding("ok", "driver-found", { drivers: drivers.map((name) => name.replace(/\.bundle$/, "")) })
    : finding("fail", "driver-missing", { usbReaders: usbReaders(system) });
}

/** Names of the plugged in USB devices that say they are smart card readers. */
export function usbReaders(system: System): readonly string[] {
  const names = new Set<string>();
  for (const entry of system.list(USB_DEVICES)) {
    const [device, configuration] = entry.split(":");
    if (configuration === undefined) continue; // a device; its interfaces are entries of their own: 1-2:1.0
    const kind = system.readText(`${USB_DEVICES}/${entry}/bInterfaceClass`)?.trim();
    if (kind !== USB_CLASS_SMART_CARD) continue;
    const product = system.readText(`${USB_DEVICES}/${device}/product`)?.trim();
    names.add(product || `USB ${device}`);
  }
  return [...names];
}
