/** Whether a file that is to be signed as it stands would be a login: what somebody may pass off as a document. */

import { startsWithBytes, utf8 } from "../lib/bytes.ts";
import { describeSignData } from "../lib/ssh/sign-data.ts";

/** Most bytes of a file that {@link loginInFile} looks at; what is longer is no SSH request. */
export const LOGIN_BYTES = 0x10000;

/** RFC 8446, 4.4.3: what a certificate's key signs in TLS 1.3 begins with 64 spaces and these words. */
const TLS13_CONTEXT = `${" ".repeat(64)}TLS 1.3, `;
/** RFC 5246, 7.4.8: in TLS 1.2 it signs all messages so far, of which the first is a ClientHello. */
const CLIENT_HELLO = 1;
const HELLO_REQUEST_BYTES = 4;
const TLS_MAJOR_VERSION = 3;

/**
 * @param head the first {@link LOGIN_BYTES} of the file, or all of it.
 * @returns what it is, in words for an error; undefined if it is none that is known here. There are others: a raw
 * signature of the authentication key stays one that its owner must be careful with.
 */
export function loginInFile(head: Uint8Array): string | undefined {
  const described = describeSignData(head);
  if (described.kind !== "unknown") return `data that SSH signs (${described.kind})`;
  if (described.fault !== undefined) return "something that begins like an SSH login";
  if (startsWithBytes(head, utf8(TLS13_CONTEXT))) return "a TLS 1.3 login";
  if (isClientHello(head) || isClientHello(head.subarray(HELLO_REQUEST_BYTES))) return "a TLS login";
  return undefined;
}

/** `01`, a length of three bytes, and the version 03 xx. */
function isClientHello(bytes: Uint8Array): boolean {
  const [type, , , , major, minor] = bytes;
  return type === CLIENT_HELLO && major === TLS_MAJOR_VERSION && minor !== undefined && minor <= 4;
}
