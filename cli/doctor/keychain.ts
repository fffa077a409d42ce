/** Whether the OS keychain can be used; a login works without it. */

import { faultOf } from "../../lib/agent-status.ts";
import { JpkiError } from "../../lib/errors.ts";
import type { PinVault } from "../../lib/pin/vault.ts";
import { type Finding, finding } from "./finding.ts";

/** The name of no card. */
const NO_CARD = "0".repeat(64);

/** @param wanted whether `--pin-cache keychain` is set: then it must work. */
export async function checkKeychain(vault: PinVault, wanted: boolean): Promise<Finding> {
  try {
    const pin = await vault.read(NO_CARD);
    pin?.wipe();
    return finding("ok", "keychain-works", {});
  } catch (error) {
    if (!(error instanceof JpkiError)) throw error;
    return finding(wanted ? "fail" : "skipped", "keychain-fault", { fault: faultOf(error) });
  }
}
