/**
 * The table of pin-table.system.test.ts for a remembered PIN: it is sent at most once, and what is no PIN never becomes
 * one.
 */

import { beforeAll, describe, it } from "vitest";
import type { VirtualPki } from "../../lib/virtual-card/pki.ts";
import { FakeVault } from "../helpers/fake-vault.ts";
import { type FaultTable, NO_PINS, rowsOf } from "../helpers/pin-faults.ts";
import {
  allTriesAgain,
  askedAndCancelled,
  type Case,
  changed,
  OTHER_PIN,
  openSourceBench,
  PIN,
  play,
  typedRight,
  unasked,
} from "../helpers/pin-source-bench.ts";
import { testPki } from "../helpers/pki.ts";

let pki: VirtualPki;
beforeAll(async () => {
  pki = await testPki();
});

/** A PIN is remembered once the card has accepted it: what is no PIN must not become one. */
const typedNoPin = (typed: string): readonly Case[] => [
  {
    how: "typed, and nothing is remembered of it",
    steps: [{ typed: [typed, typed, typed], outcome: "PIN_FORMAT", attempts: 0, questions: 3 }, askedAndCancelled],
  },
];

const REMEMBERED: FaultTable<Case> = {
  empty: [
    { how: "typed, and nothing is remembered of it", steps: [{ ...askedAndCancelled, typed: [""] }, typedRight] },
  ],
  short: typedNoPin(NO_PINS.short),
  long: typedNoPin(NO_PINS.long),
  letters: typedNoPin(NO_PINS.letters),
  "full-width digits": typedNoPin(NO_PINS["full-width digits"]),
  "wrong once": [
    {
      how: "changed by another program: sent once, then a person is asked, whose PIN is remembered",
      steps: [
        typedRight,
        unasked,
        { before: changed, typed: [OTHER_PIN], outcome: "signed", attempts: 2, questions: 1 },
        unasked,
      ],
    },
    {
      how: "changed by another program, and the person types the old one too: not sent again",
      steps: [typedRight, { before: changed, typed: [PIN], outcome: "PIN_WRONG", attempts: 1, questions: 1 }],
    },
  ],
  "wrong twice": [
    {
      how: "never sent a second time, though all tries are left again",
      steps: [
        typedRight,
        { before: changed, typed: [null], outcome: "PIN_CANCELLED", attempts: 1, questions: 1 },
        { ...askedAndCancelled, before: allTriesAgain },
      ],
    },
    {
      how: "not even once while a try is lost",
      steps: [typedRight, { ...askedAndCancelled, before: ({ card }) => card.setTries("auth", 2) }],
    },
  ],
  cancelled: [{ how: "taken back", steps: [typedRight, { ...askedAndCancelled, before: (bench) => bench.forget() }] }],
  "source crashes": [
    { how: "it goes with the process", steps: [typedRight, { ...askedAndCancelled, before: (it) => it.restart() }] },
  ],
  "source hangs": [
    {
      how: "the machine sleeps, and no timer runs: wiped before the next use",
      steps: [typedRight, { ...askedAndCancelled, before: ({ clock }) => clock.sleep(3_600_000) }],
    },
  ],
  "source missing": [
    {
      how: "over its time",
      steps: [typedRight, { ...askedAndCancelled, before: ({ clock }) => clock.advance(60_000) }],
    },
  ],
  "client gone": [
    {
      how: "while the card checks a PIN that is wrong: that counts, and it is not sent again",
      steps: [
        typedRight,
        {
          ...{ before: changed, typed: [], clientLeaves: "at VERIFY" },
          ...{ outcome: "hung up", attempts: 1, questions: 0 },
        },
        { ...askedAndCancelled, before: allTriesAgain },
      ],
    },
  ],
};

describe.each(["session", "timed"] as const)("remembered: --pin-cache %s", (mode) => {
  it.each(rowsOf(REMEMBERED))("$fault: $how", async ({ steps }) => {
    const bench = await openSourceBench(mode, pki, new FakeVault());
    await play(bench, steps);
    await bench.close();
  });
});
