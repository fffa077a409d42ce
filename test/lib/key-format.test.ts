import { createPublicKey, generateKeyPairSync } from "node:crypto";
import sshpk from "sshpk";
import { describe, expect, it } from "vitest";
import { formatPublicKey } from "../../lib/key-format.ts";

const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = publicKey.export({ format: "jwk" });
const key = { modulus: base64urlBytes(jwk.n), exponent: base64urlBytes(jwk.e) };
const pem = publicKey.export({ format: "pem", type: "spki" });
const comment = "My Number card 0123abcd";

function base64urlBytes(text: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? "", "base64url"));
}

describe("formatPublicKey", () => {
  it("writes a line of authorized_keys that sshpk reads", async () => {
    const line = await formatPublicKey(key, { format: "openssh", comment });
    expect(line).toMatch(/^ssh-rsa [A-Za-z0-9+/=]+ My Number card 0123abcd\n$/);
    const read = sshpk.parseKey(line, "ssh");
    expect(read.comment).toBe(comment);
    expect(read.toString("pkcs8").trim()).toBe(String(pem).trim());
  });

  it("puts the options before the key, and leaves no space where there is no comment", async () => {
    expect(await formatPublicKey(key, { format: "openssh", comment: "", options: "restrict,pty" })).toMatch(
      /^restrict,pty ssh-rsa [A-Za-z0-9+/=]+\n$/,
    );
  });

  it("writes the PEM that OpenSSL writes", async () => {
    expect(await formatPublicKey(key, { format: "pkcs8", comment })).toBe(pem);
  });

  it("writes a JWK that Node reads", async () => {
    const text = await formatPublicKey(key, { format: "jwk", comment });
    expect(text.endsWith("}\n")).toBe(true);
    const read = createPublicKey({ key: JSON.parse(text), format: "jwk" });
    expect(read.export({ format: "pem", type: "spki" })).toBe(pem);
  });

  it("writes RFC 4716 with lines of at most 72 bytes, which unfold to the comment", async () => {
    const long = "予備のカード・".repeat(12);
    const text = await formatPublicKey(key, { format: "rfc4716", comment: long });
    const lines = text.trimEnd().split("\n");
    expect(lines[0]).toBe("---- BEGIN SSH2 PUBLIC KEY ----");
    expect(lines.at(-1)).toBe("---- END SSH2 PUBLIC KEY ----");
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(72);
    const unfolded = text.replaceAll("\\\n", "");
    expect(unfolded).toContain(`\nComment: "${long}"\n`);
    const body = unfolded.split("\n").slice(2, -2).join("");
    expect(sshpk.parseKey(Buffer.from(body, "base64"), "rfc4253").toString("pkcs8").trim()).toBe(String(pem).trim());
  });

  it.each([
    { comment: "a\nssh-rsa AAAA", options: undefined },
    { comment: "", options: 'command="x"\n' },
  ])("refuses a second line: %j", (texts) => {
    return expect(formatPublicKey(key, { format: "openssh", ...texts })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
  });
});
