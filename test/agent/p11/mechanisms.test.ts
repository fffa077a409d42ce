import { describe, expect, it } from "vitest";
import {
  CKF_HW,
  CKF_SIGN,
  CKG_MGF1_SHA1,
  CKM_RSA_PKCS,
  CKM_RSA_PKCS_PSS,
  CKM_RSA_X_509,
  CKM_SHA1_RSA_PKCS,
  CKM_SHA256_RSA_PKCS,
  CKM_SHA256_RSA_PKCS_PSS,
  CKM_SHA384_RSA_PKCS,
  CKM_SHA512,
  CKM_SHA512_RSA_PKCS,
  CKO_CERTIFICATE,
  CKO_PUBLIC_KEY,
  CKR_KEY_HANDLE_INVALID,
  CKR_MECHANISM_INVALID,
  CKR_MECHANISM_PARAM_INVALID,
  CKR_OK,
  CKR_OPERATION_ACTIVE,
  CKR_OPERATION_NOT_INITIALIZED,
  CKR_TOKEN_NOT_PRESENT,
  CKR_USER_NOT_LOGGED_IN,
} from "../../../lib/p11/constants.ts";
import type { MechanismParameter } from "../../../lib/p11/values.ts";
import type { FakeProgram } from "../../helpers/fake-p11-program.ts";
import { FakeToken } from "../../helpers/fake-p11-tokens.ts";
import { testPki } from "../../helpers/pki.ts";
import { recordingLogger } from "../../helpers/recording-logger.ts";
import { NONE, PSS, SHA256_RSA, setUp } from "./signing-set-up.ts";

const pki = await testPki();

async function mechanisms(program: FakeProgram): Promise<unknown> {
  const [list] = await program.call("C_GetMechanismList", 1, 100);
  return list;
}

describe("the list of mechanisms", () => {
  const plain = [CKM_SHA256_RSA_PKCS, CKM_SHA384_RSA_PKCS, CKM_SHA512_RSA_PKCS, CKM_RSA_PKCS];

  it("of a card without RSASSA-PSS", async () => {
    const { program } = await setUp();
    expect(await mechanisms(program)).toEqual(plain);
    expect(await program.call("C_GetMechanismList", 1, 0)).toEqual([{ needed: 4 }]);
    expect(await program.call("C_GetMechanismList", 1, 3)).toEqual([{ needed: 4 }]);
  });

  it("of a card with it, which may be learnt later", async () => {
    const { program, token } = await setUp();
    token.knowsPss = true;
    expect(await mechanisms(program)).toEqual([...plain, CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS]);
  });

  it("who asks for RSASSA-PSS all the same is refused, and the log says what to do", async () => {
    const log = recordingLogger();
    const { init } = await setUp({ log });
    expect(await init({ type: CKM_RSA_PKCS_PSS, parameter: PSS })).toBe(CKR_MECHANISM_INVALID);
    expect(await init({ type: CKM_RSA_X_509, parameter: NONE })).toBe(CKR_MECHANISM_INVALID);
    const said = log.lines.filter(({ level }) => level === "warn");
    expect(said).toEqual([expect.objectContaining({ fields: expect.objectContaining({ result: "refused" }) })]);
    expect(JSON.stringify(said)).toMatch(/TLS 1\.2/);
  });

  it("p11-kit 0.24 is not told of what it does not know", async () => {
    const { program, init } = await setUp({ version: 0, pss: true });
    expect(await mechanisms(program)).toEqual([...plain, CKM_RSA_PKCS_PSS]);
    expect(await init({ type: CKM_SHA256_RSA_PKCS_PSS, parameter: PSS })).toBe(CKR_MECHANISM_INVALID);
  });

  it("SHA-1 where it is allowed", async () => {
    const { program } = await setUp({ allowSha1: true });
    expect(await mechanisms(program)).toEqual([...plain, CKM_SHA1_RSA_PKCS]);
  });

  it("C_GetMechanismInfo: signatures, by the card, with 2048 bits", async () => {
    const { program, slots } = await setUp();
    expect(await program.call("C_GetMechanismInfo", 1, CKM_RSA_PKCS)).toEqual([2048, 2048, CKF_HW | CKF_SIGN]);
    for (const type of [CKM_RSA_PKCS_PSS, CKM_SHA1_RSA_PKCS, CKM_RSA_X_509, Number.POSITIVE_INFINITY])
      expect(await program.rv("C_GetMechanismInfo", 1, type)).toBe(CKR_MECHANISM_INVALID);
    slots.put(1, undefined);
    expect(await program.rv("C_GetMechanismInfo", 1, CKM_RSA_PKCS)).toBe(CKR_TOKEN_NOT_PRESENT);
    expect(await program.rv("C_GetMechanismList", 1, 0)).toBe(CKR_TOKEN_NOT_PRESENT);
  });
});

