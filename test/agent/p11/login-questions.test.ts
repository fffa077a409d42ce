import { describe, expect, it } from "vitest";
import { PcscError, PinError } from "../../../lib/errors.ts";
import {
  CKR_CRYPTOKI_NOT_INITIALIZED,
  CKR_DEVICE_REMOVED,
  CKR_FUNCTION_CANCELED,
  CKR_OK,
  CKR_SESSION_CLOSED,
  CKR_SESSION_HANDLE_INVALID,
  CKR_USER_ALREADY_LOGGED_IN,
  CKR_USER_NOT_LOGGED_IN,
  CKS_RO_PUBLIC_SESSION,
  CKS_RO_USER_FUNCTIONS,
} from "../../../lib/p11/constants.ts";
import { setUpFace } from "../../helpers/fake-p11-program.ts";
import { FakeSlots, FakeToken } from "../../helpers/fake-p11-tokens.ts";
import { testPki } from "../../helpers/pki.ts";

const pki = await testPki();

function setUp() {
  const token = new FakeToken(pki);
  const slots = new FakeSlots(token);
  return { token, slots, ...setUpFace(slots) };
}

describe("while a person is asked", () => {
  it("two logins at once are one question; the second is told that it is logged in already", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const [one, two] = [await program.open(), await program.open()];
    token.questions.hold();
    const first = program.login(one);
    const question = await token.questions.next();
    const second = program.login(two, "1234");
    question.release();
    expect(await Promise.all([first, second])).toEqual([CKR_OK, CKR_USER_ALREADY_LOGGED_IN]);
    expect(token.asked).toHaveLength(1);
  });

  it("a no is a no for both", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const [one, two] = [await program.open(), await program.open()];
    token.questions.hold();
    const both = [program.login(one), program.login(two)];
    (await token.questions.next()).fail(new PinError("PIN_CANCELLED", "login: no"));
    expect(await Promise.all(both)).toEqual([CKR_FUNCTION_CANCELED, CKR_FUNCTION_CANCELED]);
    expect(token.asked).toHaveLength(1);
  });

  it("other calls are answered, in the same session too", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const session = await program.open();
    token.questions.hold();
    const login = program.login(session);
    const question = await token.questions.next();
    expect(await program.state(session)).toBe(CKS_RO_PUBLIC_SESSION);
    expect(await program.find(session)).toHaveLength(3);
    expect(await program.rv("C_Logout", session)).toBe(CKR_USER_NOT_LOGGED_IN);
    question.release();
    expect(await login).toBe(CKR_OK);
  });

  it("the question goes away with the last session that waits for it", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const [one, two] = [await program.open(), await program.open()];
    token.questions.hold();
    const first = program.login(one);
    const second = program.login(two);
    const question = await token.questions.next();
    await program.call("C_CloseSession", one);
    expect(await first).toBe(CKR_SESSION_CLOSED);
    expect(question.signal.aborted).toBe(false);
    await program.call("C_CloseSession", two);
    expect(await second).toBe(CKR_SESSION_CLOSED);
    expect(question.signal.aborted).toBe(true);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])(
    "an answer that comes as its session is closed logs nobody in: %d ticks",
    async (ticks) => {
      const { token, program: start } = setUp();
      const program = start();
      const session = await program.open();
      token.questions.hold();
      const login = program.login(session);
      (await token.questions.next()).release();
      for (let i = 0; i < ticks; i++) await Promise.resolve();
      const closed = program.call("C_CloseSession", session);
      expect([CKR_OK, CKR_SESSION_CLOSED]).toContain(await login);
      await closed;
      expect(await program.state(await program.open())).toBe(CKS_RO_PUBLIC_SESSION);
    },
  );

  it("a session that waits on gets the answer after the one that asked was closed", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const [one, two] = [await program.open(), await program.open()];
    token.questions.hold();
    const first = program.login(one);
    const second = program.login(two);
    const question = await token.questions.next();
    await program.call("C_CloseSession", one);
    question.release();
    expect(await first).toBe(CKR_SESSION_CLOSED);
    expect(await second).toBe(CKR_USER_ALREADY_LOGGED_IN);
    expect(await program.state(two)).toBe(CKS_RO_USER_FUNCTIONS);
  });

  it("a new login after that is a new question", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const one = await program.open();
    token.questions.hold();
    const first = program.login(one);
    await token.questions.next();
    await program.call("C_CloseSession", one);
    const second = program.login(await program.open());
    (await token.questions.next()).release();
    expect(await Promise.all([first, second])).toEqual([CKR_SESSION_CLOSED, CKR_OK]);
  });

  it("the card leaves: the question too", async () => {
    const { token, slots, program: start } = setUp();
    const program = start();
    const session = await program.open();
    token.questions.hold();
    const login = program.login(session);
    const question = await token.questions.next();
    slots.put(1, undefined);
    expect(await login).toBe(CKR_DEVICE_REMOVED);
    expect(question.signal.aborted).toBe(true);
  });

  it("the program hangs up: the question goes away, and a login that came all the same is ended", async () => {
    const { token, program: start } = setUp();
    const program = start();
    const session = await program.open();
    token.questions.hold();
    const login = program.login(session);
    const question = await token.questions.next();
    question.release();
    program.end();
    expect(await login).toBe(CKR_CRYPTOKI_NOT_INITIALIZED);
    expect(question.signal.aborted).toBe(true);
    expect(token.lastLogin.ends).toBe(1);
    expect(await program.rv("C_GetSessionInfo", session)).toBe(CKR_SESSION_HANDLE_INVALID);
  });

  it("what the card's side says of the abort is not what the program hears", async () => {
    const { token, slots, program: start } = setUp();
    const program = start();
    const session = await program.open();
    token.questions.hold();
    const login = program.login(session);
    const question = await token.questions.next();
    question.fail(new PcscError("CARD_RESET", "login: the card was taken out"));
    slots.put(1, undefined);
    expect(await login).toBe(CKR_DEVICE_REMOVED);
  });
});
