import { describe, expect, test } from "vitest";
import { KeyError } from "../../lib/errors.ts";
import type { LogLevel } from "../../lib/log.ts";
import { Pin } from "../../lib/pin/pin.ts";
import { createPinoLogger } from "../../lib/pino-log.ts";

function setUp(level: LogLevel = "trace") {
  const lines: string[] = [];
  const log = createPinoLogger({ level, destination: { write: (line) => void lines.push(line) } });
  return { log, lines, last: (): unknown => JSON.parse(lines.at(-1) ?? "null") };
}

describe("createPinoLogger", () => {
  test.each(["trace", "debug", "info", "warn", "error"] as const)("%s: level by name, ISO time, no host", (level) => {
    const { log, lines, last } = setUp();
    log[level]("hello %s", { reader: "R" });
    expect(last()).toEqual({
      level,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      reader: "R",
      msg: "hello %s",
    });
    expect(lines).toEqual([expect.stringMatching(/^[^\n]*\n$/)]);
  });

  test("a message alone", () => {
    const { log, last } = setUp();
    log.info("hello");
    expect(last()).toMatchObject({ msg: "hello" });
  });

  test("lines below the level are dropped", () => {
    const { log, lines } = setUp("info");
    log.trace("no");
    log.debug("no");
    log.info("yes");
    log.error("yes");
    expect(lines).toHaveLength(2);
  });

  test("an error with its code, its hint and its cause", () => {
    const { log, last } = setUp();
    const cause = new Error("root cause");
    log.error("failed", { error: new KeyError("KEY_UNKNOWN", "no such key", { hint: "look again", cause }) });
    expect(last()).toMatchObject({
      error: { code: "KEY_UNKNOWN", hint: "look again", message: expect.stringContaining("root cause") },
    });
  });

  test("an error's message stays a text", () => {
    const { log, last } = setUp();
    log.warn("failed", { error: "no such key" });
    expect(last()).toMatchObject({ error: "no such key" });
  });

  test("a secret by mistake is hidden, and the caller's object is left as it was", () => {
    const { log, lines, last } = setUp();
    const fields = { pin: "8642", a: { pin: "8642", password: "8642" }, b: { c: { pin: "8642" } } };
    log.info("oops", fields);
    log.info("oops", { password: "8642" });
    log.info("oops", { bytes: new Pin(new TextEncoder().encode("8642")) });
    expect(lines.join("")).not.toContain("8642");
    expect(lines.join("")).not.toContain("56"); // the codes of the digits
    expect(last()).toMatchObject({ bytes: "Pin(hidden)" });
    expect(fields.a.pin).toBe("8642");
  });
});