describe("C_SignInit", () => {
  it("wants an offered mechanism", async () => {
    const { init } = await setUp();
    for (const type of [CKM_RSA_X_509, CKM_SHA1_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS, 0x1234])
      expect(await init({ type, parameter: NONE })).toBe(CKR_MECHANISM_INVALID);
  });

  it.each<[string, number, MechanismParameter]>([
    ["PSS without", CKM_RSA_PKCS_PSS, NONE],
    ["PSS with SHA-512", CKM_RSA_PKCS_PSS, { ...PSS, hash: CKM_SHA512 }],
    ["PSS with MGF1 over SHA-1", CKM_RSA_PKCS_PSS, { ...PSS, mgf: CKG_MGF1_SHA1 }],
    ["PSS with another salt", CKM_RSA_PKCS_PSS, { ...PSS, saltLength: 20 }],
    ["PSS with no salt", CKM_SHA256_RSA_PKCS_PSS, { ...PSS, saltLength: 0 }],
    ["PSS with bytes", CKM_SHA256_RSA_PKCS_PSS, { kind: "other", bytes: new Uint8Array(23) }],
    ["PKCS #1 v1.5 with that of PSS", CKM_SHA256_RSA_PKCS, PSS],
    ["PKCS #1 v1.5 with bytes", CKM_RSA_PKCS, { kind: "other", bytes: new Uint8Array(1) }],
  ])("wants the right parameter: not %s", async (_, type, parameter) => {
    const { init } = await setUp({ pss: true });
    expect(await init({ type, parameter })).toBe(CKR_MECHANISM_PARAM_INVALID);
  });

  it("wants a private key of the session's token", async () => {
    const { init, program, session, key, slots } = await setUp();
    slots.addSlot("auth", new FakeToken(pki));
    const { key: elsewhere } = await program.loggedIn(2);
    expect(elsewhere).not.toBe(key);
    const [certificate = 0] = await program.findClass(session, CKO_CERTIFICATE);
    const [publicHalf = 0] = await program.findClass(session, CKO_PUBLIC_KEY);
    for (const handle of [0, 999, certificate, publicHalf, elsewhere])
      expect(await init(SHA256_RSA, handle)).toBe(CKR_KEY_HANDLE_INVALID);
  });

  it("wants a login: a handle kept from before is no way around", async () => {
    const { init, program, session } = await setUp();
    await program.call("C_Logout", session);
    expect(await init()).toBe(CKR_USER_NOT_LOGGED_IN);
  });

  it("wants a login also where the card shows nothing without one", async () => {
    const { init, program, session, token } = await setUp();
    await program.call("C_Logout", session);
    token.shown = { certificate: undefined, caCertificate: undefined };
    expect(await init()).toBe(CKR_USER_NOT_LOGGED_IN);
    await program.login(session);
    expect(await init()).toBe(CKR_KEY_HANDLE_INVALID);
  });

  it("one at a time; without a mechanism it ends the one that is open", async () => {
    const { init, cancel, sign } = await setUp();
    expect(await init()).toBe(CKR_OK);
    expect(await init()).toBe(CKR_OPERATION_ACTIVE);
    expect(await cancel()).toBe(CKR_OK);
    expect(await sign()).toBe(CKR_OPERATION_NOT_INITIALIZED);
    expect(await cancel()).toBe(CKR_OK);
    expect(await init()).toBe(CKR_OK);
  });
});
