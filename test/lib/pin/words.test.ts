import { describe, expect, it } from "vitest";
import type { SignPurpose } from "../../../lib/keys.ts";
import { wholeText } from "../../../lib/pin/answer-program.ts";
import { CODE_PARTS } from "../../../lib/pin/card-code.ts";
import type { ConfirmRequest, PinRequest } from "../../../lib/pin/prompt.ts";
import { englishPrompts } from "../../../lib/pin/words-en.ts";
import { japanesePrompts } from "../../../lib/pin/words-ja.ts";

const login: SignPurpose = { kind: "ssh-login", user: "taro", hosts: ["build.example.jp"], forwarded: false };
const request: PinRequest = {
  pin: "auth",
  card: "My Number card 0123abcd",
  reader: "SCR3310 00 00",
  purpose: login,
  program: "ssh",
  triesLeft: 3,
};

/** On a terminal: what is not ASCII takes two at most. */
const columnsOf = (line: string) => line.replaceAll(/[^\x20-\x7e]/g, "ww").length;

describe.each([
  [
    "en",
    englishPrompts,
    {
      lastTry: /municipal office/,
      wrong: /wrong/,
      malformed: /no try was used/,
      tries: /left: 3/,
      unknownTries: /left: unknown/,
    },
  ],
  [
    "ja",
    japanesePrompts,
    {
      lastTry: /市区町村窓口/,
      wrong: /違います/,
      malformed: /送っていない/,
      tries: /残り回数: 3回/,
      unknownTries: /残り回数: 不明/,
    },
  ],
] as const)("prompts in %s", (_language, prompts, words) => {
  const pinText = (question: PinRequest) => wholeText(prompts.pin(question));
  const confirmText = (question: ConfirmRequest) => wholeText(prompts.confirm(question));

  it("say which card, which reader, for what, who asks and how many tries are left", () => {
    const text = pinText(request);
    for (const part of ["My Number card 0123abcd", "SCR3310 00 00", "taro@build.example.jp", "ssh", words.tries])
      expect(text).toMatch(part);
    expect(text).not.toMatch(words.lastTry);
    expect(text).not.toMatch(words.wrong);
    expect(text).not.toMatch(/[:：]\s*$/);
  });

  it("make stand out what must: the last try, why it is asked again; and nothing else", () => {
    expect(prompts.pin(request).warning).toBe("");
    expect(prompts.pin({ ...request, triesLeft: 1, previous: "wrong" }).warning).toMatch(words.lastTry);
    expect(prompts.pin({ ...request, triesLeft: 1, previous: "wrong" }).warning).toMatch(words.wrong);
    expect(prompts.pin({ ...request, triesLeft: 2, previous: "malformed" }).warning).toMatch(words.malformed);
    expect(prompts.confirm({ kind: "last-try", request: { ...request, triesLeft: 1 } }).warning).toMatch(words.lastTry);
  });

  it("have what must stand out in lines of a terminal's width, for pinentry-curses cuts them", () => {
    for (const previous of ["wrong", "malformed"] as const)
      for (const line of prompts.pin({ ...request, triesLeft: 1, previous }).warning.split("\n")) {
        expect(columnsOf(line), line).toBeLessThanOrEqual(76);
      }
  });

  it("leave out what is not known, and say that the tries are not", () => {
    const text = pinText({ ...request, card: "", program: undefined, triesLeft: undefined });
    expect(text).not.toMatch(/undefined/);
    expect(text).not.toMatch(words.tries);
    expect(text).toMatch(words.unknownTries);
    expect(text.split("\n")).toHaveLength(4);
  });

  it("warn at one try left, also in the question for a yes", () => {
    expect(pinText({ ...request, triesLeft: 1 })).toMatch(words.lastTry);
    expect(confirmText({ kind: "last-try", request: { ...request, triesLeft: 1 } })).toMatch(words.lastTry);
  });

  it("say why they ask again", () => {
    expect(pinText({ ...request, previous: "wrong" })).toMatch(words.wrong);
    expect(pinText({ ...request, previous: "malformed" })).toMatch(words.malformed);
  });

  it.each([
    [{ ...login, hosts: [], hostKeyFingerprint: "SHA256:abc" }, "SHA256:abc"],
    [{ ...login, hosts: [] }, "taro"],
    [{ kind: "sshsig", namespace: "git" }, "git"],
    [{ kind: "sshsig", namespace: "file" }, "file"],
    [{ kind: "any-data", description: "TLS" }, "TLS"],
    [{ kind: "pkcs11-login", key: "auth", maxSignatures: 1000, seconds: 3600 }, "1000"],
    [{ kind: "pkcs11-login", key: "auth", maxSignatures: 1000, seconds: 3541 }, "60"],
    [{ kind: "pkcs11-sign", key: "sign", mechanism: "CKM_RSA_PKCS" }, "CKM_RSA_PKCS"],
    [{ kind: "command", command: "export-key" }, "jpki-agent export-key"],
  ] as const)("name the purpose %j", (purpose, part) => {
    expect(pinText({ ...request, purpose })).toContain(part);
  });

  it.each(["pkcs11-login", "pkcs11-sign"] as const)("tell the signature key from the other one: %s", (kind) => {
    const of = (key: "auth" | "sign") => {
      const about = { mechanism: "CKM_RSA_PKCS", maxSignatures: 1, seconds: 1 };
      return pinText({ ...request, purpose: { kind, key, ...about } });
    };
    expect(of("auth")).not.toMatch(/DIGITAL SIGNATURE|【署名用】/);
    expect(of("sign")).toMatch(/DIGITAL SIGNATURE|【署名用】/);
  });

  it("say what a login with the signature key discloses", () => {
    const purpose = { kind: "pkcs11-login", key: "sign", maxSignatures: 5, seconds: 60 } as const;
    expect(pinText({ ...request, pin: "sign", purpose })).toMatch(/name, address|氏名、住所/);
  });

  it("tell a forwarded request from one that is not", () => {
    const forwarded = { ...request, purpose: { ...login, forwarded: true } };
    expect(pinText(forwarded)).not.toBe(pinText(request));
  });

  it("ask whether to use the key: for what, by which program", () => {
    const text = confirmText({ kind: "use", card: "My Number card 0123abcd", purpose: login, program: "git" });
    for (const part of ["My Number card 0123abcd", "taro@build.example.jp", "git", /[?？]$/])
      expect(text).toMatch(part);
  });

  it("name every hop of a forwarded agent, by its fingerprint where known_hosts has no name", () => {
    const hops = [
      { names: ["bastion.example", "192.0.2.1"], fingerprint: "SHA256:aaa" },
      { names: [], fingerprint: "SHA256:bbb" },
      { names: ["evil\u001b[2J"], fingerprint: "SHA256:ccc" },
    ];
    const text = confirmText({ kind: "forwarded", card: "My Number card", purpose: login, hops });
    expect(text).toMatch(/bastion\.example, 192\.0\.2\.1.*SHA256:bbb.*evil/);
    expect(text).not.toMatch(/SHA256:aaa|[^\P{C}\n]/u);
  });

  it("ask for what is printed on the card: the era's year explained, tries and purpose as ever", () => {
    const code: PinRequest = {
      ...request,
      pin: "code-b",
      triesLeft: 10,
      purpose: { kind: "command", command: "card" },
    };
    const parts = CODE_PARTS.map((part) => ({ ...code, part }));
    const first = pinText({ ...code, part: "birth-date" });
    for (const example of ["昭和60年4月1日", "600401", "平成元年1月8日", "010108", "1989"])
      expect(first).toContain(example);
    for (const question of [...parts, code, { ...code, pin: "code-a" as const }]) {
      const text = pinText(question);
      expect(text).toMatch(/10/);
      expect(text).toContain("jpki-agent card");
      expect(prompts.pinLabel(question)).not.toMatch(/PIN|暗証番号/);
      for (const line of text.split("\n")) expect(columnsOf(line), line).toBeLessThanOrEqual(80);
    }
    expect(new Set([...parts, code].map((question) => prompts.pinLabel(question))).size).toBe(4);
    expect(prompts.pin({ ...code, previous: "wrong" }).warning).not.toMatch(/PIN|暗証番号/);
  });

  it("do not let a name from outside repaint the prompt", () => {
    const evil = "root\u001b[2J\r\n\u202eXPIN\u0007";
    const lines = pinText(request).split("\n").length;
    for (const purpose of [
      { ...login, user: evil },
      { ...login, hosts: [evil] },
      { kind: "sshsig", namespace: evil },
      { kind: "any-data", description: evil },
    ] as const) {
      const text = pinText({ ...request, purpose, reader: evil, card: evil, program: evil });
      expect(text.split("\n")).toHaveLength(lines);
      expect(text).not.toMatch(/[^\P{C}\n]/u);
    }
  });

  it("cut a name that is endless", () => {
    const text = pinText({ ...request, purpose: { ...login, user: "a".repeat(100_000) } });
    expect(text.length).toBeLessThan(1000);
  });
});
