import { describe, expect, it } from "vitest";
import {
  type AgentStatus,
  encodeAgentStatus,
  errorOf,
  faultOf,
  MAX_STATUS_BYTES,
  type RunningAgentStatus,
} from "../../lib/agent-status.ts";
import { decodeAgentStatus } from "../../lib/agent-status-reader.ts";
import { utf8 } from "../../lib/bytes.ts";
import { ERROR_CODES, PcscError } from "../../lib/errors.ts";

const RUNNING: RunningAgentStatus = {
  kind: "running",
  pid: 4711,
  version: "0.1.0",
  uptimeSeconds: 60,
  socket: "/run/agent.sock",
  pinCache: "session",
  pkcs11: {
    socket: "/run/p11",
    logins: [
      {
        ...{ card: "My Number card 0123abcd", key: "auth", program: "curl (1234)" },
        ...{ signatures: 3, maxSignatures: 1000, endsInSeconds: 3599 },
      },
      { card: "x", key: "sign", signatures: 0, maxSignatures: 1, endsInSeconds: 0 },
    ],
  },
  promptFault: { code: "PIN_NO_PROMPT", message: "no terminal", hint: "open one", details: { missing: ["DISPLAY"] } },
  devices: {
    binding: "pcsc-mini",
    readers: [{ name: "リーダー", state: "present" }],
    cards: [
      {
        state: "ready",
        reader: "リーダー",
        kind: "card",
        comment: "My Number card 0123abcd",
        fingerprint: "SHA256:x",
        triesLeft: { auth: 3, sign: 0 },
        notBefore: "2026-01-01T00:00:00.000Z",
        notAfter: "2031-01-01T00:00:00.000Z",
        pinRemembered: true,
      },
    ],
  },
};

const reread = (status: AgentStatus) => decodeAgentStatus(encodeAgentStatus(status));

describe("the document", () => {
  it.each([[{ kind: "locked" }], [RUNNING]] as const)("is read back as it was written: $kind", (status) => {
    expect(reread(status)).toEqual(status);
  });

  it("of a locked agent says that and nothing else", () => {
    expect(new TextDecoder().decode(encodeAgentStatus({ kind: "locked" }))).toBe('{"kind":"locked"}');
  });

  it("is read without the fields that a later version adds", () => {
    const later = utf8(JSON.stringify({ ...RUNNING, moon: "full" }));
    expect(decodeAgentStatus(later)).toEqual(RUNNING);
  });

  it("cuts long texts and lists", () => {
    const readers = Array.from({ length: 100 }, () => ({ name: "x".repeat(10_000), state: "empty" as const }));
    const { devices } = RUNNING;
    const bytes = encodeAgentStatus({ ...RUNNING, devices: { ...devices, readers } });
    expect(bytes.length).toBeLessThan(MAX_STATUS_BYTES / 4);
  });

  it.each([
    ["no JSON", utf8("{"), "MALFORMED"],
    ["another document", utf8('{"kind":"running"}'), "MALFORMED"],
    ["no UTF-8", Uint8Array.of(0xff), "MALFORMED"],
    ["a card with 16 tries", utf8(JSON.stringify(RUNNING).replace('"auth":3', '"auth":16')), "MALFORMED"],
    ["too long", new Uint8Array(MAX_STATUS_BYTES + 1), "TOO_LARGE"],
  ])("refuses %s", (_what, bytes, code) => {
    expect(() => decodeAgentStatus(bytes)).toThrowError(expect.objectContaining({ code }));
  });
});

describe("an error as data", () => {
  it.each(ERROR_CODES)("%s keeps its code over the wire", (code) => {
    const fault = { code, message: "m", details: {} };
    const read = reread({ ...RUNNING, promptFault: fault });
    expect(read.kind === "running" && read.promptFault?.code).toBe(code);
  });

  it("keeps message, hint and details", () => {
    const error = new PcscError("CARD_BUSY", "busy", { hint: "wait", details: { reader: "R" } });
    expect(errorOf(faultOf(error))).toMatchObject({
      code: "CARD_BUSY",
      message: "busy",
      hint: "wait",
      details: { reader: "R" },
    });
  });

  it("of a later version is an error all the same", () => {
    const text = JSON.stringify(RUNNING).replace("PIN_NO_PROMPT", "MOON_FULL");
    const read = decodeAgentStatus(utf8(text));
    expect(read.kind === "running" && read.promptFault?.code).toBe("IO_FAILED");
  });
});
