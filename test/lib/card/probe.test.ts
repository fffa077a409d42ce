import { describe, expect, it } from "vitest";
import { utf8 } from "../../../lib/bytes.ts";
import { CardChannel } from "../../../lib/card/exchange.ts";
import { createCardFeatures } from "../../../lib/card/features.ts";
import { JpkiApplication } from "../../../lib/card/jpki.ts";
import { type CardProbe, probeAfterPowerCut, probeCard, probeVerified } from "../../../lib/card/probe.ts";
import type { BeliefId, Observation } from "../../../lib/card/probe-notes.ts";
import type { CardConnection } from "../../../lib/card/transport.ts";
import { pinFromBytes } from "../../../lib/pin/pin.ts";
import { type EmulatedCard, VirtualCard } from "../../../lib/virtual-card/card.ts";
import type { ProfileName } from "../../../lib/virtual-card/profiles.ts";
import { createVirtualTransport } from "../../../lib/virtual-card/transport.ts";
import { testPki } from "../../helpers/pki.ts";
import { foreignCard, tappedCard } from "../../helpers/tapped-card.ts";

const pki = await testPki();
const PROFILE_NAMES: readonly ProfileName[] = ["card", "old", "phone", "t0"];

async function connect(card: EmulatedCard): Promise<CardConnection> {
  const transport = createVirtualTransport({ slots: [{ reader: "R", card }] });
  const [slot] = transport.slots();
  if (slot === undefined) throw new Error("no slot");
  return transport.connect(slot);
}

/** A clock that each look moves by one. */
function clock(): () => number {
  let ms = 0;
  return () => ms++;
}

const probe = async (card: EmulatedCard) => probeCard(await connect(card), clock());
const verdict = ({ observations }: { readonly observations: readonly Observation[] }, belief: BeliefId) =>
  observations.find((one) => one.belief === belief)?.verdict;

describe.each(PROFILE_NAMES)("the profile %s", (profile) => {
  it("is told by what it does, without a PIN and without a signature", async () => {
    const card = new VirtualCard({ pki, profile });
    const found = await probe(card);
    const is = (yes: boolean) => (yes ? "confirmed" : "refuted");
    const shortIds = profile !== "old";
    const phone = profile === "phone";
    expect({
      first: verdict(found, "first-command-6f00"),
      tries: verdict(found, "tries-query"),
      shortPin: verdict(found, "short-ef-pin"),
      shortRead: verdict(found, "short-ef-read"),
      shortSign: verdict(found, "short-ef-sign"),
      extended: verdict(found, "extended-le"),
      scheme: verdict(found, "scheme-02"),
      free: verdict(found, "auth-certificate-free"),
      guarded: verdict(found, "sign-certificate-guarded"),
      signGuarded: verdict(found, "sign-guarded"),
      text: verdict(found, "application-text"),
      token: verdict(found, "token-160-bytes"),
    }).toEqual({
      first: is(profile === "card" || phone),
      tries: "confirmed",
      shortPin: is(shortIds),
      shortRead: phone ? "not-tried" : is(shortIds),
      shortSign: is(shortIds),
      extended: profile === "card" ? "confirmed" : profile === "old" ? "refuted" : "not-tried",
      scheme: is(profile === "card"),
      free: is(!phone),
      guarded: "confirmed",
      signGuarded: "confirmed",
      text: is(!phone),
      token: "confirmed",
    });
    expect(found).toMatchObject({ protocol: profile === "t0" ? "T=0" : "T=1" });
    expect(found.tokenName).toBe(phone ? "JPKIAPGPSETOKEN" : "JPKIAPICCTOKEN2");
    expect([card.pinAttempts, card.signatures.auth, card.triesLeft]).toEqual([0, 0, { auth: 3, sign: 5, text: 3 }]);
  });

  it("after its PIN: what a verified card does, and what the loss of power clears", async () => {
    const card = new VirtualCard({ pki, profile });
    const connection = await connect(card);
    const channel = new CardChannel(connection);
    const jpki = await JpkiApplication.select(channel, createCardFeatures());
    await jpki.pin("auth").triesLeft();
    await jpki.pin("auth").verify(pinFromBytes("auth", utf8("1234")));
    const found = await probeVerified(channel, true, clock());
    expect(verdict(found, "query-after-verify")).toBe(profile === "old" ? "confirmed" : "refuted");
    expect(verdict(found, "sign-256-bytes")).toBe("confirmed");
    expect(verdict(found, "sign-sha512")).toBe("confirmed");
    expect(verdict(found, "short-ef-same-signature")).toBe(profile === "old" ? "not-tried" : "confirmed");
    expect(verdict(found, "select-keeps-verified")).toBe("confirmed");
    await connection.end();
    expect(await probeAfterPowerCut(await connect(card), clock())).toMatchObject([
      { verdict: "confirmed", seen: "6982" },
    ]);
    expect(card.pinAttempts).toBe(1);
  });
});

it("without a yes to signatures makes none", async () => {
  const card = new VirtualCard({ pki });
  const channel = new CardChannel(await connect(card));
  const jpki = await JpkiApplication.select(channel, createCardFeatures());
  await jpki.pin("auth").verify(pinFromBytes("auth", utf8("1234")));
  const { observations } = await probeVerified(channel, false, clock());
  expect(observations.map(({ belief }) => belief)).toEqual(["query-after-verify"]);
  expect(card.signatures.auth).toBe(0);
});

it("holds nothing of the holder: neither a certificate nor a serial number", async () => {
  const text = JSON.stringify(await probe(new VirtualCard({ pki })));
  expect(text).not.toMatch(/3082[0-9a-f]{8}|JPKI for|serial/i);
  expect(text.length).toBeLessThan(8000);
});

it("another card is told to be one, with no command beyond SELECT", async () => {
  const commands: number[] = [];
  const card = tappedCard(foreignCard(), {
    onCommand: (_index, command) => {
      commands.push(command[1] ?? 0);
      return undefined;
    },
  });
  const found: CardProbe = await probe(card);
  expect(verdict(found, "application-jpki")).toBe("refuted");
  expect(new Set(commands)).toEqual(new Set([0xa4]));
});

it("ends with an error of the card's when it is pulled out, at every command", async () => {
  const whole = new VirtualCard({ pki });
  await probe(whole);
  for (let at = 0; at < whole.log.length; at++) {
    const transport = createVirtualTransport({ slots: [{ reader: "R" }] });
    const onCommand = (index: number) => {
      if (index === at) transport.remove("R");
      return undefined;
    };
    transport.insert("R", tappedCard(new VirtualCard({ pki }), { onCommand }));
    const [slot] = transport.slots();
    if (slot === undefined) throw new Error("no slot");
    const connection = await transport.connect(slot);
    await expect(probeCard(connection, clock()), `at ${at}`).rejects.toMatchObject({ code: "CARD_RESET" });
  }
});
