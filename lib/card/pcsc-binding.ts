/** The port between the common part of PC/SC (pcsc-transport.ts) and a binding, which only says what the binding does. */

import type { PcscBindingName } from "./pcsc-errors.ts";

/** A binding whose native part is loaded. */
export interface PcscBinding {
  readonly name: PcscBindingName;
  /** Connects to the PC/SC service and watches all readers. @throws the binding's own error. */
  watch(events: WatchEvents): PcscWatch;
}

/** What a watch reports; it must not throw. */
export interface WatchEvents {
  /** @param rawState SCARD_READERSTATE.dwEventState. @param atr a fresh array; empty where it is not known. */
  state(reader: string, rawState: number, atr: Uint8Array): void;
  /** The reader was unplugged. */
  gone(reader: string): void;
  /** Every reader's state has been reported. */
  complete(): void;
  /** The watch is over and must be closed; no more events come. */
  failed(cause: unknown): void;
}

/** One connection to the PC/SC service. After it failed a new one is needed. */
export interface PcscWatch {
  /**
   * Powers the card and is alone with it. May take without limit while another program has a transaction: to be called
   * when none has one (pcscd-transactions.ts).
   *
   * @throws the binding's own error; one that {@link isSharingViolation} is worth another attempt.
   */
  open(reader: string): Promise<OpenCard>;
  /**
   * Reports nothing from here on. The native watch goes on until the service or the process ends; the process then ends
   * by `process.exit()` only.
   */
  leave(): void;
  /**
   * The same, then stops the native watch and lets go of the service. Never throws. Cards that are open stay so. Takes
   * a while: to stop a native watch while a reader changes freezes the process until a reader changes again.
   */
  close(): Promise<void>;
}

/** A card opened by a binding. Calls one at a time, none after {@link cut} or {@link giveBack}. */
export interface OpenCard {
  readonly protocol: "T=0" | "T=1";
  /** Where only a connection tells it; empty where the watch did. */
  readonly atr: Uint8Array;
  /** @returns a fresh array. @throws the binding's own error. */
  transmit(command: Uint8Array): Promise<Uint8Array>;
  /** Cuts the power and disconnects. Never throws. */
  cut(): Promise<void>;
  /** Disconnects from a card that was not used, as it is. Never throws. */
  giveBack(): Promise<void>;
}
