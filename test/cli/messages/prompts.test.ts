import { describe, expect, it } from "vitest";
import { englishPrompts } from "../../../cli/messages/prompts-en.ts";
import { japanesePrompts } from "../../../cli/messages/prompts-ja.ts";
import type { SignPurpose } from "../../../lib/keys.ts";
import type { PinRequest } from "../../../lib/pin/prompt.ts";

const login: SignPurpose = { kind: "ssh-login", user: "taro", hosts: ["build.example.jp"], forwarded: false };
const request: PinRequest = {
  pin: "auth",
  card: "My Number card 0123abcd",
  reader: "SCR3310 00 00",
  purpose: login,
  program: "ssh",
  triesLeft: 3,
};

describe.each([
  [
    "en",
    englishPrompts,
    { lastTry: /municipal office/, wrong: /wrong/, malformed: /no try was used/, tries: /left: 3/ },
  ],
  [
    "ja",
    japanesePrompts,
    { lastTry: /市区町村窓口/, wrong: /違います/, malformed: /送っていない/, tries: /残り回数: 3回/ },
  ],
] as const)("prompts in %s", (_language, prompts, words) => {
  it("say which card, which reader, for what, who asks and how many tries are left", () => {
    const text = prompts.pin(request);
    for (const part of ["My Number card 0123abcd", "SCR3310 00 00", "taro@build.example.jp", "ssh", words.tries])
      expect(text).toMatch(part);
    expect(text).not.toMatch(words.lastTry);
    expect(text).not.toMatch(words.wrong);
    expect(text).not.toMatch(/[:：]\s*$/);
  });

  it("leave out what is not known", () => {
    const text = prompts.pin({ ...request, card: "", program: undefined, triesLeft: undefined });
    expect(text).not.toMatch(/undefined/);
    expect(text).not.toMatch(words.tries);
    expect(text.split("\n")).toHaveLength(3);
  });

  it("warn at one try left, also in the question for a yes", () => {
    expect(prompts.pin({ ...request, triesLeft: 1 })).toMatch(words.lastTry);
    expect(prompts.confirm({ kind: "last-try", request: { ...request, triesLeft: 1 } })).toMatch(words.lastTry);
  });

  it("say why they ask again", () => {
    expect(prompts.pin({ ...request, previous: "wrong" })).toMatch(words.wrong);
    expect(prompts.pin({ ...request, previous: "malformed" })).toMatch(words.malformed);
  });

  it.each([
    [{ ...login, hosts: [], hostKeyFingerprint: "SHA256:abc" }, "SHA256:abc"],
    [{ ...login, hosts: [] }, "taro"],
    [{ kind: "sshsig", namespace: "git" }, "git"],
    [{ kind: "sshsig", namespace: "file" }, "file"],
    [{ kind: "any-data", description: "TLS" }, "TLS"],
    [{ kind: "command", command: "export-key" }, "jpki-agent export-key"],
  ] as const)("name the purpose %j", (purpose, part) => {
    expect(prompts.pin({ ...request, purpose })).toContain(part);
  });

  it("tell a forwarded request from one that is not", () => {
    const forwarded = { ...request, purpose: { ...login, forwarded: true } };
    expect(prompts.pin(forwarded)).not.toBe(prompts.pin(request));
  });

  it("ask whether to use the key: for what, by which program", () => {
    const text = prompts.confirm({ kind: "use", card: "My Number card 0123abcd", purpose: login, program: "git" });
    for (const part of ["My Number card 0123abcd", "taro@build.example.jp", "git", /[?？]$/])
      expect(text).toMatch(part);
  });

  it("name every hop of a forwarded agent, by its fingerprint where known_hosts has no name", () => {
    const hops = [
      { names: ["bastion.example", "192.0.2.1"], fingerprint: "SHA256:aaa" },
      { names: [], fingerprint: "SHA256:bbb" },
      { names: ["evil\u001b[2J"], fingerprint: "SHA256:ccc" },
    ];
    const text = prompts.confirm({ kind: "forwarded", card: "My Number card", purpose: login, hops });
    expect(text).toMatch(/bastion\.example, 192\.0\.2\.1.*SHA256:bbb.*evil/);
    expect(text).not.toMatch(/SHA256:aaa|[^\P{C}\n]/u);
  });

  it("do not let a name from outside repaint the prompt", () => {
    const evil = "root\u001b[2J\r\n\u202eXPIN\u0007";
    const lines = prompts.pin(request).split("\n").length;
    for (const purpose of [
      { ...login, user: evil },
      { ...login, hosts: [evil] },
      { kind: "sshsig", namespace: evil },
      { kind: "any-data", description: evil },
    ] as const) {
      const text = prompts.pin({ ...request, purpose, reader: evil, card: evil, program: evil });
      expect(text.split("\n")).toHaveLength(lines);
      expect(text).not.toMatch(/[^\P{C}\n]/u);
    }
  });

  it("cut a name that is endless", () => {
    const text = prompts.pin({ ...request, purpose: { ...login, user: "a".repeat(100_000) } });
    expect(text.length).toBeLessThan(1000);
  });
});
