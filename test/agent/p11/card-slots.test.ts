import { beforeAll, describe, expect, it } from "vitest";
import { fromHex } from "../../../lib/bytes.ts";
import { VirtualCard } from "../../../lib/virtual-card/card.ts";
import { createVirtualPki, type VirtualPki } from "../../../lib/virtual-card/pki.ts";
import { logIn, P11_READER, p11Desk, tokenIn } from "../../helpers/p11-desk.ts";
import { testPki } from "../../helpers/pki.ts";
import { foreignCard, tappedCard } from "../../helpers/tapped-card.ts";
import { until } from "../../helpers/until.ts";

let pki: VirtualPki;
let otherPki: VirtualPki;

beforeAll(async () => {
  [pki, otherPki] = await Promise.all([testPki(), createVirtualPki(new Date())]);
});

describe("CardSlots", () => {
  it("has one slot before any card, and shows a card's token once it is read", async () => {
    const desk = await p11Desk();
    expect(desk.slots.list()).toMatchObject([{ id: 1, key: "auth", token: undefined }]);
    const told: number[] = [];
    desk.slots.watch((id) => told.push(id));
    desk.transport.insert(P11_READER, new VirtualCard({ pki }));
    expect(tokenOf(desk)).toBeUndefined();
    await desk.registry.settled();
    expect(told).toEqual([1]);
    const token = tokenIn(desk);
    expect(token.certificate()).toEqual(pki.authCertificate);
    expect(token.caCertificate()).toEqual(pki.authCaCertificate);
    expect(token.tries()).toBe("all");
    expect(token.label).toMatch(/^My Number card [0-9a-f]{8}$/);
    expect(token.serial).toMatch(/^[0-9a-f]{15}A$/);
    await desk.close();
  });

  it("gives a card that comes back its slot, with another token; another card gets another slot", async () => {
    const [first, second] = [new VirtualCard({ pki }), new VirtualCard({ pki: otherPki })];
    const desk = await p11Desk({ cards: [first] });
    const before = tokenIn(desk);
    const told: number[] = [];
    const stop = desk.slots.watch((id) => told.push(id));
    desk.transport.remove(P11_READER);
    expect([told, tokenOf(desk)]).toEqual([[1], undefined]);
    desk.transport.insert(P11_READER, second);
    await desk.registry.settled();
    expect(desk.slots.list().map(({ id, token }) => [id, token !== undefined])).toEqual([
      [1, false],
      [2, true],
    ]);
    desk.transport.remove(P11_READER);
    desk.transport.insert(P11_READER, first);
    await desk.registry.settled();
    expect(told).toEqual([1, 2, 2, 1]);
    expect(tokenIn(desk)).not.toBe(before);
    expect(tokenIn(desk).serial).toBe(before.serial);
    stop();
    desk.transport.remove(P11_READER);
    expect(told).toHaveLength(4);
    await desk.close();
  });

  it("shows one card on two readers once, and no other kind of card at all", async () => {
    const desk = await p11Desk({ cards: [new VirtualCard({ pki }), new VirtualCard({ pki })] });
    expect(desk.slots.list().map(({ token }) => token !== undefined)).toEqual([true]);
    const before = tokenIn(desk);
    desk.transport.remove(P11_READER);
    expect(tokenIn(desk), "the same card on the other reader").not.toBe(before);
    desk.transport.insert(P11_READER, foreignCard());
    await desk.registry.settled();
    expect(desk.slots.list()).toHaveLength(1);
    await desk.close();
  });

  it("has the signature key in a slot of its own where that is wanted, without its certificate", async () => {
    const desk = await p11Desk({ cards: [new VirtualCard({ pki })], signatureKey: true });
    expect(desk.slots.list().map(({ id, key }) => [id, key])).toEqual([
      [1, "auth"],
      [2, "sign"],
    ]);
    const sign = tokenIn(desk, 2);
    expect([sign.certificate(), sign.caCertificate(), sign.asksEachTime]).toEqual([undefined, undefined, true]);
    expect(tokenIn(desk).asksEachTime).toBe(false);
    expect(sign.label).toBe(`${tokenIn(desk).label} (sign)`);
    expect(new TextEncoder().encode(sign.label).length).toBeLessThanOrEqual(32);
    expect(sign.serial).not.toBe(tokenIn(desk).serial);
    expect(sign.serial).toHaveLength(16);
    await desk.close();
  });

  it("shows a phone's certificate after its login, in the same token and slot", async () => {
    const desk = await p11Desk({ cards: [new VirtualCard({ pki, profile: "phone" })] });
    const token = tokenIn(desk);
    expect([token.certificate(), token.label, token.serial]).toEqual([undefined, "My Number phone", "phoneA"]);
    const login = await logIn(token);
    expect(token.certificate()).toEqual(pki.authCertificate);
    expect(token.caCertificate()).toEqual(pki.authCaCertificate);
    expect(token.label).toMatch(/^My Number phone [0-9a-f]{8}$/);
    expect(tokenIn(desk)).toBe(token);
    expect(desk.prompt.shown).toHaveLength(1);
    expect(await login.sign("pkcs1", Uint8Array.of(1), "CKM_RSA_PKCS", new AbortController().signal)).toHaveLength(256);
    await desk.close();
  });

  it("keeps to sixteen cards: the next one takes the slot of the one that left first", async () => {
    const desk = await p11Desk();
    for (let n = 0; n <= 16; n++) {
      if (n > 0) desk.transport.remove(P11_READER);
      desk.transport.insert(P11_READER, new VirtualCard({ pki: anotherCard(n) }));
      await desk.registry.settled();
    }
    expect(desk.slots.list().map(({ token }) => token !== undefined)).toEqual([true, ...new Array(15).fill(false)]);
    await desk.close();
  });

  it("reads certificates, tries and PSS in the one session that reads the card, and asks for PSS once", async () => {
    const card = new VirtualCard({ pki });
    const desk = await p11Desk({ cards: [card] });
    await until("the card is without power", () => !card.powered);
    expect(card.log.map(({ command, sw }) => [command.slice(3, 14), sw])).toEqual([
      ["A4 04 0C 0A", 0x6f00],
      ["A4 04 0C 0A", 0x9000],
      ["B0 8A 00 00", 0x9000],
      ["B0 8B 00 00", 0x9000],
      ["2A 04 97 20", 0x6982],
      ["20 00 98", 0x63c3],
    ]);
    expect(desk.known).toMatchObject([{ pss: true }]);
    desk.transport.remove(P11_READER);
    desk.transport.insert(P11_READER, card);
    await desk.registry.settled();
    expect(card.log.filter(({ command }) => command.startsWith("80 2A"))).toHaveLength(1);
    expect(tokenIn(desk).pss()).toBe(true);
    await desk.close();
  });

  it.each([
    ["its CA's certificate", 3, "6a82"],
    ["its CA's certificate, with a failure", 3, "6400"],
    ["its tries", 5, "6400"],
  ])("uses a card that does not tell %s", async (_, at, sw) => {
    const card = tappedCard(new VirtualCard({ pki }), {
      onCommand: (i) => (i === at || i === at + 1 ? fromHex(sw) : undefined),
    });
    const desk = await p11Desk({ cards: [card] });
    expect(tokenIn(desk).certificate()).toEqual(pki.authCertificate);
    expect(tokenIn(desk).caCertificate()).toEqual(at === 3 ? undefined : pki.authCaCertificate);
    await desk.close();
  });
});

/** The same key in certificates that differ in their signature: other cards, as far as slots go. */
function anotherCard(n: number): VirtualPki {
  const authCertificate = new Uint8Array(pki.authCertificate);
  authCertificate[authCertificate.length - 1] = n;
  return { ...pki, authCertificate };
}

function tokenOf(desk: Awaited<ReturnType<typeof p11Desk>>) {
  return desk.slots.list()[0]?.token;
}
