import { describe, expect, it } from "vitest";
import { TypedPin } from "../../agent/typed-pin.ts";
import { spyPin } from "../helpers/spy-pin.ts";

const CARD = { key: { id: "card", kind: "card" }, insertion: 1 } as const;
const BACK = { ...CARD, insertion: 2 };

describe("TypedPin", () => {
  it("is for the same card when it comes back, with the tries that the person saw", () => {
    const typed = new TypedPin();
    typed.keep(CARD, spyPin("1234"), 3, 0);
    expect(typed.sourceFor(BACK, 0)).toMatchObject({ kind: "typed", triesLeft: 3 });
    expect(typed.sourceFor({ ...BACK, key: { id: "other", kind: "card" } }, 0)).toBeUndefined();
  });

  it("is not sent again to a card that does not tell its tries: it may have been wrong", () => {
    const typed = new TypedPin();
    typed.keep(CARD, spyPin("1234"), undefined, 0);
    expect(typed.sourceFor(BACK, 0)).toBeUndefined();
  });
});
