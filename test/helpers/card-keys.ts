/** The card's key store as agent/main.ts builds it, on cards in process and with a person made of answers. */

import { CardArrival } from "../../agent/card-arrival.ts";
import { CardKeyStore } from "../../agent/card-key-store.ts";
import { CardLogin } from "../../agent/card-login.ts";
import { CardRegistry } from "../../agent/card-registry.ts";
import { GivenPins } from "../../agent/given-pin.ts";
import { GivenTries } from "../../agent/given-tries.ts";
import { PinBroker } from "../../agent/pin-broker.ts";
import { type PinCache, RememberedPins } from "../../agent/remembered-pins.ts";
import type { CardTransport } from "../../lib/card/transport.ts";
import type { CardKey } from "../../lib/card-key.ts";
import { PcscError } from "../../lib/errors.ts";
import { type Logger, silentLogger } from "../../lib/log.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import type { PinVault } from "../../lib/pin/vault.ts";
import type { EmulatedCard } from "../../lib/virtual-card/card.ts";
import { createVirtualTransport } from "../../lib/virtual-card/transport.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakePrompt, type Question } from "./fake-prompt.ts";

/** The reader of the first card; the others are "reader 1" and so on. */
export const READER = "reader A";

/** A person who types these answers in turn; `null` says no, a boolean answers the last-try question. */
export function person(...answers: readonly (string | boolean | null)[]): FakePrompt {
  const left = [...answers];
  return new FakePrompt((question: Question) => {
    const answer = left.shift();
    if (question.kind === "confirm") return question.answer(answer === true);
    if (typeof answer !== "string") return question.fail(cancelled());
    try {
      question.answer(pinFromBytes("auth", new TextEncoder().encode(answer)));
    } catch (error) {
      question.fail(error);
    }
  });
}

function cancelled(): Error {
  try {
    pinFromBytes("auth", new Uint8Array());
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("an empty PIN must be a cancel");
}

export interface CardKeysSetUp {
  readonly prompt?: FakePrompt;
  readonly cards?: readonly EmulatedCard[];
  readonly known?: CardKey[];
  readonly cache?: PinCache["mode"];
  readonly vault?: PinVault;
  /** The clock of the remembered PINs. */
  readonly clock?: FakeClock;
  /** How long a no holds. */
  readonly refusalMs?: number | undefined;
  /** How long a signature waits for its card; default: not at all. */
  readonly waitMs?: number | undefined;
  readonly log?: Logger | undefined;
  /** Throws for a command that never reaches the card. */
  readonly refuse?: (command: Uint8Array) => void;
}

/** What goes wrong between the program and the card. */
interface Transmitting {
  /** The next command ends with this, unsent. */
  failNext?: Error | undefined;
  /** The card gets such a command, and its answer is lost. */
  losesAnswer?: ((command: Uint8Array) => boolean) | undefined;
}

/** The same transport, over a wire that can fail. */
function overWire(transport: CardTransport, wire: Transmitting, refuse: (command: Uint8Array) => void): CardTransport {
  return {
    slots: () => transport.slots(),
    ready: (signal) => transport.ready(signal),
    fault: () => transport.fault(),
    onChange: (listener) => transport.onChange(listener),
    close: () => transport.close(),
    connect: async (slot, options) => {
      const connection = await transport.connect(slot, options);
      return {
        slot: connection.slot,
        protocol: connection.protocol,
        end: () => connection.end(),
        transmit: async (command) => {
          const { failNext } = wire;
          wire.failNext = undefined;
          if (failNext !== undefined) throw failNext;
          refuse(command);
          const answer = await connection.transmit(command);
          if (wire.losesAnswer?.(command)) throw new PcscError("CARD_RESET", "use the card: it was taken out");
          return answer;
        },
      };
    },
  };
}

export async function setUpCardKeys({
  prompt = person("1234"),
  cards = [],
  known = [],
  cache = "session",
  vault,
  clock = new FakeClock(),
  refusalMs,
  waitMs = 0,
  log = silentLogger,
  refuse = () => {},
}: CardKeysSetUp) {
  const transmitting: Transmitting = {};
  const transport = createVirtualTransport({
    slots: cards.map((card, i) => ({ reader: i ? `reader ${i}` : READER, card })),
  });
  const givenTries = new GivenTries({ now: clock.now });
  const broker = new PinBroker({ prompt, now: () => performance.now(), refusalMs, log: silentLogger });
  const remembered = new RememberedPins({
    cache: { mode: cache, ttlMs: 60_000 },
    vault,
    now: clock.now,
    wallNow: clock.wallNow,
    setTimer: clock.setTimer,
    onExpired: () => void registry.release(),
    log: silentLogger,
  });
  const registry = new CardRegistry({
    transport: overWire(transport, transmitting, refuse),
    holdMs: 60_000,
    log: silentLogger,
    onChange: (insertions) => {
      remembered.forgetInsertionsExcept(insertions);
      givenTries.forgetInsertionsExcept(insertions);
    },
    onKey: async (key) => {
      if (!known.some(({ id }) => id === key.id)) known.push(key);
    },
  });
  const login = new CardLogin({ registry, broker, remembered, hold: cache !== "off", log: silentLogger });
  const arrival = new CardArrival({ registry, broker, waitMs, fault: () => transport.fault(), log });
  const keys = new CardKeyStore({
    registry,
    known: { list: () => known, remember: async (key) => void known.push(key) },
    login,
    remembered,
    arrival,
    log,
  });
  const token = new GivenPins({ registry, login, remembered, givenTries, cacheMode: cache });
  registry.start();
  await registry.settled();
  const close = async () => {
    broker.close();
    remembered.close();
    await registry.close();
    await transport.close();
  };
  return { transport, transmitting, registry, broker, login, remembered, keys, token, prompt, known, clock, close };
}
