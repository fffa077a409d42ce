import { constants, createHash, generateKeyPairSync, privateEncrypt, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ByteWriter, fromHex, toHex, utf8 } from "../../../lib/bytes.ts";
import {
  chooseAlgorithm,
  decodeSignature,
  digestInfo,
  hashOf,
  rsaAlgorithmNamed,
  signatureBlob,
} from "../../../lib/ssh/signature.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { loadVectors } from "../../helpers/vectors.ts";

const ALGORITHMS = ["ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"] as const;
const malformed = expect.objectContaining({ code: "MALFORMED" });

describe("chooseAlgorithm", () => {
  test.each([
    [0, "ssh-rsa"],
    [2, "rsa-sha2-256"],
    [4, "rsa-sha2-512"],
    [6, "rsa-sha2-256"],
  ])("flags %i ask for %s", (flags, algorithm) => {
    expect(chooseAlgorithm(flags)).toBe(algorithm);
  });

  test.each([1, 3, 5, 7, 8, 10, 12, 0x80, 0x80000000, 0xffffffff])("flags %i are refused", (flags) => {
    expect(() => chooseAlgorithm(flags)).toThrow(expect.objectContaining({ code: "ALGORITHM_UNSUPPORTED" }));
  });
});

describe.each(ALGORITHMS)("%s", (algorithm) => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const data = utf8("what is signed");
  const digest = createHash(hashOf(algorithm)).update(data).digest();

  test("its DigestInfo, padded and encrypted, is the signature that OpenSSL makes", () => {
    const key = { key: privateKey, padding: constants.RSA_PKCS1_PADDING };
    const byHand = privateEncrypt(key, digestInfo(algorithm, digest));
    expect(toHex(byHand)).toBe(toHex(sign(hashOf(algorithm), data, privateKey)));
  });

  test("its DigestInfo's inner length fits", () => {
    const info = digestInfo(algorithm, digest);
    expect(info[1]).toBe(info.length - 2);
    expect(4 + (info[3] ?? 0) + 2 + digest.length).toBe(info.length);
  });

  test.each([0, 1, 31, 33, 63, 65])("a digest of %i bytes is malformed", (length) => {
    expect(() => digestInfo(algorithm, new Uint8Array(length))).toThrow(malformed);
  });

  test("blob round trip, with the sizes that were observed", () => {
    const raw = new Uint8Array(256).fill(7);
    const blob = signatureBlob(algorithm, raw);
    expect(blob.length).toBe(algorithm === "ssh-rsa" ? 271 : 276);
    expect(decodeSignature(blob)).toEqual({ algorithm, bytes: raw, sk: undefined });
  });
});

test.each(ALGORITHMS)("a login names %s plain or with a certificate", (algorithm) => {
  expect(rsaAlgorithmNamed(algorithm)).toBe(algorithm);
  expect(rsaAlgorithmNamed(`${algorithm}-cert-v01@openssh.com`)).toBe(algorithm);
  expect(rsaAlgorithmNamed(`${algorithm}-cert-v00@openssh.com`)).toBeUndefined();
});

test.each(["", "ssh-dss", "RSA-SHA2-256", "rsa-sha2-384", "toString"])("%j names none of them", (name) => {
  expect(rsaAlgorithmNamed(name)).toBeUndefined();
});

test("a FIDO signature ends in flags and counter, no other does", () => {
  const plain = new ByteWriter().string("ssh-ed25519").string("s").finish();
  const fido = new ByteWriter().string("sk-ssh-ed25519@openssh.com").string("s").finish();
  const tail = fromHex("0500000102");
  expect(decodeSignature(new Uint8Array([...fido, ...tail])).sk).toEqual({ flags: 5, counter: 258 });
  expect(() => decodeSignature(fido)).toThrow(malformed);
  expect(() => decodeSignature(new Uint8Array([...plain, ...tail]))).toThrow(malformed);
});

test("random and mutated blobs give a value or a named error", () => {
  const { responses } = loadVectors<{ responses: readonly { frame: string }[] }>("agent-messages.json");
  const signatures = responses.map(({ frame }) => fromHex(frame)).filter((frame) => frame[0] === 14);
  expectTotal(
    decodeSignature,
    signatures.map((frame) => frame.subarray(5)),
  );
});
