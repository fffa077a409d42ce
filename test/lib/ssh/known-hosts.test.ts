import { describe, expect, test } from "vitest";
import { fromHex } from "../../../lib/bytes.ts";
import { type HostLookup, hostKeyMatches, namesOfHostKey, parseKnownHosts } from "../../../lib/ssh/known-hosts.ts";
import { expectTotal } from "../../helpers/mutations.ts";
import { loadVectors } from "../../helpers/vectors.ts";

const text = loadVectors<{ text: readonly string[] }>("known-hosts.json").text.join("\n");
const { certificates } = loadVectors<{
  certificates: readonly { readonly name: string; readonly blob: string; readonly keyBlob: string }[];
}>("keys.json");
const known = parseKnownHosts(text);
const IN_2026 = 1_767_225_600;
const lookup: HostLookup = { candidates: [], unixSeconds: IN_2026 };

function keyOf(name: string): Uint8Array {
  return fromHex(certificates.find((certificate) => certificate.name === `host ${name}`)?.keyBlob ?? "");
}

function certificateOf(name: string): Uint8Array {
  return fromHex(certificates.find((certificate) => certificate.name === name)?.blob ?? "");
}

/** Only the lines that hold `word`. */
function linesWith(word: string): string {
  return text
    .split("\n")
    .filter((line) => line.includes(word))
    .join("\n");
}

describe("parseKnownHosts", () => {
  test("takes every kind of line and counts those that are none", () => {
    expect(known.hosts.map(({ marker, names }) => `${marker} ${names.kind}`)).toEqual([
      "none patterns",
      "none patterns",
      "none patterns",
      "none hashed",
      "none hashed",
      "cert-authority patterns",
      "none patterns",
      "revoked patterns",
    ]);
    const bad = ["@nonsense", "short.example", "wrong.example", "|1|AAAA|BBBB"];
    const lines = text.split("\n");
    expect(known.badLines).toEqual(bad.map((start) => lines.findIndex((line) => line.startsWith(start)) + 1));
  });

  test("takes CRLF, tabs, blanks in front, and no line end at the end", () => {
    const changed = text.trimEnd().replaceAll("\n", "\r\n  ");
    expect(parseKnownHosts(changed)).toEqual(known);
    expect(parseKnownHosts(text.replaceAll(" ", "\t")).hosts).toHaveLength(known.hosts.length);
  });

  test("an empty file", () => {
    expect(parseKnownHosts("")).toEqual({ hosts: [], badLines: [] });
  });
});

describe("namesOfHostKey", () => {
  test("all names of all lines of a key, in lower case", () => {
    expect(namesOfHostKey(known, keyOf("ed25519"), lookup)).toEqual([
      "host.example",
      "192.0.2.1",
      "[port.example]:2222",
    ]);
  });

  test("a pattern is given as it is, and a candidate that fits it", () => {
    const candidates = ["a.wild.example", "NOT.wild.example", "host.example"];
    expect(namesOfHostKey(known, keyOf("p256"), { ...lookup, candidates })).toEqual([
      "*.wild.example",
      "a.wild.example",
    ]);
  });

  test("hashed names are found by candidates only, port included", () => {
    expect(namesOfHostKey(known, keyOf("p384"), lookup)).toEqual([]);
    const candidates = ["other.example", "secret.example", "[SECRET.example]:2222", "[secret.example]:22"];
    expect(namesOfHostKey(known, keyOf("p384"), { ...lookup, candidates })).toEqual([
      "secret.example",
      "[secret.example]:2222",
    ]);
  });

  test("a revoked key has no name, certified or not", () => {
    expect(namesOfHostKey(parseKnownHosts(linesWith("revoked.example")), keyOf("p521"), lookup)).toEqual([
      "revoked.example",
    ]);
    expect(namesOfHostKey(known, keyOf("p521"), { ...lookup, candidates: ["revoked.example"] })).toEqual([]);
    expect(namesOfHostKey(known, certificateOf("host p521"), lookup)).toEqual([]);
  });

  test("a key that nobody knows has no name", () => {
    expect(namesOfHostKey(known, keyOf("rsa"), { ...lookup, candidates: ["host.example"] })).toEqual([]);
  });

  test("an authority's key is not a host's", () => {
    const authority = known.hosts.find(({ marker }) => marker === "cert-authority")?.keyBlob ?? new Uint8Array();
    expect(namesOfHostKey(known, authority, { ...lookup, candidates: ["127.0.0.1"] })).toEqual([]);
  });
});

