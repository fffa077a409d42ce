/**
 * Promise 1 in one place: who may spend a try. {@link verifyWith} sends at most one VERIFY: the tries left are read
 * right before, a remembered PIN goes out only while every try is left, and a typed one only if no try was lost since
 * the person saw the number.
 */

import { PIN_FILES } from "../lib/card/files.ts";
import type { JpkiApplication } from "../lib/card/jpki.ts";
import { PinError } from "../lib/errors.ts";
import type { Pin } from "../lib/pin/pin.ts";

/** A PIN that is ready to be tried, and where it came from. */
export type PinSource =
  | { readonly kind: "none" }
  /** Kept since an earlier VERIFY on this very card. */
  | { readonly kind: "remembered"; readonly pin: Pin }
  /** Typed by a person who was shown `triesLeft` (undefined: the card does not tell). */
  | { readonly kind: "typed"; readonly pin: Pin; readonly triesLeft: number | undefined };

export type LoginOutcome =
  | { readonly kind: "verified" }
  /** Nothing was sent; a person must be asked, being shown `triesLeft`. */
  | { readonly kind: "need-pin"; readonly triesLeft: number | undefined }
  /** The PIN was sent and is wrong. */
  | { readonly kind: "wrong"; readonly triesLeft: number };

/**
 * Verifies the authentication PIN in this session, or says what is missing. Does not wipe the PIN.
 *
 * @param requireSameCard throws if the card in this session is not the one the PIN is for. Called after the card has
 * answered once: by then a swap that PC/SC saw before the session has been told to us too.
 * @throws PinError `PIN_BLOCKED`; what {@link JpkiApplication} throws.
 */
export async function verifyWith(
  jpki: JpkiApplication,
  source: PinSource,
  requireSameCard: () => void,
): Promise<LoginOutcome> {
  if (jpki.isVerified("auth")) return { kind: "verified" };
  const tries = await jpki.triesLeft("auth");
  if (tries.kind === "blocked") throw blocked();
  const triesLeft = tries.kind === "left" ? tries.triesLeft : undefined;
  if (!maySend(source, triesLeft)) return { kind: "need-pin", triesLeft };
  requireSameCard();
  const outcome = await jpki.verify("auth", source.pin);
  switch (outcome.kind) {
    case "verified":
      return { kind: "verified" };
    case "wrong":
      return { kind: "wrong", triesLeft: outcome.triesLeft };
    case "blocked":
      throw blocked();
  }
}

/** The rule of promise 1: who may spend a try. */
function maySend(source: PinSource, triesLeft: number | undefined): source is Exclude<PinSource, { kind: "none" }> {
  switch (source.kind) {
    case "none":
      return false;
    case "remembered":
      return triesLeft === PIN_FILES.auth.maxTries;
    case "typed":
      // Another program may have lost tries while the person typed: then the person decides anew.
      return source.triesLeft === undefined
        ? triesLeft === undefined
        : triesLeft !== undefined && triesLeft >= source.triesLeft;
  }
}

function blocked(): PinError {
  return new PinError("PIN_BLOCKED", "log in to the card: the authentication PIN is blocked", {
    hint: "only your municipal office (or its app with a convenience store's terminal) can set a new PIN",
    details: { pin: "auth" },
  });
}

/** The error of a login that ends with a wrong PIN. */
export function wrongPin(triesLeft: number): PinError {
  return new PinError("PIN_WRONG", `verify the authentication PIN: wrong PIN, ${triesLeft} tries left`, {
    hint: "wrong PINs in a row block the card; a municipal office must then set a new one",
    details: { pin: "auth", triesLeft },
  });
}
