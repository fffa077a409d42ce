/**
 * A program of its own beside the command line (dist/keychain-child.js): one request to the OS keychain, then its end.
 * The only importer of keytar.
 *
 * Why not in the agent: keytar's calls block a thread of libuv's, and a keyring that waits for its owner to unlock it
 * never answers; such a thread cannot be ended, and a process with one cannot even exit (observed). And keytar hands
 * out strings, which nobody can wipe: here they die with the process.
 *
 *     keychain-child.js read ACCOUNT     prints the PIN
 *     keychain-child.js save ACCOUNT     reads the PIN from standard input, up to its end
 *     keychain-child.js erase ACCOUNT
 */

import { argv, exit, stdin, stdout } from "node:process";

/** What the keychain calls it: shown by its managers. */
const SERVICE = "jpki-agent";

/** Exit statuses; keychain.ts reads them. */
const DONE = 0;
const NOTHING_THERE = 10;
const REFUSED = 11;
const NO_KEYTAR = 12;

type Keytar = typeof import("keytar").default;

async function loadKeytar(): Promise<Keytar | undefined> {
  try {
    const { default: keytar } = await import("keytar");
    return keytar;
  } catch {
    // Not installed, not compiled, or without libsecret: which of them does not change the mend.
    return undefined;
  }
}

async function request(keytar: Keytar, verb: string | undefined, account: string): Promise<number> {
  switch (verb) {
    case "read": {
      const pin = await keytar.getPassword(SERVICE, account);
      if (pin === null) return NOTHING_THERE;
      await new Promise((resolve) => stdout.end(pin, "latin1", () => resolve(undefined)));
      return DONE;
    }
    case "save": {
      const chunks: Buffer[] = [];
      for await (const chunk of stdin) chunks.push(chunk);
      await keytar.setPassword(SERVICE, account, Buffer.concat(chunks).toString("latin1"));
      return DONE;
    }
    case "erase":
      return (await keytar.deletePassword(SERVICE, account)) ? DONE : NOTHING_THERE;
    default:
      return REFUSED;
  }
}

const [, , verb, account = ""] = argv;
const keytar = await loadKeytar();
// The keychain's own words are not passed on: whoever wrote them did not promise that they hold no secret.
exit(keytar === undefined ? NO_KEYTAR : await request(keytar, verb, account).catch(() => REFUSED));
