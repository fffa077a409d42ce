import { describe, expect, it } from "vitest";
import { MAX_SESSIONS } from "../../../agent/p11/sessions.ts";
import {
  CKF_RW_SESSION,
  CKF_SERIAL_SESSION,
  CKR_DEVICE_REMOVED,
  CKR_OK,
  CKR_SESSION_COUNT,
  CKR_SESSION_HANDLE_INVALID,
  CKR_SESSION_PARALLEL_NOT_SUPPORTED,
  CKR_SLOT_ID_INVALID,
  CKR_TOKEN_NOT_PRESENT,
  CKS_RO_PUBLIC_SESSION,
  CKS_RO_USER_FUNCTIONS,
  CKS_RW_PUBLIC_SESSION,
  CKS_RW_USER_FUNCTIONS,
} from "../../../lib/p11/constants.ts";
import { setUpFace } from "../../helpers/fake-p11-program.ts";
import { FakeSlots, FakeToken } from "../../helpers/fake-p11-tokens.ts";
import { testPki } from "../../helpers/pki.ts";

const pki = await testPki();

function setUp() {
  const slots = new FakeSlots(new FakeToken(pki), undefined);
  return { slots, ...setUpFace(slots) };
}

describe("C_OpenSession", () => {
  it("wants a slot that is there, a card in it, and CKF_SERIAL_SESSION", async () => {
    const program = setUp().program();
    expect(await program.rv("C_OpenSession", 3, CKF_SERIAL_SESSION)).toBe(CKR_SLOT_ID_INVALID);
    expect(await program.rv("C_OpenSession", 2, CKF_SERIAL_SESSION)).toBe(CKR_TOKEN_NOT_PRESENT);
    expect(await program.rv("C_OpenSession", 1, 0)).toBe(CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    expect(await program.rv("C_OpenSession", 1, CKF_RW_SESSION)).toBe(CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    expect(await program.rv("C_OpenSession", 1, CKF_SERIAL_SESSION | CKF_RW_SESSION)).toBe(CKR_OK);
  });

  it(`opens ${MAX_SESSIONS}, and more when some are closed`, async () => {
    const program = setUp().program();
    const handles: number[] = [];
    for (let i = 0; i < MAX_SESSIONS; i++) handles.push(await program.open());
    expect(new Set(handles).size).toBe(MAX_SESSIONS);
    expect(await program.rv("C_OpenSession", 1, CKF_SERIAL_SESSION)).toBe(CKR_SESSION_COUNT);
    await program.call("C_CloseSession", handles[7] ?? 0);
    expect(await program.rv("C_OpenSession", 1, CKF_SERIAL_SESSION)).toBe(CKR_OK);
  });

  it("sessions of a card that left make room", async () => {
    const { slots, program: start } = setUp();
    const program = start();
    for (let i = 0; i < MAX_SESSIONS; i++) await program.open();
    slots.put(1, new FakeToken(pki));
    expect(await program.rv("C_OpenSession", 1, CKF_SERIAL_SESSION)).toBe(CKR_OK);
  });
});

describe("C_GetSessionInfo", () => {
  it("tells the four states", async () => {
    const program = setUp().program();
    const readOnly = await program.open();
    const readWrite = await program.openReadWrite();
    expect(await program.call("C_GetSessionInfo", readOnly)).toEqual([1, CKS_RO_PUBLIC_SESSION, CKF_SERIAL_SESSION, 0]);
    expect(await program.call("C_GetSessionInfo", readWrite)).toEqual([
      1,
      CKS_RW_PUBLIC_SESSION,
      CKF_SERIAL_SESSION | CKF_RW_SESSION,
      0,
    ]);
    await program.login(readOnly);
    expect(await program.state(readOnly)).toBe(CKS_RO_USER_FUNCTIONS);
    expect(await program.state(readWrite)).toBe(CKS_RW_USER_FUNCTIONS);
  });
});

describe("handles", () => {
  it("of another program, and made up ones, are invalid", async () => {
    const { program: start } = setUp();
    const one = start();
    const other = start();
    const mine = await one.open();
    const theirs = await other.open();
    expect(theirs).not.toBe(mine);
    for (const handle of [theirs, 0, 12345, Number.POSITIVE_INFINITY]) {
      expect(await one.rv("C_GetSessionInfo", handle)).toBe(CKR_SESSION_HANDLE_INVALID);
      expect(await one.rv("C_CloseSession", handle)).toBe(CKR_SESSION_HANDLE_INVALID);
      expect(await one.login(handle)).toBe(CKR_SESSION_HANDLE_INVALID);
      expect(await one.rv("C_Sign", handle, undefined, 0)).toBe(CKR_SESSION_HANDLE_INVALID);
    }
    expect(await other.rv("C_GetSessionInfo", theirs)).toBe(CKR_OK);
  });

  it("are invalid once closed, one by one or all of a slot", async () => {
    const { slots, program: start } = setUp();
    slots.put(2, new FakeToken(pki));
    const program = start();
    const [first, second, third] = [await program.open(), await program.open(), await program.open()];
    const elsewhere = await program.open(2);
    await program.call("C_CloseSession", first);
    expect(await program.rv("C_CloseSession", first)).toBe(CKR_SESSION_HANDLE_INVALID);
    expect(await program.rv("C_GetSessionInfo", second)).toBe(CKR_OK);
    await program.call("C_CloseAllSessions", 1);
    for (const handle of [second, third])
      expect(await program.rv("C_GetSessionInfo", handle)).toBe(CKR_SESSION_HANDLE_INVALID);
    expect(await program.rv("C_GetSessionInfo", elsewhere)).toBe(CKR_OK);
    expect(await program.rv("C_CloseAllSessions", 9)).toBe(CKR_SLOT_ID_INVALID);
  });
});

describe("a card that leaves", () => {
  it("is told to each of its sessions once; then they are invalid", async () => {
    const { slots, program: start } = setUp();
    const program = start();
    const [one, two] = [await program.open(), await program.open()];
    slots.put(1, undefined);
    expect(await program.rv("C_GetSessionInfo", one)).toBe(CKR_DEVICE_REMOVED);
    expect(await program.rv("C_GetSessionInfo", one)).toBe(CKR_SESSION_HANDLE_INVALID);
    expect(await program.rv("C_FindObjectsInit", two, [])).toBe(CKR_DEVICE_REMOVED);
    expect(await program.rv("C_CloseSession", two)).toBe(CKR_SESSION_HANDLE_INVALID);
  });

  it("and comes back is another token: the sessions are gone, new ones can be opened", async () => {
    const { slots, program: start } = setUp();
    const program = start();
    const session = await program.open();
    await program.login(session);
    slots.put(1, new FakeToken(pki));
    expect(await program.login(session)).toBe(CKR_DEVICE_REMOVED);
    expect(await program.state(await program.open())).toBe(CKS_RO_PUBLIC_SESSION);
  });

  it("leaves the sessions of other cards alone", async () => {
    const { slots, program: start } = setUp();
    slots.put(2, new FakeToken(pki));
    const program = start();
    const { session } = await program.loggedIn(2);
    slots.put(1, undefined);
    expect(await program.state(session)).toBe(CKS_RO_USER_FUNCTIONS);
  });
});
