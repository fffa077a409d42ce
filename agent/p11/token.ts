/**
 * The port between the PKCS#11 face and the cards: slots, the token in each, and what a login gives. The face knows
 * nothing of APDUs, readers or PIN rules; what stands behind it knows nothing of handles, sessions or templates.
 *
 * Everything that lists is answered from memory, at once; only {@link P11Token.login} and {@link P11Login} reach a card
 * or a person.
 */

import type { PolicyError } from "../../lib/errors.ts";
import type { Pin } from "../../lib/pin/pin.ts";

/** A place for a card. Slots are never taken away again while the agent runs: programs keep their ids. */
export interface P11Slot {
  /** From 1 on. */
  readonly id: number;
  /** Which of the card's keys the slot is for: a card has one slot for each key that is offered. */
  readonly key: "auth" | "sign";
  /** The token as it is now; undefined: no card. Another object after each insertion. */
  readonly token: P11Token | undefined;
}

export interface P11Slots {
  /** At least one, in the order of their ids. */
  list(): readonly P11Slot[];
  /** Calls `listener` with a slot's id when its token came, left or was exchanged. @returns how to stop. */
  watch(listener: (slotId: number) => void): () => void;
}

/** What `C_GetTokenInfo` tells of the tries, as far as they are known without asking the card. */
export type P11Tries = "unknown" | "all" | "fewer" | "last" | "none";

export interface P11Token {
  /** UTF-8, 32 bytes at most, without personal data: the comment of the card's key. */
  readonly label: string;
  /** 16 ASCII characters at most. */
  readonly serial: string;
  /** DER; undefined while the card does not show it: the signature certificate before its login, a phone's too. */
  certificate(): Uint8Array | undefined;
  /** DER of its CA's certificate; undefined where the card has none that can be read. */
  caCertificate(): Uint8Array | undefined;
  /** Whether the card signs RSASSA-PSS (SHA-256, salt of 32 bytes); learnt, so it may change once. */
  pss(): boolean;
  tries(): P11Tries;
  /** Whether a person is asked at each signature too: `CKA_ALWAYS_AUTHENTICATE`. */
  readonly asksEachTime: boolean;
  /**
   * A person's act: asks for the PIN, or whether the program may log in where the PIN is remembered. With `pin` (of this
   * token's key, wiped here) nobody is asked: the program brought what a person typed there.
   *
   * @throws PinError `PIN_WRONG`, `PIN_CANCELLED`, `PIN_FORMAT`, `PIN_BLOCKED`, `PIN_PROTECTED`, `PIN_NO_PROMPT`;
   * PolicyError (locked, key removed); PcscError `CARD_ABSENT` when the card left, `CARD_BUSY`; the signal's reason.
   */
  login(pin: Pin | undefined, who: P11Program, signal: AbortSignal): Promise<P11Login>;
}

/** The program at the other end, where it can be told; shown to the person, never trusted. */
export interface P11Program {
  /** Name and process id in words. */
  program(): Promise<string | undefined>;
}

/** What a program may do after its login, until that ends: by time, by number of signatures, or with the card. */
export interface P11Login {
  /** Aborts when the login is over; the reason is a PolicyError (time, number) or PcscError `CARD_ABSENT`. */
  readonly ended: AbortSignal;
  /**
   * A signature of the modulus's length. Consent (`--confirm`, {@link P11Token.asksEachTime}) is asked for here; each
   * outcome is in the record.
   *
   * @param input for `pkcs1`: a DigestInfo or other data, 1 to 245 bytes; for `pss`: a SHA-256 hash.
   * @param mechanism the name of what the program asked for, for the record: `CKM_SHA256_RSA_PKCS`.
   * @throws as {@link P11Token.login}; KeyError `ALGORITHM_UNSUPPORTED` if the card turns out not to do it; what
   * {@link ended} says.
   */
  sign(scheme: "pkcs1" | "pss", input: Uint8Array, mechanism: string, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * For log and record: a signature that was asked for and is refused before it gets here.
   *
   * @param mechanism as for {@link sign}.
   */
  refuse(mechanism: string, reason: PolicyError): void;
  /** Logs out and wipes what was kept. May be called twice. */
  end(): void;
}
