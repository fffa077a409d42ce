import { describe, expect, it } from "vitest";
import { type ErrorCode, JpkiError, PinError } from "../../../lib/errors.ts";
import {
  CKO_PRIVATE_KEY,
  CKR_DEVICE_ERROR,
  CKR_DEVICE_REMOVED,
  CKR_FUNCTION_CANCELED,
  CKR_FUNCTION_FAILED,
  CKR_FUNCTION_REJECTED,
  CKR_OK,
  CKR_OPERATION_NOT_INITIALIZED,
  CKR_PIN_INCORRECT,
  CKR_PIN_INVALID,
  CKR_PIN_LEN_RANGE,
  CKR_PIN_LOCKED,
  CKR_USER_ALREADY_LOGGED_IN,
  CKR_USER_NOT_LOGGED_IN,
  CKR_USER_TYPE_INVALID,
  CKS_RO_PUBLIC_SESSION,
  CKS_RO_USER_FUNCTIONS,
  CKU_CONTEXT_SPECIFIC,
  CKU_SO,
  CKU_USER,
} from "../../../lib/p11/constants.ts";
import { setUpFace } from "../../helpers/fake-p11-program.ts";
import { FakeSlots, FakeToken, type FakeTokenOptions } from "../../helpers/fake-p11-tokens.ts";
import { testPki } from "../../helpers/pki.ts";
import { recordingLogger } from "../../helpers/recording-logger.ts";

const pki = await testPki();

function setUp(options: FakeTokenOptions = {}) {
  const token = new FakeToken(pki, options);
  const slots = new FakeSlots(token);
  return { token, slots, ...setUpFace(slots) };
}

