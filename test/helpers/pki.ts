/** One virtual PKI for all test files of a machine: four RSA keys cost half a second each time. */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { createVirtualPki, decodeVirtualPki, encodeVirtualPki, type VirtualPki } from "../../lib/virtual-card/pki.ts";

/** Counts up when what {@link createVirtualPki} makes changes: kept files of another version are not read. */
const VERSION = 1;
/** Certificates are made for "now": kept ones are used for this long. */
const MAX_AGE_MS = 7 * 86_400_000;

/** The kept PKI, or a new one. Test files that start together agree on one, whichever was written last. */
export async function testPki(): Promise<VirtualPki> {
  const path = join(tmpdir(), `jpki-agent-tests-${userInfo().uid}`, `pki-v${VERSION}.json`);
  const kept = readKept(path);
  if (kept !== undefined) return kept;
  const made = { madeAt: Date.now(), pki: encodeVirtualPki(await createVirtualPki(new Date())) };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(made), { mode: 0o600 });
  renameSync(temporary, path);
  return decodeVirtualPki(made.pki);
}

function readKept(path: string): VirtualPki | undefined {
  try {
    const { madeAt, pki } = JSON.parse(readFileSync(path, "utf8"));
    return Date.now() - madeAt < MAX_AGE_MS ? decodeVirtualPki(pki) : undefined;
  } catch {
    // Not there, or of no use: a new one is made.
    return undefined;
  }
}
