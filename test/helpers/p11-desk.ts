/** The cards' side of the PKCS#11 face as the agent builds it, on cards in process and with a person made of answers. */

import { AgentLock } from "../../agent/agent-lock.ts";
import { openCards } from "../../agent/cards.ts";
import { P11Cards } from "../../agent/p11/p11-cards.ts";
import type { P11Login, P11Token } from "../../agent/p11/token.ts";
import type { PinCache } from "../../agent/remembered-pins.ts";
import type { CardKey } from "../../lib/card-key.ts";
import type { PssChoice } from "../../lib/config.ts";
import { type Pin, pinFromBytes } from "../../lib/pin/pin.ts";
import type { PinVault } from "../../lib/pin/vault.ts";
import type { SignatureEntry } from "../../lib/signature-entry.ts";
import type { EmulatedCard } from "../../lib/virtual-card/card.ts";
import { createVirtualTransport } from "../../lib/virtual-card/transport.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakePrompt } from "./fake-prompt.ts";
import { recordingLogger } from "./recording-logger.ts";

export const P11_READER = "reader A";

export interface P11DeskOptions {
  readonly cards?: readonly EmulatedCard[];
  /** What a person types in turn; `null` is a no. When they are used up: "1234", or "TEST1234" for the signature key. */
  readonly typed?: readonly (string | null)[];
  /** Whether a person says yes to each question whether to use the key; default: always. */
  readonly agrees?: () => boolean;
  readonly cache?: PinCache["mode"];
  readonly vault?: PinVault;
  readonly known?: CardKey[];
  readonly pss?: PssChoice;
  readonly signatureKey?: boolean;
  readonly confirm?: boolean;
  readonly ttlMs?: number;
  readonly maxSignatures?: number;
}

export async function p11Desk({
  cards = [],
  typed = [],
  agrees = () => true,
  cache = "session",
  vault,
  known = [],
  pss = "auto",
  signatureKey = false,
  confirm = false,
  ttlMs = 3_600_000,
  maxSignatures = 1000,
}: P11DeskOptions = {}) {
  const clock = new FakeClock();
  const answers = [...typed];
  const prompt = new FakePrompt(
    (question) => {
      if (question.kind === "confirm") return question.answer(agrees());
      const { pin } = question.request;
      const answer = answers.length > 0 ? answers.shift() : pin === "sign" ? "TEST1234" : "1234";
      try {
        question.answer(pinFromBytes(pin, new TextEncoder().encode(answer ?? "")));
      } catch (error) {
        question.fail(error);
      }
    },
    (question) => question.answer(agrees()),
  );
  const transport = createVirtualTransport({
    slots: [0, 1].map((i) => {
      const [card, reader] = [cards[i], i === 0 ? P11_READER : `reader ${i}`];
      return card === undefined ? { reader } : { reader, card };
    }),
  });
  const log = recordingLogger();
  const record: SignatureEntry[] = [];
  const store = {
    list: () => known,
    remember: async (key: CardKey) => {
      const at = known.findIndex(({ id }) => id === key.id);
      const { pss: before } = known[at] ?? {};
      known.splice(at < 0 ? known.length : at, 1, { ...key, pss: key.pss ?? before });
    },
  };
  const p11 = new P11Cards({
    ...{ pss, signatureKey, limits: { ttlMs, maxSignatures }, cacheMode: cache, known: store, log },
    ...{ now: clock.now, wallNow: clock.wallNow, setTimer: clock.setTimer },
    record: { add: (entry) => void record.push(entry) },
  });
  const opened = openCards(
    // Their times are the machine's: the clock is for logins alone.
    { transport, prompt, known: store, vault, log, now: () => performance.now() },
    { mode: cache, ttlMs: 3_600_000 },
    60_000,
    p11.hooks,
  );
  const lock = new AgentLock({ now: clock.now });
  const slots = p11.openSlots(opened, { lock, constraints: opened.constraints, confirm });
  opened.registry.start();
  await opened.registry.settled();
  const close = async () => {
    slots.close();
    await opened.close();
  };
  return { ...opened, close, transport, prompt, clock, log, record, p11, lock, slots, known };
}

export type P11Desk = Awaited<ReturnType<typeof p11Desk>>;

/** The token in the slot with this id. */
export function tokenIn({ slots }: Pick<P11Desk, "slots">, id = 1): P11Token {
  const token = slots.list().find((slot) => slot.id === id)?.token;
  if (token === undefined) throw new Error(`no token in slot ${id}`);
  return token;
}

/** A login by the program "curl (1234)". */
export function logIn(token: P11Token, pin?: Pin, signal = new AbortController().signal): Promise<P11Login> {
  return token.login(pin, { program: async () => "curl (1234)" }, signal);
}
