/** What `pin` and `card` say, in any language. */

import type { PinState } from "../../agent/main.ts";
import type { Sex } from "../../lib/card/tagged-file.ts";
import type { ChosenPinName } from "../../lib/pin/pin.ts";
import type { BirthDate } from "../../lib/x509/holder.ts";

export interface PinTexts {
  /** `card` is empty for a phone. */
  card(card: string, reader: string): string;
  /** One line. */
  state(pin: PinState): string;
  changed(pin: ChosenPinName): string;
  saved(card: string): string;
  /** So many agents have forgotten. */
  forgotten(agents: number): string;
  /** So many were erased from the keychain. */
  erased(count: number): string;
  /** The PIN is changed, but the keychain's copy of the old one may still be there. */
  notErased(reason: string): string;
}

/** `card`. */
export interface CardTexts {
  readonly labels: Readonly<Record<CardLabel, string>>;
  readonly sexes: Readonly<Record<Sex, string>>;
  /** A day; `era` as it is told, or as the calendar has it. */
  date(date: BirthDate): string;
  /** Of an image that is not written anywhere. */
  image(bytes: number): string;
  /** Before the individual number is read. */
  readonly numberLaw: string;
  /** While the card's face is read; for one line with the share that is done. */
  readonly reading: string;
}

export type CardLabel = "name" | "address" | "birthDate" | "sex" | "expires" | "securityCode" | "number" | "photo";
