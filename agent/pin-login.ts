/**
 * Promise 1 in one place: who may spend a try. {@link verifyWith} sends at most one VERIFY: the tries left are read
 * right before, a remembered PIN goes out only while every try is left, one that a client brought only while two are
 * left, and a typed one only if no try was lost since the person saw the number.
 */

import type { CardPin } from "../lib/card/card-pin.ts";
import { assertNever, PinError } from "../lib/errors.ts";
import type { Pin, PinName } from "../lib/pin/pin.ts";

/** A PIN that is ready to be tried, and where it came from. */
export type PinSource =
  | { readonly kind: "none" }
  /** Kept since an earlier VERIFY on this very card: in memory, or in the OS keychain. */
  | { readonly kind: "remembered" | "saved"; readonly pin: Pin }
  /** Brought by `ssh-add -s`: nobody was shown the tries left. To be tried even if the card is logged in. */
  | { readonly kind: "given"; readonly pin: Pin }
  /** Typed by a person who was shown `triesLeft` (undefined: the card does not tell). */
  | { readonly kind: "typed"; readonly pin: Pin; readonly triesLeft: number | undefined };

export type LoginOutcome =
  | {
      readonly kind: "verified";
      /** Whether it was this PIN that the card accepted; else the session was logged in already. */
      readonly sent: boolean;
    }
  /** Nothing was sent; a person must be asked, being shown `triesLeft`. */
  | { readonly kind: "need-pin"; readonly triesLeft: number | undefined }
  /** The PIN was sent and is wrong. */
  | { readonly kind: "wrong"; readonly triesLeft: number };

/**
 * Verifies a PIN in this session, or says what is missing. Does not wipe it.
 *
 * @param requireSameCard throws if the card in this session is not the one the PIN is for. Called after the card has
 * answered once: by then a swap that PC/SC saw before the session has been told to us too.
 * @throws PinError `PIN_BLOCKED`; what {@link CardPin} throws.
 */
export async function verifyWith(pin: CardPin, source: PinSource, requireSameCard: () => void): Promise<LoginOutcome> {
  if (pin.isVerified && source.kind !== "given") return { kind: "verified", sent: false };
  const tries = await pin.triesLeft();
  if (tries.kind === "blocked") throw blocked(pin);
  const triesLeft = tries.kind === "left" ? tries.triesLeft : undefined;
  if (!maySend(source, triesLeft, pin.file.maxTries)) return { kind: "need-pin", triesLeft };
  requireSameCard();
  const outcome = await pin.verify(source.pin);
  switch (outcome.kind) {
    case "verified":
      return { kind: "verified", sent: true };
    case "wrong":
      return { kind: "wrong", triesLeft: outcome.triesLeft };
    case "blocked":
      throw blocked(pin);
    default:
      return assertNever(outcome);
  }
}

/** The rule of promise 1: who may spend a try. */
function maySend(
  source: PinSource,
  triesLeft: number | undefined,
  maxTries: number,
): source is Exclude<PinSource, { kind: "none" }> {
  switch (source.kind) {
    case "none":
      return false;
    case "remembered":
    case "saved":
      return triesLeft === maxTries;
    case "given":
      return triesLeft !== undefined && triesLeft >= MIN_TRIES_UNASKED;
    case "typed":
      // Another program may have lost tries while the person typed: then the person decides anew.
      return source.triesLeft === undefined
        ? triesLeft === undefined
        : triesLeft !== undefined && triesLeft >= source.triesLeft;
    default:
      return assertNever(source);
  }
}

/** The last try is spent only by a person who has been told so. */
export const MIN_TRIES_UNASKED = 2;

const WORDS: Readonly<Record<PinName, string>> = {
  auth: "the authentication PIN",
  sign: "the signature password",
  text: "the text PIN",
  "code-a": "照合番号A (the individual number)",
  "code-b": "照合番号B (birth date, year of expiry, security code)",
};

/** How a PIN is called in the messages of errors. */
export function pinWords(pin: PinName): string {
  return WORDS[pin];
}

function blocked({ name }: CardPin): PinError {
  return new PinError("PIN_BLOCKED", `use ${WORDS[name]}: the card has blocked it`, {
    hint:
      name !== "auth" && name !== "sign"
        ? "only your municipal office can set it again"
        : "only your municipal office (or its app with a convenience store's terminal) can set a new PIN",
    details: { pin: name },
  });
}

/** The error of a login that ends with a wrong PIN. */
export function wrongPin(pin: PinName, triesLeft: number): PinError {
  return new PinError("PIN_WRONG", `verify ${WORDS[pin]}: wrong; tries left: ${triesLeft}`, {
    hint: "wrong PINs in a row block the card; a municipal office must then set a new one",
    details: { pin, triesLeft },
  });
}

/** The error where a person's answer is one that the card has just refused: it was not sent. */
export function sameAgain(pin: PinName, triesLeft: number | undefined): PinError {
  return new PinError("PIN_WRONG", `use ${WORDS[pin]}: not sent; the same was wrong a moment ago`, {
    hint: "make sure of the right one first, also in the program that answers for you, if there is one",
    details: { problem: "same-again", pin, ...(triesLeft === undefined ? {} : { triesLeft }) },
  });
}

/** The error where too few tries are left to spend one without a person's yes. */
export function protectedPin(pin: PinName, triesLeft: number | undefined, hint: string): PinError {
  const left = triesLeft === undefined ? "the card does not tell the tries left" : `tries left: ${triesLeft}`;
  return new PinError("PIN_PROTECTED", `use ${WORDS[pin]}: not tried; ${left}`, {
    hint,
    details: { pin, ...(triesLeft === undefined ? {} : { triesLeft }) },
  });
}
