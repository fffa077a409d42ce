import { describe, expect, it } from "vitest";
import { checkCards } from "../../../cli/doctor/card.ts";
import { checkCertificates } from "../../../cli/doctor/certificate.ts";
import { checkPins } from "../../../cli/doctor/pins.ts";
import { checkReaders } from "../../../cli/doctor/readers.ts";
import type { CardStatus, DeviceStatus } from "../../../lib/agent-status.ts";

const FAULT = { code: "CARD_BUSY", message: "busy", details: {} } as const;
const READY: CardStatus = { state: "ready", reader: "R", comment: "C", triesLeft: { auth: 3, sign: 5, text: 3 } };
const devices = (...cards: readonly CardStatus[]): DeviceStatus => ({
  readers: [{ name: "R", state: "present" }],
  cards,
});
const brief = (found: readonly { id: string; level: string }[]) => found.map(({ id, level }) => `${id} ${level}`);

describe("checkReaders", () => {
  it.each([
    [undefined, ["reader-unknown skipped"]],
    [{ fault: FAULT, readers: [], cards: [] }, ["pcsc-fault fail", "reader-unknown skipped"]],
    [{ readers: [], cards: [] }, ["pcsc-works ok", "reader-none fail"]],
    [devices(), ["pcsc-works ok", "reader-some ok"]],
  ] as const)("%j", (status, expected) => {
    expect(brief(checkReaders(status, []))).toEqual(expected);
  });
});

it("no reader, but some on USB: says which", () => {
  const found = checkReaders({ readers: [], cards: [] }, ["SCR3310", "ACR39U"]);
  expect(found).toContainEqual(expect.objectContaining({ facts: { usbReaders: ["SCR3310", "ACR39U"] } }));
});

describe("checkCards", () => {
  it.each([
    [undefined, ["card-unknown skipped"]],
    [{ readers: [], cards: [] }, ["card-unknown skipped"]],
    [devices(), ["card-none fail"]],
    [devices({ state: "away", comment: "C" }), ["card-none fail"]],
    [devices(READY), ["card-ready ok"]],
    [devices({ state: "hidden", reader: "R" }), ["card-hidden ok"]],
    [devices({ state: "not-jpki", reader: "R" }), ["card-foreign fail"]],
    [devices({ state: "unreadable", reader: "R", fault: FAULT }), ["card-unreadable fail"]],
    [devices({ state: "not-jpki", reader: "Q" }, READY), ["card-foreign warn", "card-ready ok"]],
    [{ readers: [{ name: "R", state: "mute" }], cards: [] }, ["card-mute fail"]],
  ] as const)("%j: %j", (status, expected) => {
    expect(brief(checkCards(status))).toEqual(expected);
  });

  it("does not let a reader's name repaint the screen", () => {
    const [found] = checkCards(devices({ state: "not-jpki", reader: "R\u001b[2J" }));
    expect(JSON.stringify(found?.facts)).not.toContain("u001b");
  });
});

describe("checkPins", () => {
  it.each([
    [{ auth: 3, sign: 5, text: 3 }, ["tries-left ok", "tries-left ok", "tries-left ok"]],
    [{ auth: 3 }, ["tries-left ok"]],
    [{ auth: 1, sign: 5 }, ["tries-low warn", "tries-left ok"]],
    [{ auth: 0, sign: 0 }, ["tries-blocked fail", "tries-blocked warn"]],
    [{}, []],
  ] as const)("%j: %j", (triesLeft, expected) => {
    expect(brief(checkPins(devices({ ...READY, triesLeft })))).toEqual(expected);
  });
});

describe("checkCertificates", () => {
  const certificate = { notBefore: "2026-01-01T00:00:00.000Z", notAfter: "2030-05-31T12:00:00.000Z" };

  it.each([
    ["2027-01-01", "certificate-valid ok"],
    ["2030-03-01", "certificate-renewable warn"],
    ["2030-06-01", "certificate-expired fail"],
    ["2025-01-01", "certificate-early fail"],
  ])("on %s: %s", (now, expected) => {
    const found = checkCertificates(devices({ ...READY, ...certificate }), new Date(now));
    expect(brief(found)).toEqual([expected]);
  });

  it("says nothing of dates that are not known", () => {
    expect(checkCertificates(devices(READY), new Date())).toEqual([]);
  });
});
