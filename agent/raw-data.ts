/** What is not signed as it stands, for the signature could be passed off as another one. */

import type { KeyName } from "../lib/card/files.ts";
import { beginsAsAttributes } from "../lib/x509/attributes-head.ts";
import { loginInFile } from "./login-data.ts";

export interface RefusedData {
  /** For the error and the record. */
  readonly problem: "attributes-data" | "login-data";
  /** What it is, in words for an error. */
  readonly what: string;
}

/**
 * @param head the first `LOGIN_BYTES` of the data, or all of it.
 * @returns undefined for data that may be signed: a login may by the signature key, which nobody logs in with.
 */
export function refusedRawData(head: Uint8Array, key: KeyName): RefusedData | undefined {
  if (beginsAsAttributes(head)) return { problem: "attributes-data", what: "the signed attributes of a CMS signature" };
  const login = key === "auth" ? loginInFile(head) : undefined;
  return login === undefined ? undefined : { problem: "login-data", what: login };
}
