/**
 * The port to PC/SC: what readers there are, what lies on them, and a connection that is alone with a card.
 *
 * Three adapters stand behind it: `pcsc-mini.ts`, `pcsclite.ts` and `../virtual-card/transport.ts`. All are held to one
 * contract test (test/lib/card/transport-contract.ts).
 */

/** One reader as it stands now. A new object for each change; compare by `insertion`. */
export interface CardSlot {
  /** The reader's name as PC/SC gives it. */
  readonly reader: string;
  /**
   * `empty`: no card. `present`: a card that answered its power-up. `mute`: a card that did not.
   */
  readonly state: "empty" | "present" | "mute";
  /**
   * ATR of the card, empty unless `present`, and until the first connection where only that tells it; owned by the slot,
   * not to be changed. Never used to recognise a card.
   */
  readonly atr: Uint8Array;
  /**
   * A number that no other insertion in this process ever had: it changes when the card is taken out and put back,
   * when the reader goes and comes back, and when PC/SC restarts. What was learnt about a card (its key, its
   * features, its remembered PIN) holds for one insertion. 0 when `empty`.
   */
  readonly insertion: number;
}

export interface ConnectOptions {
  /** Ends the waiting for a card that another program holds. Rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long to wait for others to let go of the card, milliseconds (default 5000). Then `CARD_BUSY`, or
   * `PCSC_UNAVAILABLE` while it still owes a connection that was ended its last answer.
   */
  readonly busyTimeoutMs?: number | undefined;
}

/** Alone with one card, from {@link CardTransport.connect} to {@link CardConnection.end}. */
export interface CardConnection {
  readonly slot: CardSlot;
  /** The card's protocol: T=0 has no extended lengths and no command with both data and answer in one exchange. */
  readonly protocol: "T=0" | "T=1";
  /**
   * One command APDU and its response with the status word (2 to 65538 bytes, a fresh array). Calls one at a time.
   *
   * @throws PcscError `CARD_RESET` (the card was reset or taken out), `READER_ABSENT`, `PCSC_UNAVAILABLE` (also for no
   * answer within 30 seconds: then only {@link end} is left), `MALFORMED` for an answer under 2 bytes.
   */
  transmit(command: Uint8Array): Promise<Uint8Array>;
  /**
   * Calls back once, as soon as another program may want the card, as far as that can be told; absent where there are
   * no others. Returns the function that ends the watching.
   */
  watchOthers?(onWanted: () => void): () => void;
  /**
   * Cuts the card's power, ends the transaction and the connection. Never throws, may be called twice; when it
   * resolves, the verified state of the card is gone (or the card itself is). A command under way is waited for 3
   * seconds; if it takes longer, the power is cut after it.
   */
  end(): Promise<void>;
}

export interface CardTransport {
  /** The PC/SC binding in use, once it is loaded; absent for readers without PC/SC. For people to read. */
  readonly binding?: string | undefined;
  /** The readers as last seen; at once, from memory. */
  slots(): readonly CardSlot[];
  /**
   * Resolves when every reader's state is known. Rejects with `PCSC_UNAVAILABLE` (no pcscd, none that answers, no
   * binding) with a hint.
   * The transport keeps trying in the background all the same.
   */
  ready(signal?: AbortSignal): Promise<void>;
  /** Why PC/SC cannot be used at the moment; undefined while it can. */
  fault(): Error | undefined;
  /** Called after each change of {@link slots} or {@link fault}. Returns the function that ends it. */
  onChange(listener: () => void): () => void;
  /**
   * Powers the card and is alone with it. Waits while another program is in its way.
   *
   * @throws PcscError `CARD_ABSENT`, `CARD_RESET` (the slot's insertion is over), `CARD_BUSY`, `READER_ABSENT`,
   * `PCSC_UNAVAILABLE`.
   */
  connect(slot: CardSlot, options?: ConnectOptions): Promise<CardConnection>;
  /**
   * Ends all connections as {@link CardConnection.end} does, stops watching; the process can then exit by itself, unless
   * a native call does not return or the watch was to be left to `process.exit()` (PcscTransportOptions).
   */
  close(): Promise<void>;
}
