import { describe, expect, it } from "vitest";
import { exitStatusOf, exitStatusOfCode } from "../../cli/exit-status.ts";
import { ERROR_CODES, PinError } from "../../lib/errors.ts";

/** As README.md promises. */
const STATUS = {
  PCSC_UNAVAILABLE: 3,
  READER_ABSENT: 3,
  CARD_ABSENT: 4,
  CARD_BUSY: 7,
  CARD_RESET: 4,
  CARD_STATUS: 1,
  NOT_JPKI: 4,
  PIN_FORMAT: 5,
  PIN_WRONG: 5,
  PIN_BLOCKED: 6,
  PIN_CANCELLED: 5,
  PIN_PROTECTED: 6,
  PIN_NO_PROMPT: 5,
  KEYCHAIN_UNAVAILABLE: 1,
  KEY_UNKNOWN: 1,
  ALGORITHM_UNSUPPORTED: 1,
  POLICY_REFUSED: 8,
  MALFORMED: 1,
  TOO_LARGE: 1,
  SOCKET_IN_USE: 1,
  SOCKET_UNSAFE: 1,
  CONFIG_INVALID: 2,
  IO_FAILED: 1,
};

describe("exit status", () => {
  it.each(ERROR_CODES)("of %s", (code) => {
    expect(exitStatusOfCode(code)).toBe(STATUS[code]);
  });

  it("of an error is that of its code", () => {
    expect(exitStatusOf(new PinError("PIN_BLOCKED", "x"))).toBe(6);
  });

  it("of anything else is 1", () => {
    expect(exitStatusOf(new TypeError("x"))).toBe(1);
    expect(exitStatusOf("x")).toBe(1);
  });
});
