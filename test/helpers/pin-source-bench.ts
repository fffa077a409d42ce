/** One card, one agent's key store, and a PIN source that a test breaks: for the tables of PIN sources. */

import { expect } from "vitest";
import type { PinCache } from "../../agent/remembered-pins.ts";
import { INS_VERIFY } from "../../lib/iso7816/command.ts";
import { pinFromBytes } from "../../lib/pin/pin.ts";
import type { PinVault } from "../../lib/pin/vault.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { setUpCardKeys } from "./card-keys.ts";
import type { FakeClock } from "./fake-clock.ts";
import { FakePrompt } from "./fake-prompt.ts";

/** The card's. */
export const PIN = "7391";
/** A PIN that is not {@link PIN}. */
export const OTHER_PIN = "8264";

/** What came of one signature. */
export interface Signed {
  /** "signed", "hung up" or the error's code. */
  readonly outcome: unknown;
  /** That the card has seen for this signature. */
  readonly attempts: number;
  /** That a person was asked for this signature. */
  readonly questions: number;
}

/** An agent without its socket. */
export interface SourceBench {
  readonly card: VirtualCard;
  readonly keyId: string;
  readonly clock: FakeClock;
  /** The keychain from now on. */
  vault: PinVault;
  /** `ssh-add -D` and SIGHUP. */
  forget(): Promise<void>;
  /** The agent ends and another one starts. */
  restart(): Promise<void>;
  /** One signature; the card is let go before it. `typed`: a person's answers, `null` is a cancel. */
  sign(typed: readonly (string | null)[], clientLeaves?: ClientLeaves): Promise<Signed>;
  close(): Promise<void>;
}

/** When the client hangs up. */
export type ClientLeaves = "at VERIFY" | "while the keychain is read";

/** The card's PIN is {@link PIN}. */
export async function openSourceBench(mode: PinCache["mode"], pki: VirtualPki, vault: PinVault): Promise<SourceBench> {
  const card = new VirtualCard({ pki, authPin: PIN });
  const digest = new Uint8Array(51);
  const purpose = { kind: "sshsig", namespace: "git" } as const;
  let answers: (string | null)[] = [];
  let client = new AbortController();
  let leaves: ClientLeaves | undefined;
  const prompt = new FakePrompt((question) => {
    if (question.kind === "confirm") return question.answer(false);
    try {
      question.answer(pinFromBytes("auth", new TextEncoder().encode(answers.shift() ?? "")));
    } catch (error) {
      question.fail(error);
    }
  });
  const hangUp = (at: ClientLeaves) => {
    if (leaves === at) client.abort("hung up");
  };
  const outer: PinVault = {
    read: (id) => {
      const read = bench.vault.read(id);
      hangUp("while the keychain is read");
      return read;
    },
    save: (id, pin) => bench.vault.save(id, pin),
    erase: (id) => bench.vault.erase(id),
  };
  const refuse = (command: Uint8Array) => {
    if (command[1] === INS_VERIFY && command.length > 5) hangUp("at VERIFY");
  };
  const open = () => setUpCardKeys({ cards: [card], prompt, cache: mode, vault: outer, refusalMs: 0, refuse });
  let desk = await open();
  const keyId = desk.keys.list()[0]?.id ?? "";
  const bench: SourceBench = {
    ...{ card, keyId, vault },
    get clock() {
      return desk.clock;
    },
    forget: () => desk.keys.forget(),
    restart: async () => {
      await desk.close();
      desk = await open();
    },
    sign: async (typed, clientLeaves) => {
      await desk.registry.release();
      const before = { attempts: card.pinAttempts, questions: prompt.shown.length };
      answers = [...typed];
      leaves = clientLeaves;
      client = new AbortController();
      const outcome = await desk.keys.sign(keyId, digest, { purpose, signal: client.signal }).then(
        () => "signed",
        (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
      );
      return {
        outcome,
        attempts: card.pinAttempts - before.attempts,
        questions: prompt.shown.length - before.questions,
      };
    },
    close: () => desk.close(),
  };
  return bench;
}

/** One signature. */
export interface Step {
  readonly before?: (bench: SourceBench) => unknown;
  /** What a person answers if asked; null cancels. */
  readonly typed: readonly (string | null)[];
  readonly clientLeaves?: ClientLeaves;
  /** See {@link Signed}. */
  readonly outcome: string;
  readonly attempts: number;
  readonly questions: number;
}

/** One row of a table. */
export interface Case {
  readonly how: string;
  readonly steps: readonly Step[];
}

/** A person is asked and knows the PIN. */
export const typedRight: Step = { typed: [PIN], outcome: "signed", attempts: 1, questions: 1 };
/** The source has the PIN. */
export const unasked: Step = { typed: [], outcome: "signed", attempts: 1, questions: 0 };
/** The source has sent nothing. */
export const askedAndCancelled: Step = { typed: [null], outcome: "PIN_CANCELLED", attempts: 0, questions: 1 };
/** Another program or the municipal office gives the card another PIN. */
export const changed = ({ card }: SourceBench) => card.setPin("auth", OTHER_PIN);
export const allTriesAgain = ({ card }: SourceBench) => card.setTries("auth", 3);

/** Each signature goes as its step says. */
export async function play(bench: SourceBench, steps: readonly Step[]): Promise<void> {
  for (const { before, typed, clientLeaves, ...expected } of steps) {
    await before?.(bench);
    expect(await bench.sign(typed, clientLeaves)).toEqual(expected);
  }
}
