import { describe, expect, it } from "vitest";
import { concatBytes, fromHex } from "../../../lib/bytes.ts";
import { encodeDigestInfo, type HashName } from "../../../lib/digest-info.ts";
import {
  CKM_RSA_PKCS_PSS,
  CKM_SHA1_RSA_PKCS,
  CKM_SHA256_RSA_PKCS,
  CKM_SHA256_RSA_PKCS_PSS,
  CKM_SHA384_RSA_PKCS,
  CKM_SHA512_RSA_PKCS,
  CKR_DATA_INVALID,
  CKR_DATA_LEN_RANGE,
  CKR_FUNCTION_NOT_SUPPORTED,
  CKR_FUNCTION_REJECTED,
  CKR_OK,
  CKR_OPERATION_NOT_INITIALIZED,
} from "../../../lib/p11/constants.ts";
import { DATA, digest, expectPkcs1, expectPss, NONE, PSS, ROOM, RSA, setUp } from "./signing-set-up.ts";

describe("C_Sign", () => {
  it.each<[number, HashName]>([
    [CKM_SHA256_RSA_PKCS, "sha256"],
    [CKM_SHA384_RSA_PKCS, "sha384"],
    [CKM_SHA512_RSA_PKCS, "sha512"],
    [CKM_SHA1_RSA_PKCS, "sha1"],
  ])("mechanism %d hashes and signs", async (type, hash) => {
    const { init, program, session, token } = await setUp({ allowSha1: true });
    await init({ type, parameter: NONE });
    const [signature] = await program.call("C_Sign", session, DATA, ROOM);
    expectPkcs1(signature, hash);
    expect(token.lastLogin.signed).toEqual([
      { scheme: "pkcs1", input: encodeDigestInfo(hash, digest(hash)), mechanism: expect.stringMatching(/^CKM_SHA/) },
    ]);
  });

  it("CKM_RSA_PKCS signs a DigestInfo", async () => {
    const { init, program, session, token } = await setUp();
    for (const hash of ["sha256", "sha384", "sha512"] as const) {
      await init(RSA);
      const [signature] = await program.call("C_Sign", session, encodeDigestInfo(hash, digest(hash)), ROOM);
      expectPkcs1(signature, hash);
    }
    expect(token.lastLogin.signed.map(({ mechanism }) => mechanism)).toEqual(Array(3).fill("CKM_RSA_PKCS"));
  });

  it("RSASSA-PSS, hashed by the program or here", async () => {
    const { init, program, session } = await setUp({ pss: true });
    await init({ type: CKM_RSA_PKCS_PSS, parameter: PSS });
    expectPss((await program.call("C_Sign", session, digest("sha256"), ROOM))[0]);
    await init({ type: CKM_SHA256_RSA_PKCS_PSS, parameter: PSS });
    expectPss((await program.call("C_Sign", session, DATA, ROOM))[0]);
  });

  it("no data is data of no bytes", async () => {
    const { init, program, session } = await setUp();
    await init();
    const [signature] = await program.call("C_Sign", session, undefined, 512);
    expectPkcs1(signature, "sha256", new Uint8Array());
  });

  const tls10 = concatBytes(digest("md5"), digest("sha1"));
  it.each<[string, Uint8Array, number, string]>([
    ["nothing", new Uint8Array(), CKR_DATA_LEN_RANGE, "length"],
    ["246 bytes", new Uint8Array(246), CKR_DATA_LEN_RANGE, "length"],
    ["a megabyte", new Uint8Array(1_000_000), CKR_DATA_LEN_RANGE, "length"],
    ["245 bytes of no form", new Uint8Array(245), CKR_DATA_INVALID, "unknown-data"],
    ["a bare SHA-256", digest("sha256"), CKR_DATA_INVALID, "unknown-data"],
    [
      "MD5",
      concatBytes(fromHex("3020300c06082a864886f70d020505000410"), digest("md5")),
      CKR_DATA_INVALID,
      "unknown-data",
    ],
    [
      "a DigestInfo and one byte",
      concatBytes(encodeDigestInfo("sha256", digest("sha256")), DATA.subarray(0, 1)),
      CKR_DATA_INVALID,
      "unknown-data",
    ],
    ["SHA-1", encodeDigestInfo("sha1", digest("sha1")), CKR_FUNCTION_REJECTED, "sha1"],
    ["MD5 and SHA-1 of TLS 1.0", tls10, CKR_FUNCTION_REJECTED, "sha1"],
  ])("CKM_RSA_PKCS does not sign %s, and the operation is over", async (_, data, rv, problem) => {
    const { init, sign, token } = await setUp();
    await init(RSA);
    expect(await sign(data)).toBe(rv);
    expect(await sign(data)).toBe(CKR_OPERATION_NOT_INITIALIZED);
    expect(token.lastLogin.signed).toEqual([]);
    expect(token.lastLogin.refused).toEqual([["CKM_RSA_PKCS", problem]]);
  });

  it.each([
    ["SHA-1", encodeDigestInfo("sha1", digest("sha1"))],
    ["MD5 and SHA-1 of TLS 1.0", tls10],
  ])("CKM_RSA_PKCS signs %s where SHA-1 is allowed", async (_, data) => {
    const { init, sign, token } = await setUp({ allowSha1: true });
    await init(RSA);
    expect(await sign(data)).toBe(CKR_OK);
    expect(token.lastLogin.signed[0]?.input).toEqual(data);
  });

  it.each([31, 33, 0, 51])("CKM_RSA_PKCS_PSS takes 32 bytes, not %d", async (length) => {
    const { init, sign } = await setUp({ pss: true });
    await init({ type: CKM_RSA_PKCS_PSS, parameter: PSS });
    expect(await sign(new Uint8Array(length))).toBe(CKR_DATA_LEN_RANGE);
  });

  it("what is signed is a copy: the request may be wiped", async () => {
    const { init, program, session, token } = await setUp();
    token.signatures.hold();
    await init(RSA);
    const data = encodeDigestInfo("sha256", digest("sha256"));
    const signed = program.call("C_Sign", session, data, ROOM);
    const held = await token.signatures.next();
    data.fill(0);
    held.release();
    expectPkcs1((await signed)[0], "sha256");
  });
});

