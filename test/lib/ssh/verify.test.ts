import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ByteWriter, concatBytes, utf8 } from "../../../lib/bytes.ts";
import { decodePublicKey, type EcdsaCurve, encodeRsaBlob } from "../../../lib/ssh/public-key.ts";
import { type Verification, verifySshSignature } from "../../../lib/ssh/verify.ts";
import { encodeMpint } from "../../../lib/ssh/wire.ts";

const data = randomBytes(64);
const malformed = expect.objectContaining({ code: "MALFORMED" });

function base64url(text: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? "", "base64url"));
}

function string(...fields: readonly (string | Uint8Array)[]): Uint8Array {
  const writer = new ByteWriter();
  for (const field of fields) writer.string(field);
  return writer.finish();
}

function verify(keyBlob: Uint8Array, signature: Uint8Array, over: Uint8Array = data): Verification {
  return verifySshSignature(decodePublicKey(keyBlob), signature, over);
}

function rsaBlob(key: KeyObject): Uint8Array {
  const { n, e } = key.export({ format: "jwk" });
  return encodeRsaBlob({ modulus: base64url(n), exponent: base64url(e) });
}

function point(key: KeyObject): Uint8Array {
  const { x, y } = key.export({ format: "jwk" });
  return concatBytes(Uint8Array.of(4), base64url(x), base64url(y));
}

/** `mpint r · mpint s` of a signature that has both at full length. */
function ecdsaSignature(rs: Uint8Array): Uint8Array {
  return string(encodeMpint(rs.subarray(0, rs.length / 2)), encodeMpint(rs.subarray(rs.length / 2)));
}

describe("RSA", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const key = rsaBlob(publicKey);

  test.each([
    ["ssh-rsa", "sha1"],
    ["rsa-sha2-256", "sha256"],
    ["rsa-sha2-512", "sha512"],
  ])("%s", (algorithm, hash) => {
    const raw = sign(hash, data, privateKey);
    expect(verify(key, string(algorithm, raw))).toBe("valid");
    expect(verify(key, string(algorithm, raw), utf8("other data"))).toBe("invalid");
    expect(verify(key, string(algorithm, concatBytes(new Uint8Array(1), raw)))).toBe("invalid");
  });

  test("the algorithm's name decides the hash", () => {
    expect(verify(key, string("rsa-sha2-512", sign("sha256", data, privateKey)))).toBe("invalid");
  });

  test("a signature sent without its leading zeros", () => {
    for (let i = 0; ; i++) {
      const message = utf8(`message ${i}`);
      const raw = sign("sha256", message, privateKey);
      if (raw[0] !== 0) continue;
      expect(verify(key, string("rsa-sha2-256", raw.subarray(1)), message)).toBe("valid");
      break;
    }
  });

  test("an algorithm of another type of key is unsupported", () => {
    expect(verify(key, string("ssh-ed25519", new Uint8Array(64)))).toBe("unsupported");
    expect(verify(key, string("rsa-sha2-384", new Uint8Array(128)))).toBe("unsupported");
  });
});

describe("Ed25519", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = base64url(publicKey.export({ format: "jwk" }).x);
  const signature = sign(null, data, privateKey);

  test("plain", () => {
    const key = string("ssh-ed25519", raw);
    expect(verify(key, string("ssh-ed25519", signature))).toBe("valid");
    expect(verify(key, string("ssh-ed25519", signature), utf8("other data"))).toBe("invalid");
    expect(verify(key, string("ssh-ed25519", signature.subarray(1)))).toBe("invalid");
    expect(verify(key, string("ssh-rsa", signature))).toBe("unsupported");
  });

  test("of a FIDO key: the authenticator's words about itself are signed too", () => {
    const key = string("sk-ssh-ed25519@openssh.com", raw, "ssh:");
    const fido = sign(null, fidoData("ssh:", 1, 7), privateKey);
    const blob = (flags: number, counter: number) =>
      concatBytes(string("sk-ssh-ed25519@openssh.com", fido), new ByteWriter().u8(flags).u32(counter).finish());
    expect(verify(key, blob(1, 7))).toBe("valid");
    expect(verify(key, blob(5, 7))).toBe("invalid");
    expect(verify(key, blob(1, 8))).toBe("invalid");
    expect(verify(string("sk-ssh-ed25519@openssh.com", raw, "ssh:other"), blob(1, 7))).toBe("invalid");
    expect(verify(key, string("ssh-ed25519", signature))).toBe("unsupported");
  });
});

describe.each([
  ["nistp256", "P-256", "sha256"],
  ["nistp384", "P-384", "sha384"],
  ["nistp521", "P-521", "sha512"],
] as const satisfies readonly (readonly [EcdsaCurve, string, string])[])("ECDSA %s", (curve, namedCurve, hash) => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
  const type = `ecdsa-sha2-${curve}`;
  const key = string(type, curve, point(publicKey));
  const rs = sign(hash, data, { key: privateKey, dsaEncoding: "ieee-p1363" });

  test("valid, and not over other data", () => {
    expect(verify(key, string(type, ecdsaSignature(rs)))).toBe("valid");
    expect(verify(key, string(type, ecdsaSignature(rs)), utf8("other data"))).toBe("invalid");
    expect(verify(key, string("ecdsa-sha2-nistp192", ecdsaSignature(rs)))).toBe("unsupported");
  });

  test("r or s with a leading zero byte", () => {
    for (let i = 0; ; i++) {
      const message = utf8(`message ${i}`);
      const short = sign(hash, message, { key: privateKey, dsaEncoding: "ieee-p1363" });
      // P-521 has 9 bits in its first byte pair: a zero there is every other time.
      if (short[0] !== 0 && short[short.length / 2] !== 0) continue;
      expect(verify(key, string(type, ecdsaSignature(short)), message)).toBe("valid");
      break;
    }
  });

  test("r longer than the curve is invalid, and what is no pair of numbers malformed", () => {
    const long = string(new Uint8Array(67).fill(1), new Uint8Array(67).fill(1));
    expect(verify(key, string(type, long))).toBe("invalid");
    const unframed = new Uint8Array(64).fill(0xff);
    expect(() => verify(key, string(type, unframed))).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
    expect(() => verify(key, string(type, new Uint8Array(3)))).toThrow(malformed);
  });

  test("a point that is not on the curve is malformed", () => {
    const off = new Uint8Array(point(publicKey));
    off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
    expect(() => verify(string(type, curve, off), string(type, ecdsaSignature(rs)))).toThrow(malformed);
  });
});

test("ECDSA of a FIDO key", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const type = "sk-ecdsa-sha2-nistp256@openssh.com";
  const rs = sign("sha256", fidoData("ssh:", 5, 258), { key: privateKey, dsaEncoding: "ieee-p1363" });
  const blob = concatBytes(string(type, ecdsaSignature(rs)), new ByteWriter().u8(5).u32(258).finish());
  const key = string(type, "nistp256", point(publicKey), "ssh:");
  expect(verify(key, blob)).toBe("valid");
  expect(verify(key, blob, utf8("other data"))).toBe("invalid");
});

/** PROTOCOL.u2f: SHA256(application) · flags · counter · SHA256(message). */
function fidoData(application: string, flags: number, counter: number): Uint8Array {
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
  return new ByteWriter()
    .bytes(sha256(utf8(application)))
    .u8(flags)
    .u32(counter)
    .bytes(sha256(data))
    .finish();
}
