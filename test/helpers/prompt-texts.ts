/** Words for prompts in tests: short, and different for each field. */

import type { PromptTexts } from "../../lib/pin/prompt.ts";

export const fakeTexts: PromptTexts = {
  title: "The title",
  buttons: { ok: "The OK", cancel: "The cancel", yes: "The yes", no: "The no" },
  pin: ({ card, triesLeft, previous }) => ({
    warning: previous ?? "",
    text: `質問 "$card" ${card}\n${triesLeft} tries`,
  }),
  pinLabel: () => "PIN",
  confirm: () => ({ warning: "", text: "The last try?" }),
  placeCard: ({ card, otherCard }) => ({ warning: otherCard ? "another" : "", text: `Place ${card}` }),
};