describe("C_Login", () => {
  it("without a PIN the agent asks, for this program", async () => {
    const { token, program: start } = setUp();
    const program = start({ program: async () => "curl (42)" });
    const session = await program.open();
    expect(await program.login(session)).toBe(CKR_OK);
    expect(token.asked.map(({ digits }) => digits)).toEqual([undefined]);
    expect(await token.asked[0]?.who.program()).toBe("curl (42)");
    expect(await program.state(session)).toBe(CKS_RO_USER_FUNCTIONS);
  });

  it("an empty PIN is none", async () => {
    const { token, program: start } = setUp();
    const program = start();
    expect(await program.login(await program.open(), "")).toBe(CKR_OK);
    expect(token.asked.map(({ digits }) => digits)).toEqual([undefined]);
  });

  it("a PIN of the program is taken, and its bytes are wiped", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const pin = new TextEncoder().encode("1234");
    expect(await program.rv("C_Login", await program.open(), CKU_USER, pin)).toBe(CKR_OK);
    expect(token.asked.map(({ digits }) => digits)).toEqual(["1234"]);
    expect(pin).toEqual(new Uint8Array(4));
  });

  it.each([
    ["123", CKR_PIN_LEN_RANGE],
    ["12345", CKR_PIN_LEN_RANGE],
    ["1".repeat(300), CKR_PIN_LEN_RANGE],
    ["12a4", CKR_PIN_INVALID],
    ["\n", CKR_PIN_LEN_RANGE],
  ])("%j cannot be a PIN and goes nowhere", async (digits, rv) => {
    const { token, program: start } = setUp();
    const log = recordingLogger();
    const program = start({ log });
    const pin = new TextEncoder().encode(digits);
    expect(await program.rv("C_Login", await program.open(), CKU_USER, pin)).toBe(rv);
    expect(token.asked).toEqual([]);
    expect(pin.every((byte) => byte === 0)).toBe(true);
    expect(log.lines).toHaveLength(1);
    expect(JSON.stringify(log.lines)).not.toContain(JSON.stringify(digits).slice(1, -1));
  });

  it("the signature key's password has its own form", async () => {
    const token = new FakeToken(pki, { key: "sign" });
    const slots = new FakeSlots();
    slots.addSlot("sign", token);
    const program = setUpFace(slots).program();
    const session = await program.open();
    expect(await program.login(session, "1234")).toBe(CKR_PIN_LEN_RANGE);
    expect(await program.login(session, "ABC-123")).toBe(CKR_PIN_INVALID);
    expect(await program.login(session, "abc123")).toBe(CKR_OK);
    expect(token.asked.map(({ digits }) => digits)).toEqual(["ABC123"]);
  });

  it.each([CKU_SO, 3, Number.POSITIVE_INFINITY])("user type %d is none here", async (user) => {
    const { token, program: start } = setUp();
    const program = start();
    expect(await program.rv("C_Login", await program.open(), user, undefined)).toBe(CKR_USER_TYPE_INVALID);
    expect(token.asked).toEqual([]);
  });

  it("a second one is told so, in any session", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const { session } = await program.loggedIn();
    const other = await program.openReadWrite();
    expect(await program.login(session)).toBe(CKR_USER_ALREADY_LOGGED_IN);
    expect(await program.login(other, "1234")).toBe(CKR_USER_ALREADY_LOGGED_IN);
    expect(token.asked).toHaveLength(1);
  });

  it("is nothing to other programs, nor to other cards", async () => {
    const { slots, program: start } = setUp();
    slots.addSlot("auth", new FakeToken(pki));
    const one = start();
    await one.loggedIn();
    const other = start();
    expect(await other.state(await other.open())).toBe(CKS_RO_PUBLIC_SESSION);
    expect(await one.state(await one.open(2))).toBe(CKS_RO_PUBLIC_SESSION);
  });

  it.each<[ErrorCode, number]>([
    ["PIN_WRONG", CKR_PIN_INCORRECT],
    ["PIN_BLOCKED", CKR_PIN_LOCKED],
    ["PIN_CANCELLED", CKR_FUNCTION_CANCELED],
    ["PIN_FORMAT", CKR_PIN_INVALID],
    ["PIN_PROTECTED", CKR_FUNCTION_REJECTED],
    ["PIN_NO_PROMPT", CKR_FUNCTION_FAILED],
    ["CARD_ABSENT", CKR_DEVICE_REMOVED],
    ["CARD_BUSY", CKR_DEVICE_ERROR],
    ["CARD_STATUS", CKR_DEVICE_ERROR],
    ["POLICY_REFUSED", CKR_FUNCTION_REJECTED],
  ])("%s is CK_RV %d", async (code, rv) => {
    const { token, program: start } = setUp();
    const program = start();
    token.failNext = new JpkiError(code, "login: no");
    const session = await program.open();
    expect(await program.login(session, "1234")).toBe(rv);
    expect(await program.state(session)).toBe(CKS_RO_PUBLIC_SESSION);
    expect(await program.login(session)).toBe(CKR_OK);
  });

  it("a defect is not made into a CK_RV", async () => {
    const { token, program: start } = setUp();
    const program = start();
    token.failNext = new TypeError("x is undefined");
    await expect(program.login(await program.open())).rejects.toThrow(TypeError);
  });
});

