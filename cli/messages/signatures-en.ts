/** What `log` and a desktop notice say of a signature, in English. */

import { printable } from "../../lib/printable.ts";
import type { SignatureEntry, SignatureResult } from "../../lib/signature-entry.ts";
import type { SignatureTexts } from "./agent-texts.ts";

const RESULTS: Readonly<Record<SignatureResult, string>> = {
  signed: "signed",
  refused: "REFUSED",
  failed: "failed",
  abandoned: "abandoned",
};

/** Of the usual reasons: an error code, or why the policy refused; the others stand as they are. */
const REASONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    PCSC_UNAVAILABLE: "PC/SC cannot be used",
    READER_ABSENT: "no reader",
    CARD_ABSENT: "the card was not on a reader",
    CARD_BUSY: "another program had the card",
    CARD_RESET: "the card was taken away",
    CARD_STATUS: "the card gave an answer nobody expected",
    PIN_FORMAT: "what was typed is no PIN",
    PIN_WRONG: "the PIN was wrong",
    PIN_BLOCKED: "the PIN is blocked",
    PIN_CANCELLED: "the question for the PIN was cancelled",
    PIN_NO_PROMPT: "there was no way to ask for the PIN",
    forwarded: "through a forwarded agent that is not allowed to",
    "not-confirmed": "not confirmed",
    sha1: "SHA-1 is not allowed",
    "unknown-data": "its form is not known",
    "login-time": "the login was over",
    "login-signatures": "the login had made its signatures",
    destination: "the key is for other hosts",
    "key-removed": "the key was removed",
  }),
);

export const englishSignatures: SignatureTexts = {
  none: "no signature has been asked for yet",
  entry: (entry) =>
    [
      `${RESULTS[entry.result]}${entry.reason === undefined ? "" : ` (${reasonOf(entry.reason)})`}: ${purpose(entry)}`,
      ...(entry.program === undefined ? [] : [`asked by ${printable(entry.program)}`]),
      ...(entry.hostKey === undefined ? [] : [`host key ${printable(entry.hostKey)}`]),
      printable(entry.comment),
    ].join(", "),
  notice: (entry) => ({
    title: "My Number card used",
    body: [purpose(entry), ...(entry.program === undefined ? [] : [`Program: ${printable(entry.program)}`])].join("\n"),
  }),
};

function purpose({ data, user, namespace, mechanism, hosts = [], forwarded }: SignatureEntry): string {
  const host = hosts.length > 0 ? printable(hosts.join(", ")) : undefined;
  const from = forwarded ? ", through a forwarded agent" : "";
  switch (data) {
    case "userauth":
      return `SSH login as ${printable(user ?? "")}${host === undefined ? "" : ` at ${host}`}${from}`;
    case "sshsig":
      return `${namespace === "git" ? "git commit or tag" : `SSH signature (${printable(namespace ?? "")})`}${from}`;
    case "pkcs11":
      return `PKCS#11 (${printable(mechanism ?? "")})`;
    case "pkcs11-sign":
      return `PKCS#11 with the DIGITAL SIGNATURE key (${printable(mechanism ?? "")})`;
    case "document":
      return "document, with the signature key";
    case "document-auth":
      return "document, with the authentication key";
    default:
      return `other data (${printable(data)})${from}`;
  }
}

/** `PIN_CANCELLED, the question for the PIN was cancelled`. */
function reasonOf(reason: string): string {
  const words = REASONS.get(reason);
  return words === undefined ? printable(reason) : `${reason}, ${words}`;
}
