/** Whether this Node is new enough. */

import { type Finding, finding } from "./finding.ts";

/** @param version without the `v`. @param needed the least, as in `engines`: `>=20.19`. */
export function checkNodeVersion(version: string, needed: string): Finding {
  const least = needed.replace(/^>=\s*/, "");
  return isAtLeast(version, least)
    ? finding("ok", "node-ok", { version })
    : finding("fail", "node-old", { version, needed: least });
}

function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [version, least].map((text) => text.split(".").map(Number));
  for (const [i, wanted] of (b ?? []).entries()) {
    const has = a?.[i] ?? 0;
    if (has !== wanted) return has > wanted;
  }
  return true;
}
