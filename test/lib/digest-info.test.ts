import { constants, createHash, generateKeyPairSync, publicDecrypt, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { concatBytes, fromHex } from "../../lib/bytes.ts";
import { encodeDigestInfo, type HashName, hashOfDigestInfo } from "../../lib/digest-info.ts";

const HASHES: readonly HashName[] = ["sha1", "sha256", "sha384", "sha512"];
const DATA = new TextEncoder().encode("data");

const digestOf = (hash: string) => createHash(hash).update(DATA).digest();

describe.each(HASHES)("%s", (hash) => {
  const made = encodeDigestInfo(hash, digestOf(hash));

  it("is what OpenSSL signs", () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const signed = publicDecrypt(
      { key: publicKey, padding: constants.RSA_PKCS1_PADDING },
      sign(hash, DATA, privateKey),
    );
    expect(made).toEqual(new Uint8Array(signed));
  });

  it("is known again, whole and nothing else", () => {
    expect(hashOfDigestInfo(made)).toBe(hash);
    expect(hashOfDigestInfo(made.subarray(0, -1))).toBeUndefined();
    expect(hashOfDigestInfo(concatBytes(made, Uint8Array.of(0)))).toBeUndefined();
    expect(hashOfDigestInfo(digestOf(hash))).toBeUndefined();
    for (let i = 0; i < made.length - digestOf(hash).length; i++) {
      const other = new Uint8Array(made);
      other[i] = (other[i] ?? 0) ^ 1;
      expect(hashOfDigestInfo(other)).toBeUndefined();
    }
  });

  it("wants a digest of its length", () => {
    expect(() => encodeDigestInfo(hash, digestOf(hash).subarray(1))).toThrow(
      expect.objectContaining({ code: "MALFORMED" }),
    );
  });
});

it("MD5 is not known", () => {
  expect(
    hashOfDigestInfo(concatBytes(fromHex("3020300c06082a864886f70d020505000410"), digestOf("md5"))),
  ).toBeUndefined();
});
