/** Sessions on a scripted card, with a clock that the test moves. */

import { fromHex, utf8 } from "../../lib/bytes.ts";
import type { JpkiApplication } from "../../lib/card/jpki.ts";
import { CardSession, type CardSessionOptions } from "../../lib/card/session.ts";
import { PcscError } from "../../lib/errors.ts";
import { Pin } from "../../lib/pin/pin.ts";
import { deferred } from "./deferred.ts";
import { FakeClock } from "./fake-clock.ts";
import { SCRIPTED_SLOT, type ScriptedConnect, ScriptedTransport, type Step } from "./scripted-card.ts";

export const SELECT: Step = ["00a4040c0ad392f000260100000001", "9000"];
export const QUERY: Step = ["00200098", "63c3"];
export const VERIFY: Step = ["002000980431323334", "9000"];
export const SIGN: Step = ["802a009702010200", `${"5a".repeat(256)}9000`];
export const LOGIN: readonly Step[] = [SELECT, QUERY, VERIFY, SIGN];

export const reset = () => new PcscError("CARD_RESET", "the card was reset");
export const sign = (jpki: JpkiApplication) => jpki.sign("auth", fromHex("0102"));
export const query = (jpki: JpkiApplication) => jpki.pin("auth").triesLeft();

export async function login(jpki: JpkiApplication): Promise<number> {
  if (!jpki.pin("auth").isVerified) {
    await jpki.pin("auth").triesLeft();
    await jpki.pin("auth").verify(new Pin(utf8("1234")));
  }
  return (await sign(jpki)).length;
}

export function sessionOn(scripts: readonly ScriptedConnect[], options: Partial<CardSessionOptions> = {}) {
  const transport = new ScriptedTransport(...scripts);
  const clock = new FakeClock();
  const session = new CardSession({ transport, slot: SCRIPTED_SLOT, setTimer: clock.setTimer, ...options });
  return { transport, clock, session };
}

/** A step that waits: `reached` when its command has come, answered by `answer`. */
export function pausedStep([command, answer]: Step) {
  const reached = deferred<void>();
  const resume = deferred<void>();
  const step: Step = [
    command,
    async () => {
      reached.resolve();
      await resume.promise;
      if (answer instanceof Error) throw answer;
      return typeof answer === "string" ? answer : answer();
    },
  ];
  return { step, reached: reached.promise, resume: resume.resolve };
}
