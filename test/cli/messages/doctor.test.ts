import { describe, expect, it } from "vitest";
import type { Finding, FindingFacts, FindingId } from "../../../cli/doctor/finding.ts";
import { finding } from "../../../cli/doctor/finding.ts";
import { en } from "../../../cli/messages/en.ts";
import { ja } from "../../../cli/messages/ja.ts";
import { BELIEFS } from "../../../lib/card/probe-notes.ts";

const JAPANESE = /[\u3040-\u30ff\u4e00-\u9fff]/;
/** Names that are the same in both languages. */
const NO_WORDS: readonly FindingId[] = ["node-ok", "card-ready"];

const fault = { code: "CARD_BUSY", message: "busy", hint: "wait", details: { reader: "READER" } } as const;
const place = { reader: "READER" };
const server = { server: "SERVER" };
const software = { ...server, software: "OpenSSH_6.8" };
const tries = { pin: "auth", triesLeft: 2, maxTries: 3 };
const dates = { date: "2030-05-31", daysLeft: 90 };
const socket = { socket: "/SOCKET" };

/** Facts of every finding: a new one is a type error here. */
const FACTS: FindingFacts = {
  "node-ok": { version: "20.19.0" },
  "node-old": { version: "18.0.0", needed: "20.19" },
  "binding-loads": { binding: "BINDING" },
  "binding-broken": { binding: "BINDING", fault },
  "binding-spare-broken": { binding: "BINDING", fault },
  "pcscd-runs": { version: "1.9.9" },
  "pcscd-absent": { installed: true },
  "pcscd-denied": { path: "/PATH" },
  "pcscd-built-in": {},
  "pcsc-works": { binding: "BINDING" },
  "pcsc-fault": { fault },
  "polkit-refuses": { path: "/PATH", rule: "RULE" },
  "polkit-allows": {},
  "polkit-unknown": {},
  "driver-found": { drivers: ["ifd-ccid"] },
  "driver-missing": { usbReaders: ["USB READER"] },
  "driver-built-in": {},
  "holders-none": {},
  "holders-some": {
    programs: [
      { name: "scdaemon", pid: 1, kind: "scdaemon" },
      { name: "pkcs11-tool", pid: 2, kind: "opensc" },
      { name: "firefox", pid: 3, kind: "browser" },
      { name: "?", pid: undefined, kind: "other" },
      { name: "node", pid: 4, kind: "jpki-agent" },
    ],
  },
  "holders-unknown": {},
  "reader-some": { readers: ["READER"] },
  "reader-none": { usbReaders: [] },
  "reader-unknown": {},
  "card-ready": { card: "CARD", ...place },
  "card-hidden": place,
  "card-foreign": place,
  "card-mute": place,
  "card-unreadable": { ...place, fault },
  "card-none": {},
  "card-unknown": {},
  "tries-left": tries,
  "tries-low": tries,
  "tries-blocked": { pin: "sign" },
  "certificate-valid": dates,
  "certificate-renewable": dates,
  "certificate-expired": dates,
  "certificate-early": dates,
  "prompt-way": { way: "pinentry", program: "/usr/bin/pinentry" },
  "prompt-none": { fault },
  "prompt-agent-fault": { fault },
  "prompt-shown": { answer: "answered" },
  "prompt-broken": { fault },
  "keychain-works": {},
  "keychain-fault": { fault },
  "agent-runs": { pid: 7, ...socket },
  "agent-locked": socket,
  "agent-absent": socket,
  "agent-silent": { ...socket, fault },
  "auth-sock-ours": { path: "/PATH" },
  "auth-sock-config": { path: "/PATH" },
  "auth-sock-unset": socket,
  "auth-sock-dead": { path: "/PATH", ...socket },
  "auth-sock-other": { path: "/PATH", agent: "gpg-agent", ...socket },
  "files-private": {},
  "files-open": { path: "/PATH", mode: "0777", wanted: "0700" },
  "server-modern": { ...software, algorithms: ["rsa-sha2-512"] },
  "server-sha1-only": software,
  "server-no-rsa": { ...server, algorithms: ["ssh-ed25519"] },
  "server-silent-on-algorithms": software,
  "server-no-publickey": { ...server, methods: ["password"] },
  "server-too-old": { ...server, reason: "REASON" },
  "server-unreachable": { ...server, reason: "REASON" },
  "server-no-ssh": {},
  "server-permissions": server,
};

const ALL = Object.keys(FACTS).filter(isId).map(sample);

function isId(text: string): text is FindingId {
  return text in FACTS;
}

function sample(id: FindingId): Finding {
  return finding("ok", id, FACTS[id]);
}

describe.each(ALL)("$id", ({ id, say }) => {
  const english = say(en.doctor.findings);
  const japanese = say(ja.doctor.findings);

  it("is said in both languages, with every fact", () => {
    for (const { text, mend = "" } of [english, japanese]) {
      expect(text).not.toBe("");
      expect(`${text} ${mend}`).not.toMatch(/undefined|null|NaN|\[object/);
    }
    expect(english.text).not.toMatch(JAPANESE);
    if (!NO_WORDS.includes(id)) expect(japanese.text).toMatch(JAPANESE);
  });

  it("has its mend in both languages or in neither", () => {
    expect(japanese.mend === undefined).toBe(english.mend === undefined);
  });
});

it("the report names every belief in both languages", () => {
  for (const belief of BELIEFS) {
    expect(en.report.beliefs[belief]).not.toMatch(JAPANESE);
    expect(ja.report.beliefs[belief]).toMatch(JAPANESE);
  }
  for (const { steps } of [en.report, ja.report])
    for (const step of Object.values(steps)) expect(`jpki-agent doctor --report: ${step}`.length).toBeLessThan(100);
});
