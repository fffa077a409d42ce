import { describe, expect, it } from "vitest";
import { type ErrorCode, JpkiError, PinError } from "../../../lib/errors.ts";
import {
  CKR_CRYPTOKI_NOT_INITIALIZED,
  CKR_DEVICE_ERROR,
  CKR_DEVICE_REMOVED,
  CKR_FUNCTION_CANCELED,
  CKR_FUNCTION_REJECTED,
  CKR_MECHANISM_INVALID,
  CKR_OK,
  CKR_OPERATION_ACTIVE,
  CKR_OPERATION_NOT_INITIALIZED,
  CKR_SESSION_CLOSED,
  CKR_USER_NOT_LOGGED_IN,
} from "../../../lib/p11/constants.ts";
import { DATA, ROOM, SHA256_RSA, setUp } from "./signing-set-up.ts";

describe("a signature that fails", () => {
  it.each<[ErrorCode, number]>([
    ["PIN_CANCELLED", CKR_FUNCTION_REJECTED],
    ["POLICY_REFUSED", CKR_FUNCTION_REJECTED],
    ["CARD_ABSENT", CKR_DEVICE_REMOVED],
    ["CARD_RESET", CKR_DEVICE_ERROR],
    ["ALGORITHM_UNSUPPORTED", CKR_MECHANISM_INVALID],
  ])("%s is CK_RV %d, and the operation is over", async (code, rv) => {
    const { init, sign, token } = await setUp();
    await init();
    token.lastLogin.failNext = new JpkiError(code, "sign: no");
    expect(await sign()).toBe(rv);
    expect(await sign()).toBe(CKR_OPERATION_NOT_INITIALIZED);
    await init();
    expect(await sign()).toBe(CKR_OK);
  });

  it("when the login's time is up: CKR_USER_NOT_LOGGED_IN, before, between and while", async () => {
    const { init, sign, token, program, session } = await setUp();
    await init();
    token.lastLogin.runOut();
    expect(await sign()).toBe(CKR_USER_NOT_LOGGED_IN);
    expect(await init()).toBe(CKR_USER_NOT_LOGGED_IN);
    await program.login(session);
    await init();
    token.signatures.hold();
    const waiting = sign();
    await token.signatures.next();
    token.lastLogin.runOut();
    expect(await waiting).toBe(CKR_USER_NOT_LOGGED_IN);
  });
});

describe("while the card signs or a person is asked", () => {
  async function waiting() {
    const made = await setUp();
    await made.init();
    made.token.signatures.hold();
    const signature = made.sign();
    const held = await made.token.signatures.next();
    return { ...made, signature, held };
  }

  it("the session's operation is taken; other calls are answered", async () => {
    const { init, sign, program, session, signature, held, token } = await waiting();
    expect(await init()).toBe(CKR_OPERATION_ACTIVE);
    expect(await sign()).toBe(CKR_OPERATION_ACTIVE);
    expect(await program.rv("C_SignUpdate", session, DATA)).toBe(CKR_OPERATION_ACTIVE);
    expect(await program.rv("C_SignFinal", session, ROOM)).toBe(CKR_OPERATION_ACTIVE);
    expect(await program.find(session)).toHaveLength(4);
    held.release();
    expect(await signature).toBe(CKR_OK);
    expect(token.lastLogin.signed).toHaveLength(1);
    expect(await init()).toBe(CKR_OK);
  });

  it("another session of the program signs beside it", async () => {
    const { program, key, signature, held, token } = await waiting();
    token.signatures.open();
    const other = await program.open();
    await program.call("C_SignInit", other, SHA256_RSA, key);
    expect(await program.rv("C_Sign", other, DATA, ROOM)).toBe(CKR_OK);
    held.release();
    expect(await signature).toBe(CKR_OK);
  });

  it("C_SignInit without a mechanism takes it back, and the next may begin", async () => {
    const { init, cancel, sign, signature, held, token } = await waiting();
    expect(await cancel()).toBe(CKR_OK);
    token.signatures.open();
    expect(await init()).toBe(CKR_OK);
    expect(await signature).toBe(CKR_FUNCTION_CANCELED);
    expect(held.signal.aborted).toBe(true);
    expect(await sign()).toBe(CKR_OK);
  });

  it("C_Logout ends it", async () => {
    const { program, session, signature, held } = await waiting();
    await program.call("C_Logout", session);
    expect(await signature).toBe(CKR_USER_NOT_LOGGED_IN);
    expect(held.signal.aborted).toBe(true);
  });

  it("C_CloseSession ends it", async () => {
    const { program, session, signature, held } = await waiting();
    await program.call("C_CloseSession", session);
    expect(await signature).toBe(CKR_SESSION_CLOSED);
    expect(held.signal.aborted).toBe(true);
  });

  it("the card leaves", async () => {
    const { slots, signature, held } = await waiting();
    slots.put(1, undefined);
    expect(await signature).toBe(CKR_DEVICE_REMOVED);
    expect(held.signal.aborted).toBe(true);
  });

  it("what the card's side says of the abort is not what the program hears", async () => {
    const { program, session, signature, held } = await waiting();
    held.fail(new PinError("PIN_CANCELLED", "sign: the question was taken back"));
    await program.call("C_CloseSession", session);
    expect(await signature).toBe(CKR_SESSION_CLOSED);
  });

  it("the program hangs up", async () => {
    const { program, signature, held, token } = await waiting();
    program.end();
    expect(await signature).toBe(CKR_CRYPTOKI_NOT_INITIALIZED);
    expect(held.signal.aborted).toBe(true);
    expect(token.lastLogin.ends).toBe(1);
  });
});
