/** What a program may choose; nothing of it is read from the configuration file or the command line. */

import type { CardSource, PcscBinding, PinPromptChoice } from "../../lib/config.ts";
import type { Logger } from "../../lib/log.ts";
import type { PinRequest } from "../../lib/pin/prompt.ts";

export const PROGRAM_PIN_CACHES = ["off", "session"] as const;

/** A program's own way to ask for PINs. Called while no card is held. */
export interface PinSource {
  /**
   * @returns what was typed, as ASCII bytes, wiped by us; undefined: cancelled. What cannot be this PIN is asked for
   * again and never reaches the card.
   */
  askPin(request: PinRequest, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Whether a person who was told so wants to spend the last try. Without it the last try is never spent. */
  confirmLastTry?(request: PinRequest, signal: AbortSignal): Promise<boolean>;
}

export interface JpkiOptions {
  /** `virtual`: the built-in card for trials, PIN 1234. Default `pcsc`. */
  readonly card?: CardSource | undefined;
  /** Default `auto`. */
  readonly pcscBinding?: PcscBinding | undefined;
  /** A reader's name or a part of it; default: all readers. */
  readonly reader?: string | undefined;
  /**
   * How a person is asked: `auto` (default), `pinentry`, `askpass` or `tty` as the option `--pin-prompt` means them,
   * `none`, or the program's own way.
   */
  readonly prompt?: PinPromptChoice | PinSource | undefined;
  /**
   * `off` (default): the PIN is asked for each time. `session`: it is remembered until the card leaves, `release()` is
   * called, or it was not used for `pinCacheTtlMs`. Only ever the authentication PIN.
   */
  readonly pinCache?: (typeof PROGRAM_PIN_CACHES)[number] | undefined;
  /** Milliseconds, default one hour. */
  readonly pinCacheTtlMs?: number | undefined;
  /** The program's name in the questions and in `jpki-agent log`; default: the script that runs. */
  readonly program?: string | undefined;
  /** Names the state folder, the prompts and their language. Default: the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Default: nothing is logged. Never gets a PIN. */
  readonly log?: Logger | undefined;
}
