/**
 * The port to the person: asks for a PIN or for a yes. Adapters: pinentry, askpass, tty,
 * systemd-ask.
 *
 * A prompt is shown outside the card's queue, always: no lock and no card is held while a person types.
 */

import type { SignPurpose } from "../keys.ts";
import type { CodePart } from "./card-code.ts";
import type { Pin, PinName } from "./pin.ts";

export interface PinRequest {
  readonly pin: PinName;
  /** Of `code-b`: which part is asked for; the first may be answered with the whole. */
  readonly part?: CodePart | undefined;
  /** The comment of the card's key; empty where the card does not tell before its PIN (a phone not seen yet). */
  readonly card: string;
  readonly reader: string;
  readonly purpose: SignPurpose;
  readonly program?: string | undefined;
  /** As the card said right before; undefined where it does not say. */
  readonly triesLeft: number | undefined;
  /** Where a PIN is changed: which of the three entries. */
  readonly role?: "old" | "new" | "repeat" | undefined;
  /** Why it is asked again. */
  readonly previous?: "wrong" | "malformed" | undefined;
}

/** A server that the connection was proved to lead through, or to. */
export interface Hop {
  /** From known_hosts; empty for a host key that is not in there. */
  readonly names: readonly string[];
  /** SHA256:… of the host key. */
  readonly fingerprint: string;
}

/** Whether to use the key at all; no try of the PIN depends on it. */
export type UseRequest = {
  /** The comment of the card's key. */
  readonly card: string;
  readonly purpose: SignPurpose;
  readonly program?: string | undefined;
} & (
  | { readonly kind: "use" }
  /** Through a forwarded agent. `hops` in order, from this machine on; the last one is where it ends. */
  | { readonly kind: "forwarded"; readonly hops: readonly Hop[] }
);

/** A yes-or-no question with the text in the person's language. */
export type ConfirmRequest = { readonly kind: "last-try"; readonly request: PinRequest } | UseRequest;

/** That the card must be placed on a reader, while a request waits for it. */
export interface PlaceCardRequest {
  /** The comment of the card's key. */
  readonly card: string;
  readonly purpose: SignPurpose;
  readonly program?: string | undefined;
  /** Whether another card lies on a reader. */
  readonly otherCard: boolean;
}

export interface Prompt {
  /** For logs and `status`. */
  readonly name: "auto" | "pinentry" | "askpass" | "tty" | "systemd" | "program" | "none";
  /**
   * @returns a PIN of the right form, owned by the caller, who wipes it.
   * @throws PinError `PIN_CANCELLED` (a person's no, or nothing typed), `PIN_FORMAT` (typed, but not such a PIN),
   * `PIN_NO_PROMPT` (no way to show it; `hint` says what is missing); the signal's reason when it aborts.
   */
  askPin(request: PinRequest, signal: AbortSignal): Promise<Pin>;
  /** @returns true only for a person's explicit yes. @throws as {@link askPin}. */
  confirm(request: ConfirmRequest, signal: AbortSignal): Promise<boolean>;
  /**
   * Shows a message until the signal takes it away, or a person does.
   *
   * @returns "cancelled" for a person's no; "closed" if it is not shown any more and that says nothing.
   * @throws PinError `PIN_NO_PROMPT`, also of a prompt that cannot show a message without a question; the signal's reason.
   */
  askForCard(request: PlaceCardRequest, signal: AbortSignal): Promise<MessageEnd>;
}

export type MessageEnd = "cancelled" | "closed";

/** One question in words. */
export interface PromptText {
  /** What must stand out, in red where that is possible: the last try, a wrong PIN. Empty if there is nothing. */
  readonly warning: string;
  /** All else, several lines; ends without a colon. */
  readonly text: string;
}

/** The words of the prompts; the command line supplies them in the person's language. */
export interface PromptTexts {
  /** Of a window. */
  readonly title: string;
  readonly buttons: { readonly ok: string; readonly cancel: string; readonly yes: string; readonly no: string };
  pin(request: PinRequest): PromptText;
  /** The short label of the input field: `PIN`. */
  pinLabel(request: PinRequest): string;
  /** What it is about (one try left: what that means), ending in the question to be answered with yes or no. */
  confirm(request: ConfirmRequest): PromptText;
  placeCard(request: PlaceCardRequest): PromptText;
}