describe("an agreement is for the connection", () => {
  it("closing the last session logs out; the next logins ask nobody", async () => {
    const { token, program: start } = setUp();
    const program = start();
    for (let i = 0; i < 4; i++) {
      const session = await program.open();
      expect(await program.state(session)).toBe(CKS_RO_PUBLIC_SESSION);
      expect(await program.findClass(session, CKO_PRIVATE_KEY)).toEqual([]);
      expect(await program.login(session)).toBe(CKR_OK);
      expect(await program.findClass(session, CKO_PRIVATE_KEY)).toHaveLength(1);
      if (i % 2 === 0) await program.call("C_CloseSession", session);
      else await program.call("C_CloseAllSessions", 1);
    }
    expect(token.asked).toHaveLength(1);
    expect(token.lastLogin.ends).toBe(0);
  });

  it("closing one of two sessions logs nobody out", async () => {
    const program = setUp().program();
    const { session } = await program.loggedIn();
    const other = await program.open();
    await program.call("C_CloseSession", session);
    expect(await program.state(other)).toBe(CKS_RO_USER_FUNCTIONS);
  });

  it("a PIN of the program is always checked, and replaces what was agreed", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const { session } = await program.loggedIn();
    await program.call("C_CloseSession", session);
    const next = await program.open();
    token.failNext = new PinError("PIN_WRONG", "login: wrong");
    expect(await program.login(next, "9999")).toBe(CKR_PIN_INCORRECT);
    expect(await program.state(next)).toBe(CKS_RO_PUBLIC_SESSION);
    expect(await program.login(next, "1234")).toBe(CKR_OK);
    expect(token.logins.map(({ ends }) => ends)).toEqual([1, 0]);
  });

  it("C_Logout ends it for good", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const { session } = await program.loggedIn();
    expect(await program.rv("C_Logout", session)).toBe(CKR_OK);
    expect(token.lastLogin.ends).toBe(1);
    expect(await program.state(session)).toBe(CKS_RO_PUBLIC_SESSION);
    expect(await program.findClass(session, CKO_PRIVATE_KEY)).toEqual([]);
    expect(await program.rv("C_Logout", session)).toBe(CKR_USER_NOT_LOGGED_IN);
    expect(await program.login(session)).toBe(CKR_OK);
    expect(token.asked).toHaveLength(2);
  });

  it("when its time is up the sessions are public, and a login asks anew", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const { session } = await program.loggedIn();
    token.lastLogin.runOut();
    expect(await program.state(session)).toBe(CKS_RO_PUBLIC_SESSION);
    expect(await program.findClass(session, CKO_PRIVATE_KEY)).toEqual([]);
    expect(await program.rv("C_Logout", session)).toBe(CKR_USER_NOT_LOGGED_IN);
    expect(await program.login(session)).toBe(CKR_OK);
    expect(await program.state(session)).toBe(CKS_RO_USER_FUNCTIONS);
    expect(token.asked).toHaveLength(2);
  });

  it("ends with the card, and with the program", async () => {
    const { token, slots, program: start } = setUp();
    const one = start();
    await one.loggedIn();
    const other = start();
    await other.loggedIn();
    one.end();
    expect(token.logins.map(({ ends }) => ends)).toEqual([1, 0]);
    slots.put(1, undefined);
    expect(token.logins.map(({ ends }) => ends)).toEqual([1, 1]);
    expect(slots.watchers).toBe(1);
    other.end();
    expect(slots.watchers).toBe(0);
  });
});

describe("C_Login for one signature", () => {
  it("is for keys that ask each time, while a signature is begun", async () => {
    const { token, program: start } = setUp({ asksEachTime: true });
    const program = start();
    const { session, key } = await program.loggedIn();
    const again = () => program.rv("C_Login", session, CKU_CONTEXT_SPECIFIC, undefined);
    expect(await again()).toBe(CKR_OPERATION_NOT_INITIALIZED);
    await program.call("C_SignInit", session, { type: 0x40, parameter: { kind: "none" } }, key);
    expect(await again()).toBe(CKR_OK);
    // A person is asked by C_Sign.
    expect(token.asked).toHaveLength(1);
  });

  it("a PIN that comes with it is checked; a wrong one leaves the login as it was", async () => {
    const { token, program: start } = setUp({ asksEachTime: true });
    const program = start();
    const { session, key } = await program.loggedIn();
    await program.call("C_SignInit", session, { type: 0x40, parameter: { kind: "none" } }, key);
    const again = (digits: string) =>
      program.rv("C_Login", session, CKU_CONTEXT_SPECIFIC, new TextEncoder().encode(digits));
    token.failNext = new PinError("PIN_WRONG", "login: wrong");
    expect(await again("9999")).toBe(CKR_PIN_INCORRECT);
    expect(await program.state(session)).toBe(CKS_RO_USER_FUNCTIONS);
    expect(await again("1234")).toBe(CKR_OK);
    expect(token.logins.map(({ ends }) => ends)).toEqual([1, 0]);
  });

  it("is nothing for other keys", async () => {
    const program = setUp().program();
    const { session, key } = await program.loggedIn();
    await program.call("C_SignInit", session, { type: 0x40, parameter: { kind: "none" } }, key);
    expect(await program.rv("C_Login", session, CKU_CONTEXT_SPECIFIC, undefined)).toBe(CKR_OPERATION_NOT_INITIALIZED);
  });

  it("does not bring back a login that is over", async () => {
    const { token, program: start } = setUp({ asksEachTime: true });
    const program = start();
    const { session, key } = await program.loggedIn();
    await program.call("C_SignInit", session, { type: 0x40, parameter: { kind: "none" } }, key);
    token.lastLogin.runOut();
    expect(await program.rv("C_Login", session, CKU_CONTEXT_SPECIFIC, undefined)).toBe(CKR_USER_NOT_LOGGED_IN);
  });
});
