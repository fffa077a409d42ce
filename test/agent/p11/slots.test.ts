import { describe, expect, it } from "vitest";
import {
  CK_UNAVAILABLE_INFORMATION,
  CKF_DONT_BLOCK,
  CKF_HW_SLOT,
  CKF_LOGIN_REQUIRED,
  CKF_PROTECTED_AUTHENTICATION_PATH,
  CKF_REMOVABLE_DEVICE,
  CKF_TOKEN_INITIALIZED,
  CKF_TOKEN_PRESENT,
  CKF_USER_PIN_COUNT_LOW,
  CKF_USER_PIN_FINAL_TRY,
  CKF_USER_PIN_INITIALIZED,
  CKF_USER_PIN_LOCKED,
  CKF_WRITE_PROTECTED,
  CKR_CRYPTOKI_NOT_INITIALIZED,
  CKR_NO_EVENT,
  CKR_SLOT_ID_INVALID,
  CKR_TOKEN_NOT_PRESENT,
} from "../../../lib/p11/constants.ts";
import { setUpFace } from "../../helpers/fake-p11-program.ts";
import { FakeSlots, FakeToken } from "../../helpers/fake-p11-tokens.ts";
import { testPki } from "../../helpers/pki.ts";

const pki = await testPki();
const ZERO = { major: 0, minor: 0 };
const FLAGS =
  CKF_WRITE_PROTECTED |
  CKF_LOGIN_REQUIRED |
  CKF_USER_PIN_INITIALIZED |
  CKF_PROTECTED_AUTHENTICATION_PATH |
  CKF_TOKEN_INITIALIZED;

function setUp() {
  const slots = new FakeSlots(new FakeToken(pki), undefined);
  return { slots, ...setUpFace(slots) };
}

it("C_GetInfo tells PKCS #11 2.40 and our version", async () => {
  const [cryptoki, manufacturer, flags, description, library] = await setUp().program().call("C_GetInfo");
  expect(cryptoki).toEqual({ major: 2, minor: 40 });
  expect(flags).toBe(0);
  expect(library).toEqual({ major: 1, minor: 2 });
  for (const text of [manufacturer, description]) expect(text.length).toBeLessThanOrEqual(32);
});

describe("C_GetSlotList", () => {
  it("lists all slots, or those with a card", async () => {
    const { slots, program: start } = setUp();
    const program = start();
    expect(await program.call("C_GetSlotList", 0, 10)).toEqual([[1, 2]]);
    expect(await program.call("C_GetSlotList", 1, 10)).toEqual([[1]]);
    slots.put(1, undefined);
    expect(await program.call("C_GetSlotList", 1, 10)).toEqual([[]]);
    slots.put(2, new FakeToken(pki));
    expect(await program.call("C_GetSlotList", 1, 10)).toEqual([[2]]);
  });

  it("tells how many there are where they do not fit", async () => {
    const program = setUp().program();
    for (const room of [0, 1]) expect(await program.call("C_GetSlotList", 0, room)).toEqual([{ needed: 2 }]);
    expect(await program.call("C_GetSlotList", 0, 2)).toEqual([[1, 2]]);
  });
});

describe("C_GetSlotInfo", () => {
  it("is there with a card and without", async () => {
    const { slots, program: start } = setUp();
    const program = start();
    const flags = async (slotId: number) => (await program.call("C_GetSlotInfo", slotId))[2];
    const present = CKF_TOKEN_PRESENT | CKF_REMOVABLE_DEVICE | CKF_HW_SLOT;
    expect([await flags(1), await flags(2)]).toEqual([present, present & ~CKF_TOKEN_PRESENT]);
    slots.put(1, undefined);
    slots.put(2, new FakeToken(pki));
    expect([await flags(1), await flags(2)]).toEqual([present & ~CKF_TOKEN_PRESENT, present]);
    for (const slotId of [0, 3, Number.POSITIVE_INFINITY])
      expect(await program.rv("C_GetSlotInfo", slotId)).toBe(CKR_SLOT_ID_INVALID);
  });

  it("texts fit their fields", async () => {
    const { slots, program: start } = setUp();
    slots.addSlot("sign", undefined);
    for (const slotId of [1, 3]) {
      const [description, manufacturer] = await start().call("C_GetSlotInfo", slotId);
      expect(description.length).toBeLessThanOrEqual(64);
      expect(manufacturer.length).toBeLessThanOrEqual(32);
    }
  });
});

