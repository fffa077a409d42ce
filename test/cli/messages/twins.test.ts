/** That no message lacks its twin, walked at run time: the same places, each in its own language. */

import { describe, expect, it } from "vitest";
import { en } from "../../../cli/messages/en.ts";
import { ja } from "../../../cli/messages/ja.ts";

const JAPANESE = /[\u3040-\u30ff\u4e00-\u9fff]/;
/** Small words that an English sentence has, and no command, option or name. */
const ENGLISH = /\b(?:the|is|are|was|were|of|and|cannot|your|you|it|not|its|has|which|by)\b/i;
/** Official Japanese terms that English sentences name in brackets. */
const OFFICIAL_TERMS = /個人番号|照合番号[AB]?|番号法/g;
/** Names that are the same in both languages. */
const SAME_IN_BOTH = [
  ...["language", "help.shellName", "help.server", "prompts.title", "prompts.buttons.ok"],
  ...["doctor.levels.skipped", "doctor.indent", "pkcs11.programs.curl"],
];
/** Each has a test of its own, with every finding and every code. */
const TESTED_ELSEWHERE = /^(?:doctor\.findings\.|error$)/;

const login = { kind: "ssh-login", user: "taro", hosts: ["HOST"], forwarded: false } as const;
const pinRequest = { pin: "auth", card: "CARD", reader: "READER", purpose: login, triesLeft: 3 };
const use = { card: "CARD", purpose: login };
const entry = { key: "SHA256:KEY", comment: "CARD", result: "signed", data: "userauth", user: "taro", forwarded: true };
const entries = [
  { ...entry, hosts: ["HOST"], hostKey: "SHA256:HOST", program: "ssh" },
  ...["sshsig", "pkcs11", "pkcs11-sign", "unknown"].map((data) => ({
    ...entry,
    data,
    result: "refused",
    reason: "CODE",
  })),
];
const expired = { kind: "expired", daysLeft: 0 };
const valid = { kind: "valid", daysLeft: 100 };
const soon = { kind: "renewable", daysLeft: 60 };

