/**
 * A card that answers from a script: each command must be the one expected, byte for byte. And a transport of such
 * cards, one script per connection, that counts how often each was ended.
 */

import { expect } from "vitest";
import { fromHex, toHex } from "../../lib/bytes.ts";
import type { CardConnection, CardSlot, CardTransport, ConnectOptions } from "../../lib/card/transport.ts";

/** What the card does with a command: an answer with its status word in hex, a failure, or either one in its time. */
export type Answer = string | Error | (() => string | Promise<string>);
/** The command in hex, spaces allowed, and its answer. */
export type Step = readonly [command: string, answer: Answer];

export const SCRIPTED_SLOT: CardSlot = {
  reader: "Scripted Reader 00",
  state: "present",
  atr: fromHex("3B 80 80 01 01"),
  insertion: 1,
};

export class ScriptedConnection implements CardConnection {
  readonly slot = SCRIPTED_SLOT;
  readonly protocol: CardConnection["protocol"];
  /** The arrays handed to {@link transmit}, as they are now. */
  readonly sent: Uint8Array[] = [];
  ends = 0;
  /** Another program wants the card; absent while nobody watches for one. */
  wanted: (() => void) | undefined;
  readonly #steps: Step[];
  #busy = false;

  constructor(steps: readonly Step[], protocol: CardConnection["protocol"] = "T=1") {
    this.#steps = [...steps];
    this.protocol = protocol;
  }

  /** Steps not reached. */
  get left(): number {
    return this.#steps.length;
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    expect(this.ends, "a command after the end").toBe(0);
    expect(this.#busy, "two commands at once").toBe(false);
    this.sent.push(command);
    const [expected, answer] = this.#steps.shift() ?? ["no more commands", ""];
    expect(toHex(command)).toBe(expected.replaceAll(" ", "").toLowerCase());
    if (answer instanceof Error) throw answer;
    this.#busy = true;
    try {
      return fromHex(typeof answer === "string" ? answer : await answer());
    } finally {
      this.#busy = false;
    }
  }

  watchOthers(onWanted: () => void): () => void {
    this.wanted = onWanted;
    return () => {
      this.wanted = undefined;
    };
  }

  async end(): Promise<void> {
    expect(this.#busy, "the end inside a command").toBe(false);
    this.ends += 1;
  }
}

/** What {@link ScriptedTransport.connect} gives, in order: a script, a failure, or either one in its time. */
export type ScriptedConnect = readonly Step[] | Error | ((options: ConnectOptions) => Promise<readonly Step[]>);

export class ScriptedTransport implements CardTransport {
  readonly connections: ScriptedConnection[] = [];
  /** Calls of {@link connect}, failed ones too. */
  connects = 0;
  readonly #scripts: ScriptedConnect[];

  constructor(...scripts: readonly ScriptedConnect[]) {
    this.#scripts = [...scripts];
  }

  async connect(slot: CardSlot, options: ConnectOptions = {}): Promise<CardConnection> {
    expect(slot).toBe(SCRIPTED_SLOT);
    expect(
      this.connections.every(({ ends }) => ends === 1),
      "a second connection beside the first",
    ).toBe(true);
    this.connects += 1;
    const script = this.#scripts.shift() ?? new Error("no more connections");
    if (script instanceof Error) throw script;
    const connection = new ScriptedConnection(typeof script === "function" ? await script(options) : script);
    this.connections.push(connection);
    return connection;
  }

  /** Every connection ended exactly once and every script came to its end. */
  expectAllEnded(): void {
    expect(this.connections.map(({ ends, left }) => ({ ends, left }))).toEqual(
      this.connections.map(() => ({ ends: 1, left: 0 })),
    );
    expect(this.#scripts).toEqual([]);
  }

  slots(): readonly CardSlot[] {
    return [SCRIPTED_SLOT];
  }

  async ready(): Promise<void> {}

  fault(): undefined {}

  onChange(): () => void {
    return () => {};
  }

  async close(): Promise<void> {}
}