describe("C_GetTokenInfo", () => {
  it("tells of the card, and of the program's own sessions", async () => {
    const { program: start } = setUp();
    const program = start();
    await program.open();
    await program.openReadWrite();
    await start().open();
    expect(await program.call("C_GetTokenInfo", 1)).toEqual([
      "My Number card 01234567",
      expect.any(String),
      expect.any(String),
      "0123456789abcdef",
      FLAGS,
      256,
      2,
      256,
      1,
      4,
      4,
      ...Array(4).fill(CK_UNAVAILABLE_INFORMATION),
      ZERO,
      ZERO,
      "",
    ]);
  });

  it("wants a slot, and a card in it", async () => {
    const program = setUp().program();
    expect(await program.rv("C_GetTokenInfo", 2)).toBe(CKR_TOKEN_NOT_PRESENT);
    expect(await program.rv("C_GetTokenInfo", 3)).toBe(CKR_SLOT_ID_INVALID);
  });

  it("the signature key's password has 6 to 16 characters", async () => {
    const slots = new FakeSlots();
    slots.addSlot("sign", new FakeToken(pki, { key: "sign" }));
    const info = await setUpFace(slots).program().call("C_GetTokenInfo", 1);
    expect(info.slice(9, 11)).toEqual([16, 6]);
  });

  it.each([
    ["unknown", 0],
    ["all", 0],
    ["fewer", CKF_USER_PIN_COUNT_LOW],
    ["last", CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY],
    ["none", CKF_USER_PIN_LOCKED],
  ] as const)("tries left: %s", async (tries, flags) => {
    const info = await setUpFace(new FakeSlots(new FakeToken(pki, { tries })))
      .program()
      .call("C_GetTokenInfo", 1);
    expect(info[4]).toBe(FLAGS | flags);
  });
});

describe("C_WaitForSlotEvent", () => {
  it("without waiting: each change once, of any slot", async () => {
    const { slots, program: start } = setUp();
    const program = start();
    const take = () => program.rv("C_WaitForSlotEvent", CKF_DONT_BLOCK);
    expect(await take()).toBe(CKR_NO_EVENT);
    slots.put(2, new FakeToken(pki));
    slots.put(1, undefined);
    slots.put(1, new FakeToken(pki));
    expect(await program.call("C_WaitForSlotEvent", CKF_DONT_BLOCK)).toEqual([2]);
    expect(await program.call("C_WaitForSlotEvent", CKF_DONT_BLOCK)).toEqual([1]);
    expect(await take()).toBe(CKR_NO_EVENT);
  });

  it("what happened before the program came is nothing to it; each program gets its own", async () => {
    const { slots, program: start } = setUp();
    const early = start();
    slots.put(1, undefined);
    const late = start();
    expect(await late.rv("C_WaitForSlotEvent", CKF_DONT_BLOCK)).toBe(CKR_NO_EVENT);
    slots.put(2, new FakeToken(pki));
    expect(await late.call("C_WaitForSlotEvent", CKF_DONT_BLOCK)).toEqual([2]);
    expect(await early.call("C_WaitForSlotEvent", CKF_DONT_BLOCK)).toEqual([1]);
    expect(await early.call("C_WaitForSlotEvent", CKF_DONT_BLOCK)).toEqual([2]);
  });

  it("waits for a change, while other calls are answered", async () => {
    const { slots, program: start } = setUp();
    const program = start();
    const event = program.call("C_WaitForSlotEvent", 0);
    expect(await program.call("C_GetSlotList", 1, 10)).toEqual([[1]]);
    slots.put(2, new FakeToken(pki));
    expect(await event).toEqual([2]);
    expect(await program.rv("C_WaitForSlotEvent", CKF_DONT_BLOCK)).toBe(CKR_NO_EVENT);
  });

  it("gives at once what happened before; two that wait get one change each", async () => {
    const { slots, program: start } = setUp();
    const program = start();
    slots.put(1, undefined);
    expect(await program.call("C_WaitForSlotEvent", 0)).toEqual([1]);
    const both = [program.call("C_WaitForSlotEvent", 0), program.call("C_WaitForSlotEvent", 0)];
    slots.put(2, new FakeToken(pki));
    slots.put(1, new FakeToken(pki));
    expect(await Promise.all(both)).toEqual([[2], [1]]);
  });

  it("ends with C_Finalize, and when the program hangs up", async () => {
    const program = setUp().program();
    const waiting = [program.rv("C_WaitForSlotEvent", 0), program.rv("C_WaitForSlotEvent", 0)];
    program.end();
    expect(await Promise.all(waiting)).toEqual([CKR_CRYPTOKI_NOT_INITIALIZED, CKR_CRYPTOKI_NOT_INITIALIZED]);
    expect(await program.rv("C_WaitForSlotEvent", 0)).toBe(CKR_CRYPTOKI_NOT_INITIALIZED);
  });
});

it("a card that comes back is seen where the program asks again", async () => {
  const { slots, program: start } = setUp();
  const program = start();
  await program.loggedIn();
  slots.put(1, undefined);
  expect(await program.rv("C_GetTokenInfo", 1)).toBe(CKR_TOKEN_NOT_PRESENT);
  const token = new FakeToken(pki);
  slots.put(1, token);
  expect((await program.call("C_GetTokenInfo", 1)).slice(5, 9)).toEqual([256, 0, 256, 0]);
  await program.loggedIn();
  expect(token.asked).toHaveLength(1);
});