describe("a size question", () => {
  it.each([0, 1, 255])("room %d: the length, no card, and the operation goes on", async (room) => {
    const { init, program, session, token } = await setUp();
    await init();
    for (let i = 0; i < 3; i++) expect(await program.call("C_Sign", session, DATA, room)).toEqual([{ needed: 256 }]);
    expect(token.lastLogin.signed).toEqual([]);
    expectPkcs1((await program.call("C_Sign", session, DATA, ROOM))[0], "sha256");
    expect(await program.rv("C_Sign", session, DATA, room)).toBe(CKR_OPERATION_NOT_INITIALIZED);
  });

  it("is answered whatever the data: only what is signed is judged", async () => {
    const { init, program, session } = await setUp();
    await init(RSA);
    expect(await program.call("C_Sign", session, new Uint8Array(7), 0)).toEqual([{ needed: 256 }]);
  });

  it("of C_SignFinal keeps what was hashed", async () => {
    const { init, program, session } = await setUp();
    await init();
    await program.call("C_SignUpdate", session, DATA.subarray(0, 5));
    expect(await program.call("C_SignFinal", session, 0)).toEqual([{ needed: 256 }]);
    await program.call("C_SignUpdate", session, DATA.subarray(5));
    for (let i = 0; i < 3; i++) expect(await program.call("C_SignFinal", session, 255)).toEqual([{ needed: 256 }]);
    expectPkcs1((await program.call("C_SignFinal", session, ROOM))[0], "sha256");
  });
});

describe("in several parts", () => {
  it("hashes as they come, with no parts too", async () => {
    const { init, program, session } = await setUp({ pss: true });
    await init({ type: CKM_SHA512_RSA_PKCS, parameter: NONE });
    for (const byte of DATA) await program.call("C_SignUpdate", session, Uint8Array.of(byte));
    await program.call("C_SignUpdate", session, undefined);
    expectPkcs1((await program.call("C_SignFinal", session, ROOM))[0], "sha512");
    await init({ type: CKM_SHA256_RSA_PKCS_PSS, parameter: PSS });
    await program.call("C_SignUpdate", session, DATA);
    expectPss((await program.call("C_SignFinal", session, ROOM))[0]);
    await init();
    expectPkcs1((await program.call("C_SignFinal", session, ROOM))[0], "sha256", new Uint8Array());
  });

  it("is not for what the program has hashed; the operation is over", async () => {
    const { init, program, session } = await setUp();
    await init(RSA);
    expect(await program.rv("C_SignUpdate", session, DATA)).toBe(CKR_FUNCTION_NOT_SUPPORTED);
    expect(await program.rv("C_SignUpdate", session, DATA)).toBe(CKR_OPERATION_NOT_INITIALIZED);
    await init(RSA);
    expect(await program.rv("C_SignFinal", session, ROOM)).toBe(CKR_FUNCTION_NOT_SUPPORTED);
    expect(await init()).toBe(CKR_OK);
  });

  it("C_Sign does not end it with a signature", async () => {
    const { init, program, session, sign, token } = await setUp();
    await init();
    await program.call("C_SignUpdate", session, DATA);
    expect(await sign()).toBe(CKR_OPERATION_NOT_INITIALIZED);
    expect(await program.rv("C_SignFinal", session, ROOM)).toBe(CKR_OPERATION_NOT_INITIALIZED);
    expect(token.lastLogin.signed).toEqual([]);
  });

  it("wants C_SignInit", async () => {
    const { program, session } = await setUp();
    expect(await program.rv("C_SignUpdate", session, DATA)).toBe(CKR_OPERATION_NOT_INITIALIZED);
    expect(await program.rv("C_SignFinal", session, 0)).toBe(CKR_OPERATION_NOT_INITIALIZED);
    expect(await program.rv("C_Sign", session, DATA, 0)).toBe(CKR_OPERATION_NOT_INITIALIZED);
  });
});
