/**
 * Promise 1 over random sequences: whatever a person types, programs ask, others do to the card and to the keychain,
 * the counter reaches zero only by a VERIFY that a person allowed at one try left.
 */

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { changePin } from "../../agent/pin-change.ts";
import type { PinCache } from "../../agent/remembered-pins.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { READER, setUpCardKeys } from "../helpers/card-keys.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { FakePrompt } from "../helpers/fake-prompt.ts";
import { FakeVault } from "../helpers/fake-vault.ts";
import { testPki } from "../helpers/pki.ts";

const RUNS = 500;
const PINS = ["1111", "2222", "3333"] as const;
const DIGEST_INFO = new Uint8Array(51);
const never = new AbortController().signal;

let pki: VirtualPki;
beforeAll(async () => {
  pki = await testPki();
});

type Step =
  | { readonly kind: "sign"; readonly typed: readonly (string | null)[]; readonly lastTry: boolean }
  | { readonly kind: "give"; readonly pin: string; readonly lifetimeMs: number | undefined }
  | {
      readonly kind: "change";
      readonly typed: readonly [string, string];
      readonly force: boolean;
      readonly lastTry: boolean;
    }
  | { readonly kind: "reinsert" | "forget" | "sleep" | "wait" | "restart" }
  /** By another program or an office. */
  | { readonly kind: "others-change"; readonly pin: string }
  /** Another program's wrong PIN; it leaves the last try alone, for that is not ours to keep. */
  | { readonly kind: "others-fail" }
  | { readonly kind: "others-save"; readonly pin: string };

const pin = fc.constantFrom(...PINS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("sign" as const),
      typed: fc.array(fc.option(pin), { maxLength: 4 }),
      lastTry: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("give" as const),
      pin,
      lifetimeMs: fc.option(fc.constant(30_000), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("change" as const),
      typed: fc.tuple(pin, pin),
      force: fc.boolean(),
      lastTry: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "reinsert" as const,
        "forget" as const,
        "sleep" as const,
        "wait" as const,
        "restart" as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("others-change" as const), pin }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("others-fail" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("others-save" as const), pin }) },
);

/** What the person in front of the screen does next, and what came of it. */
interface Person {
  typed: (string | null)[];
  lastTry: boolean;
  /** VERIFY at one try left that a person has allowed. */
  allowed: number;
  /** PINs that were typed or given since the card was last looked at. */
  entered: number;
}

function promptOf(person: Person): FakePrompt {
  return new FakePrompt((question) => {
    if (question.kind === "confirm") {
      if (person.lastTry) person.allowed++;
      return question.answer(person.lastTry);
    }
    const next = person.typed.shift();
    if (next) person.entered++;
    try {
      question.answer(pinFromBytes("auth", new TextEncoder().encode(next ?? "")));
    } catch (error) {
      question.fail(error);
    }
  });
}

async function play(mode: PinCache["mode"], steps: readonly Step[]): Promise<void> {
  const card = new VirtualCard({ pki, authPin: PINS[0] });
  const vault = new FakeVault();
  const person: Person = { typed: [], lastTry: false, allowed: 0, entered: 0 };
  const open = () =>
    setUpCardKeys({
      cards: [card],
      prompt: promptOf(person),
      cache: mode,
      vault,
      clock: new FakeClock(),
      refusalMs: 0,
    });
  let desk = await open();
  const keyId = desk.keys.list()[0]?.id ?? "";
  try {
    for (const step of steps) {
      const before = { tries: card.triesLeft.auth, attempts: card.pinAttempts, allowed: person.allowed };
      person.entered = 0;
      switch (step.kind) {
        case "sign": {
          Object.assign(person, { typed: [...step.typed], lastTry: step.lastTry });
          const purpose = { kind: "sshsig", namespace: "git" } as const;
          await desk.keys.sign(keyId, DIGEST_INFO, { purpose, signal: never }).catch(() => {});
          break;
        }
        case "give":
          person.entered++;
          await desk.token
            .give(pinFromBytes("auth", new TextEncoder().encode(step.pin)), step.lifetimeMs, never)
            .catch(() => {});
          break;
        case "change": {
          Object.assign(person, { typed: [...step.typed, step.typed[1]], lastTry: step.lastTry });
          const { registry, broker } = desk;
          const [record] = registry.cards();
          if (record === undefined) throw new Error("there is no card");
          const requireCurrent = () => registry.requireCurrent(record);
          await changePin({ card: record, pin: "auth", force: step.force, broker, requireCurrent }, never).catch(
            () => {},
          );
          break;
        }
        case "reinsert":
          desk.transport.remove(READER);
          desk.transport.insert(READER, card);
          await desk.registry.settled();
          break;
        case "forget":
          await desk.keys.forget();
          break;
        case "sleep":
          desk.clock.sleep(3_600_000);
          break;
        case "wait":
          desk.clock.advance(45_000);
          break;
        case "restart":
          await desk.close();
          desk = await open();
          break;
        case "others-change":
          card.setPin("auth", step.pin);
          break;
        case "others-fail":
          card.setTries("auth", Math.max(Math.min(card.triesLeft.auth, 1), card.triesLeft.auth - 1));
          break;
        case "others-save":
          vault.saved.set(keyId, step.pin);
          break;
      }
      const attempts = card.pinAttempts - before.attempts;
      // At most one of them was not entered by a person just now: the remembered one.
      expect(attempts).toBeLessThanOrEqual(person.entered + 1);
      if (card.triesLeft.auth === 0 && before.tries > 0) expect(person.allowed).toBeGreaterThan(before.allowed);
    }
  } finally {
    await desk.close();
  }
  if (person.allowed === 0) expect(card.triesLeft.auth).toBeGreaterThan(0);
}

describe.each(["off", "session", "timed", "keychain"] as const)("--pin-cache %s", (mode) => {
  it("never blocks the card unless a person allowed the last try", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => play(mode, steps)),
      { numRuns: RUNS },
    );
  });
});

it("the sequences do reach the last try, and do block the card where a person allows it", async () => {
  const wrong = { kind: "sign", typed: ["3333", "2222", "3333"], lastTry: true } as const;
  const card = new VirtualCard({ pki, authPin: PINS[0] });
  const person: Person = { typed: [...wrong.typed], lastTry: true, allowed: 0, entered: 0 };
  const desk = await setUpCardKeys({ cards: [card], prompt: promptOf(person), refusalMs: 0 });
  const purpose = { kind: "sshsig", namespace: "git" } as const;
  const keyId = desk.keys.list()[0]?.id ?? "";
  await desk.keys.sign(keyId, DIGEST_INFO, { purpose, signal: never }).catch(() => {});
  expect(card.triesLeft.auth).toBe(1);
  await desk.keys.sign(keyId, DIGEST_INFO, { purpose, signal: never }).catch(() => {});
  expect([card.triesLeft.auth, person.allowed]).toEqual([0, 1]);
  await desk.close();
});
