import { expect, test } from "vitest";
import { CardStatusError } from "../../../lib/errors.ts";
import { triesOutcome, verifyOutcome } from "../../../lib/iso7816/status-word.ts";

test.each([
  [0x9000, { kind: "verified" }, { kind: "verified" }],
  [0x63c1, { kind: "wrong", triesLeft: 1 }, { kind: "left", triesLeft: 1 }],
  [0x63c3, { kind: "wrong", triesLeft: 3 }, { kind: "left", triesLeft: 3 }],
  [0x63cf, { kind: "wrong", triesLeft: 15 }, { kind: "left", triesLeft: 15 }],
  [0x63c0, { kind: "blocked" }, { kind: "blocked" }],
  [0x6983, { kind: "blocked" }, { kind: "blocked" }],
  [0x6984, { kind: "blocked" }, { kind: "blocked" }],
])("%i", (sw, verify, tries) => {
  expect(verifyOutcome(sw)).toEqual(verify);
  expect(triesOutcome(sw)).toEqual(tries);
});

test("every other status word throws and keeps its number", () => {
  for (let sw = 0; sw <= 0xffff; sw++) {
    if (sw === 0x9000 || (sw >= 0x63c0 && sw <= 0x63cf) || sw === 0x6983 || sw === 0x6984) continue;
    for (const classify of [verifyOutcome, triesOutcome]) {
      let thrown: unknown;
      try {
        classify(sw);
      } catch (error) {
        thrown = error;
      }
      if (!(thrown instanceof CardStatusError) || thrown.statusWord !== sw) expect.fail(`${sw.toString(16)} passed`);
    }
  }
});