describe("host certificates", () => {
  const certificate = certificateOf("host rsa");

  test("the principals that the authority's line covers", () => {
    expect(namesOfHostKey(known, certificate, lookup)).toEqual(["127.0.0.1", "host.example"]);
  });

  test("the lines of the key inside count too", () => {
    expect(namesOfHostKey(known, certificateOf("host ed25519"), lookup)).toContain("[port.example]:2222");
  });

  test("not before and not after its time", () => {
    for (const unixSeconds of [1_577_836_799, 2_208_988_800])
      expect(namesOfHostKey(known, certificate, { ...lookup, unixSeconds })).toEqual([]);
  });

  test("not from an authority nobody knows", () => {
    expect(namesOfHostKey(parseKnownHosts(linesWith("Port.Example")), certificate, lookup)).toEqual([]);
  });

  test("not from a revoked authority", () => {
    const line = linesWith("@cert-authority");
    const revoked = line.replace("@cert-authority *.example,127.0.0.1", "@revoked *");
    expect(namesOfHostKey(parseKnownHosts(`${line}\n${revoked}`), certificate, lookup)).toEqual([]);
  });

  test("not with a signature that is not the authority's: anyone can write its key into a certificate", () => {
    const forged = new Uint8Array(certificate);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    expect(namesOfHostKey(known, forged, lookup)).toEqual([]);
  });

  test("not a user's certificate of the same authority", () => {
    const anywhere = parseKnownHosts(linesWith("@cert-authority").replace("*.example,127.0.0.1", "*"));
    expect(namesOfHostKey(anywhere, certificate, lookup)).toHaveLength(3);
    expect(namesOfHostKey(anywhere, certificateOf("user rsa"), lookup)).toEqual([]);
  });
});

describe("hostKeyMatches", () => {
  test.each([
    ["ed25519", ["host.example"], true],
    ["ed25519", ["HOST.example"], true],
    ["ed25519", ["*.example"], true],
    ["ed25519", ["192.0.2.?"], true],
    ["ed25519", ["[port.example]:2222"], true],
    ["ed25519", ["port.example"], false],
    ["ed25519", ["*.example", "!host.example"], false],
    ["ed25519", ["!host.example"], false],
    ["ed25519", [], false],
    ["p256", ["a.wild.example"], true],
    ["p256", ["not.wild.example"], false],
    ["p256", ["*.example"], true],
    ["p256", ["wild.example"], false],
    ["p384", ["secret.example"], true],
    ["p384", ["*.example"], false],
    ["p384", ["[secret.example]:2222", "!secret.example"], false],
    ["p521", ["*"], false],
    ["rsa", ["*"], false],
  ])("%s key, allowed %j: %s", (name, allowed, expected) => {
    expect(hostKeyMatches(known, keyOf(name), allowed, IN_2026)).toBe(expected);
  });
});

test("random and mutated host keys give names or a named error", () => {
  const seeds = certificates.flatMap(({ blob, keyBlob }) => [fromHex(blob), fromHex(keyBlob)]);
  expectTotal((blob) => namesOfHostKey(known, blob, lookup), seeds, 1000);
});

test("random and mutated files are read without an error", () => {
  const seed = new TextEncoder().encode(text);
  expectTotal((bytes) => parseKnownHosts(new TextDecoder().decode(bytes)), [seed]);
});