/** What each function is called with, once or more. */
const SAMPLES: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  "prompts.pin": [
    [pinRequest],
    [{ ...pinRequest, triesLeft: 1, previous: "wrong", program: "git" }],
    [{ ...pinRequest, pin: "sign", purpose: { kind: "command", command: "pin change" }, role: "new" }],
    [{ ...pinRequest, previous: "malformed", purpose: { kind: "sshsig", namespace: "git" } }],
  ],
  "prompts.pinLabel": [[{ ...pinRequest, pin: "code-a" }], [{ ...pinRequest, role: "old" }]],
  "prompts.confirm": [
    [{ kind: "last-try", request: { ...pinRequest, triesLeft: 1 } }],
    [{ ...use, kind: "use" }],
    [{ ...use, kind: "forwarded", hops: [{ names: ["HOST"], fingerprint: "SHA256:HOST" }] }],
  ],
  "prompts.placeCard": [[{ ...use, otherCard: false }], [{ ...use, otherCard: true }]],
  "agent.serving": [["/SOCKET"], ["/SOCKET", "/P11-SOCKET"]],
  "agent.serviceReady": [["/SOCKET"]],
  "agent.killed": [[4711]],
  "signatures.entry": entries.map((each) => [each]),
  "signatures.notice": entries.map((each) => [each]),
  "status.agentRunning": [[4711, "1.0", 3600]],
  "status.socket": [["/SOCKET"]],
  "status.pcsc": [["BINDING"], [undefined]],
  "status.reader": ["empty", "present", "mute"].map((state) => ["READER", state]),
  "status.card": ["ready", "hidden", "not-jpki", "unreadable", "away"].map((state) => [state, "CARD", "READER"]),
  "status.key": [["SHA256:KEY"]],
  "status.triesLeft": [[{ auth: 3, sign: 1, text: 0 }]],
  "status.certificate": [valid, soon, expired, { kind: "not-yet-valid", daysLeft: 9 }].map((s) => [s, "2030-05-31"]),
  "status.pinRemembered": [[true], [false]],
  "status.lastRefusal": [["TIME", "ENTRY"]],
  "status.pkcs11Socket": [["/SOCKET"]],
  "status.pkcs11Login": ["auth", "sign"].map((key) => [
    { program: "curl", key, card: "CARD", signatures: 1, maxSignatures: 20, endsInSeconds: 60 },
  ]),
  "document.hashing": [["FILE"]],
  "document.writing": [["FILE"]],
  "doctor.summary": [
    [0, 0],
    [0, 2],
    [1, 0],
  ],
  "setUp.change.written": [["/PATH"]],
  "setUp.change.unchanged": [["/PATH"]],
  "setUp.change.removed": [["/PATH"]],
  "setUp.change.kept": [["/PATH"]],
  "setUp.installed": [["/SOCKET"]],
  "setUp.startedAtLogin": [["/SOCKET"]],
  "setUp.byHand": [["systemctl", ["systemctl --user daemon-reload"]]],
  "setUp.status": ["current", "different", "absent"].map((files) => [
    { files, active: true, running: false, status: "" },
  ]),
  "pin.card": [["CARD", "READER"]],
  "pin.state": ["usable", "blocked", "unknown"].map((state) => [{ pin: "auth", state, triesLeft: 3, maxTries: 3 }]),
  "pin.changed": [["auth"], ["sign"]],
  "pin.saved": [["CARD"]],
  "pin.forgotten": [[2]],
  "pin.erased": [[1]],
  "pin.notErased": [["REASON"]],
  "certificate.validity": [[valid], [soon], [expired]],
  "certificate.pinned": [[3], [undefined]],
  "certificate.birthDate": [[{ year: 1990, month: 4, day: 1, era: "heisei", raw: "419900401" }]],
  "certificate.check": [[{ check: "dates", result: "bad", reason: "expired", details: {} }]],
  "cardData.date": [[{ year: 1990, month: 4, day: 1, era: "heisei", raw: "419900401" }]],
  "cardData.image": [[1234]],
  "demo.cardReady": [["CARD"]],
  "demo.agentReady": [["/SOCKET"]],
  "demo.keyExported": [["ssh-rsa AAAA"]],
  "demo.serverReady": [["127.0.0.1", 2222]],
  "demo.greeting": [["taro"]],
  "demo.loggingIn": [["ssh -p 2222 taro"]],
  "demo.pinEntered": [
    ["1234", 3],
    ["1234", undefined],
  ],
  "demo.loggedIn": [["GREETING"]],
  "demo.failed": [["REASON"]],
};
/** Dates in figures have no words of either language. */
const NO_WORDS = ["certificate.birthDate", "cardData.date", "certificate.validity"];

/** Every string and function with its path. */
function* leaves(value: unknown, path: readonly string[] = []): Generator<readonly [string, unknown]> {
  if (typeof value !== "object" || value === null) return yield [path.join("."), value];
  for (const [name, inner] of Object.entries(value)) yield* leaves(inner, [...path, name]);
}

/** All that a leaf says. */
function sayings(path: string, leaf: unknown): readonly string[] {
  if (typeof leaf === "string") return [leaf];
  if (typeof leaf !== "function") throw new TypeError(`${path} is neither a text nor a function`);
  return (SAMPLES[path] ?? []).map((args) => JSON.stringify(leaf(...args)));
}

const english = new Map(leaves(en));
const japanese = new Map(leaves(ja));
const paths = [...english.keys()].filter((path) => !TESTED_ELSEWHERE.test(path));

it("both languages have the same places, of the same kind", () => {
  const shape = (of: ReadonlyMap<string, unknown>) => [...of].map(([path, leaf]) => `${path} ${typeof leaf}`).sort();
  expect(shape(japanese)).toEqual(shape(english));
});

it("every function is called below, and nothing else", () => {
  const functions = paths.filter((path) => typeof english.get(path) === "function");
  expect(Object.keys(SAMPLES).sort()).toEqual(functions.sort());
});

describe.each(paths)("%s", (path) => {
  it("is English in English, and Japanese in Japanese", () => {
    const both = [sayings(path, english.get(path)), sayings(path, japanese.get(path))] as const;
    for (const text of both.flat()) expect(text).not.toMatch(/undefined|NaN|\[object/);
    for (const text of both[0]) expect(text.replace(OFFICIAL_TERMS, "")).not.toMatch(JAPANESE);
    for (const text of both[1]) {
      if (!SAME_IN_BOTH.includes(path) && !NO_WORDS.includes(path)) expect(text).toMatch(JAPANESE);
      expect(text).not.toMatch(ENGLISH);
    }
  });
});
