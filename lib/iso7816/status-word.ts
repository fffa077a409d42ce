/**
 * Status words (ISO/IEC 7816-4:2020, 5.6) and their only classification where a PIN is concerned: expected outcomes
 * are values, everything else throws.
 */

import { CardStatusError } from "../errors.ts";

export const SW_DONE = 0x9000;
/** The file ended before Le bytes were read. */
export const SW_END_OF_FILE = 0x6282;
export const SW_WRONG_LENGTH = 0x6700;
export const SW_WRONG_FILE_TYPE = 0x6981;
export const SW_SECURITY_STATUS = 0x6982;
/** ISO: authentication method blocked. */
export const SW_METHOD_BLOCKED = 0x6983;
/** ISO: reference data not usable. This card's word for a blocked PIN (card.md). */
export const SW_DATA_UNUSABLE = 0x6984;
export const SW_CONDITIONS = 0x6985;
export const SW_NO_CURRENT_EF = 0x6986;
export const SW_WRONG_DATA = 0x6a80;
export const SW_FILE_NOT_FOUND = 0x6a82;
export const SW_WRONG_P1P2 = 0x6a86;
/** Also: an offset past the end of the file. */
export const SW_WRONG_PARAMETERS = 0x6b00;
export const SW_INS_UNKNOWN = 0x6d00;
export const SW_CLA_UNKNOWN = 0x6e00;
/** No precise diagnosis; also the answer of a fresh card to its first command (card.md). */
export const SW_UNSPECIFIED = 0x6f00;

/** SW1 alone, for the families `61xx` (more to fetch) and `6Cxx` (repeat with Le `xx`). */
export const SW1_MORE = 0x61;
export const SW1_WRONG_LE = 0x6c;

/** What a VERIFY with a PIN came to. */
export type VerifyOutcome =
  | { readonly kind: "verified" }
  | { readonly kind: "wrong" /** 1 to 15. */; readonly triesLeft: number }
  | { readonly kind: "blocked" };

/** What the VERIFY without a PIN says: a query that costs nothing. */
export type TriesOutcome =
  | { readonly kind: "left" /** 1 to 15. */; readonly triesLeft: number }
  | { readonly kind: "blocked" }
  | { readonly kind: "verified" };

/** What a CHANGE REFERENCE DATA came to. */
export type ChangeOutcome = { readonly kind: "changed" } | { readonly kind: "refused"; readonly sw: number };

/** @throws CardStatusError `CARD_STATUS` for a status word that is no answer to a PIN. */
export function verifyOutcome(sw: number): VerifyOutcome {
  const outcome = triesOutcome(sw);
  return outcome.kind === "left" ? { kind: "wrong", triesLeft: outcome.triesLeft } : outcome;
}

/** @throws CardStatusError `CARD_STATUS` for a status word that says nothing of a PIN. */
export function triesOutcome(sw: number): TriesOutcome {
  if (sw === SW_DONE) return { kind: "verified" };
  if (sw === SW_METHOD_BLOCKED || sw === SW_DATA_UNUSABLE) return { kind: "blocked" };
  if ((sw & 0xfff0) !== 0x63c0) throw new CardStatusError("VERIFY", sw);
  const triesLeft = sw & 0xf;
  return triesLeft > 0 ? { kind: "left", triesLeft } : { kind: "blocked" };
}

/**
 * A checking error (ISO/IEC 7816-4, table 6: 67xx to 6Exx) means that nothing was changed; after an execution error or a
 * warning that is not sure.
 *
 * @throws CardStatusError `CARD_STATUS` where it is not sure.
 */
export function changeOutcome(sw: number): ChangeOutcome {
  if (sw === SW_DONE) return { kind: "changed" };
  if (sw >= 0x6700 && sw < 0x6f00) return { kind: "refused", sw };
  throw new CardStatusError("CHANGE REFERENCE DATA", sw);
}
