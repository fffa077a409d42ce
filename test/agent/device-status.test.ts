import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type DeviceStatusParts, readDeviceStatus } from "../../agent/device-status.ts";
import { PcscError } from "../../lib/errors.ts";
import { VirtualCard } from "../../lib/virtual-card/card.ts";
import type { ProfileName } from "../../lib/virtual-card/profiles.ts";
import { type CardKeysSetUp, READER, setUpCardKeys } from "../helpers/card-keys.ts";
import { deferred } from "../helpers/deferred.ts";
import { testPki } from "../helpers/pki.ts";
import { foreignCard, tappedCard } from "../helpers/tapped-card.ts";

const pki = await testPki();
const NEVER = new AbortController().signal;
let close: () => Promise<void> = async () => {};
afterEach(() => close());

async function setUp(options: CardKeysSetUp) {
  const made = await setUpCardKeys(options);
  close = made.close;
  const parts: DeviceStatusParts = { ...made, known: { list: () => made.known } };
  return { ...made, status: () => readDeviceStatus(parts, NEVER) };
}

describe.each(["card", "old", "phone", "t0"] as const)("the profile %s", (profile: ProfileName) => {
  it("tells tries left and dates, and costs no try", async () => {
    const card = new VirtualCard({ pki, profile });
    card.setTries("auth", 2);
    const { status } = await setUp({ cards: [card] });
    const { readers, cards } = await status();
    expect(readers).toEqual([{ name: READER, state: "present" }]);
    const text = profile === "phone" ? undefined : 3;
    expect(cards).toMatchObject([
      { state: profile === "phone" ? "hidden" : "ready", reader: READER, triesLeft: { auth: 2, sign: 5, text } },
    ]);
    expect(cards[0]?.notAfter === undefined).toBe(profile === "phone");
    expect(card.pinAttempts).toBe(0);
    expect(card.powered).toBe(false);
  });

  it("tells of a blocked PIN", async () => {
    const card = new VirtualCard({ pki, profile });
    card.setTries("auth", 0);
    const { status } = await setUp({ cards: [card] });
    expect((await status()).cards).toMatchObject([{ triesLeft: { auth: 0 } }]);
  });
});

describe("a card that", () => {
  it("was logged in to: the PIN is remembered, and the session ends", async () => {
    const card = new VirtualCard({ pki });
    const { status, keys } = await setUp({ cards: [card] });
    const [key] = keys.list();
    const purpose = { kind: "command", command: "test" } as const;
    await keys.sign(key?.id ?? "", new Uint8Array(51), { purpose, signal: NEVER });
    expect(card.isVerified("auth")).toBe(true);
    expect((await status()).cards).toMatchObject([{ state: "ready", pinRemembered: true, triesLeft: { auth: 3 } }]);
    expect(card.isVerified("auth")).toBe(false);
  });

  it("is none of ours", async () => {
    const { transport, status } = await setUp({});
    transport.addReader(READER);
    transport.insert(READER, foreignCard());
    expect((await status()).cards).toEqual([{ state: "not-jpki", reader: READER }]);
  });

  it("was seen before and is away", async () => {
    const { transport, status } = await setUp({ cards: [new VirtualCard({ pki })] });
    const [here] = (await status()).cards;
    transport.remove(READER);
    const { readers, cards } = await status();
    expect(readers).toEqual([{ name: READER, state: "empty" }]);
    const { id, comment, fingerprint } = here ?? {};
    expect(cards).toEqual([{ state: "away", kind: "card", id, comment, fingerprint }]);
  });

  it("is pulled out in the middle is told with its fault", async () => {
    const card = new VirtualCard({ pki });
    let pull = false;
    const { transport, status } = await setUp({});
    transport.addReader(READER);
    const onCommand = () => {
      if (pull) transport.remove(READER);
      return undefined;
    };
    transport.insert(READER, tappedCard(card, { onCommand }));
    await status();
    pull = true;
    const [read] = (await status()).cards;
    expect(read?.state).toBe("unreadable");
    expect(read?.fault?.code).toMatch(/^CARD_(?:RESET|ABSENT)$/);
  });
});

it("tells why PC/SC cannot be used, as soon as that is known", async () => {
  const { registry, remembered } = await setUp({});
  const asked = deferred<never>();
  let fault: PcscError | undefined;
  const transport = { binding: "pcsc-mini", slots: () => [], fault: () => fault, ready: () => asked.promise };
  const status = readDeviceStatus({ transport, registry, remembered, known: { list: () => [] } }, NEVER);
  await delay(1);
  fault = new PcscError("PCSC_UNAVAILABLE", "the service is there, but does not answer");
  asked.reject(fault);
  expect(await status).toMatchObject({ fault: { code: "PCSC_UNAVAILABLE" }, cards: [] });
});
