/** What `log` and a desktop notice say of a signature, in English. */

import { printable } from "../../lib/printable.ts";
import type { SignatureEntry, SignatureResult } from "../../lib/signature-entry.ts";
import type { SignatureTexts } from "./messages.ts";

const RESULTS: Readonly<Record<SignatureResult, string>> = {
  signed: "signed",
  refused: "REFUSED",
  failed: "failed",
  abandoned: "abandoned",
};

export const englishSignatures: SignatureTexts = {
  none: "no signature has been asked for yet",
  entry: (entry) =>
    [
      `${RESULTS[entry.result]}${entry.reason === undefined ? "" : ` (${printable(entry.reason)})`}: ${purpose(entry)}`,
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
