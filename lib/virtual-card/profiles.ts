/**
 * The kinds of card the virtual card can be. What differs between masks and phones is a field here, never an `if` on
 * the name. Source: card.md ("How it behaves", "Telling the card", "Commands").
 */

import { fromHex } from "../bytes.ts";

export type ProfileName = "card" | "old" | "phone" | "t0";

export interface CardProfile {
  readonly atr: Uint8Array;
  readonly protocol: "T=0" | "T=1";
  /** First 32 bytes of EF 0006, without its padding. */
  readonly tokenName: string;
  /** Whether P1 of READ BINARY and P2 of VERIFY and COMPUTE DIGITAL SIGNATURE may hold a short EF id. */
  readonly shortFileIds: boolean;
  readonly extendedLengths: boolean;
  /** P1 values that COMPUTE DIGITAL SIGNATURE knows. */
  readonly signatureSchemes: readonly number[];
  /** Whether an empty VERIFY answers 9000 once the PIN is verified, in place of the tries left. */
  readonly queryTellsVerified: boolean;
  readonly authCertificateNeedsPin: boolean;
  /** Whether there are the applications that hold what is printed on a card: 券面事項入力補助AP and 券面事項確認AP. */
  readonly printedData: boolean;
  /** Whether the first command after power-up answers 6F00. */
  readonly firstCommandFails: boolean;
}

const CARD: CardProfile = {
  atr: fromHex("3B DA 13 FF 81 31 FB 46 80 12 39 2F 31 C1 73 C6 01 C0 3B"),
  protocol: "T=1",
  tokenName: "JPKIAPICCTOKEN2",
  shortFileIds: true,
  extendedLengths: true,
  signatureSchemes: [0x00, 0x02, 0x03, 0x04],
  queryTellsVerified: false,
  authCertificateNeedsPin: false,
  printedData: true,
  firstCommandFails: true,
};

export const PROFILES: Readonly<Record<ProfileName, CardProfile>> = {
  card: CARD,
  old: {
    ...CARD,
    atr: fromHex("3B E0 00 FF 81 31 FE 45 14"),
    shortFileIds: false,
    extendedLengths: false,
    signatureSchemes: [0x00],
    queryTellsVerified: true,
    firstCommandFails: false,
  },
  phone: {
    ...CARD,
    atr: fromHex("3B 88 80 01 00 00 05 E0 B3 81 A1 00 7F"),
    tokenName: "JPKIAPGPSETOKEN",
    signatureSchemes: [0x00],
    authCertificateNeedsPin: true,
    printedData: false,
  },
  /** No such card is known; its ATR is made up: T=0 alone, historical bytes "JPKI". */
  t0: {
    ...CARD,
    atr: fromHex("3B 64 00 00 4A 50 4B 49"),
    protocol: "T=0",
    extendedLengths: false,
    signatureSchemes: [0x00],
    firstCommandFails: false,
  },
};
