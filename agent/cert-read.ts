/** Certificates of a card, for `cert` and `verify-cert`: with its PIN where the card wants one. Nothing is kept. */

import { CERTIFICATE_FILES, type CertificateName } from "../lib/card/files.ts";
import type { CertificateOutcome, JpkiApplication, JpkiPinName } from "../lib/card/jpki.ts";
import { KeyError } from "../lib/errors.ts";
import type { CardLogin } from "./card-login.ts";
import type { CardRegistry } from "./card-registry.ts";
import { oneCard } from "./one-card.ts";
import { commentOf } from "./pin-commands.ts";

export interface ReadCertificatesParts {
  readonly registry: CardRegistry;
  readonly newLogin: (pin: JpkiPinName) => CardLogin;
}

export interface ReadCertificatesOptions {
  readonly names: readonly CertificateName[];
  /** What the person is told who is asked: `cert sign`. */
  readonly command: string;
  /** The card's id, where there may be several. */
  readonly card?: string | undefined;
  readonly program?: string | undefined;
}

/**
 * Nobody is asked for a certificate that the card does not have.
 *
 * @returns DER, owned by the caller, in the order of `names`.
 * @throws as `oneCard` and {@link CardLogin.run}; KeyError `KEY_UNKNOWN` for a card without one of them.
 */
export async function readCertificates(
  { registry, newLogin }: ReadCertificatesParts,
  { names, command, card: id, program }: ReadCertificatesOptions,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const card = await oneCard(registry, id);
  const read = (jpki: JpkiApplication) => readEach(jpki, names);
  let outcomes = await card.session.run("read certificates", read, { signal });
  for (const [i, outcome] of outcomes.entries()) requirePresent(outcome, names[i]);
  const hidden = names.find((_, i) => outcomes[i]?.kind === "needs-pin");
  if (hidden !== undefined) {
    // A card names the PIN of each file; a phone wants the authentication PIN for all others.
    const pin = CERTIFICATE_FILES[hidden].needsPin === "sign" ? "sign" : "auth";
    const request = { card: commentOf(card), purpose: { kind: "command", command }, program } as const;
    outcomes = await newLogin(pin).run(card, request, signal, read);
  }
  return outcomes.map((outcome, i) => presentCertificate(outcome, names[i]));
}

async function readEach(jpki: JpkiApplication, names: readonly CertificateName[]): Promise<CertificateOutcome[]> {
  const outcomes: CertificateOutcome[] = [];
  for (const name of names) outcomes.push(await jpki.readCertificate(name));
  return outcomes;
}

function requirePresent(outcome: CertificateOutcome, name: CertificateName | undefined): void {
  if (outcome.kind === "absent") throw absentCertificate(name);
}

/** @returns DER. @throws KeyError `KEY_UNKNOWN` if the card does not show it. */
export function presentCertificate(outcome: CertificateOutcome, name: CertificateName | undefined): Uint8Array {
  if (outcome.kind === "certificate") return outcome.der;
  throw absentCertificate(name);
}

/** The card has no such certificate, and no key of it. */
export function absentCertificate(name: CertificateName = "auth"): KeyError {
  return new KeyError("KEY_UNKNOWN", `read the certificate ${name}: the card does not show it`, {
    hint: "a card may have no signature certificate, as those of children under 15",
    details: { problem: "no-certificate", certificate: name },
  });
}
