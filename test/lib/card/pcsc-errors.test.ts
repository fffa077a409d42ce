import { describe, expect, it } from "vitest";
import {
  bindingError,
  isCardReset,
  isSharingViolation,
  pcscError,
  serviceFault,
} from "../../../lib/card/pcsc-errors.ts";
import { PcscError } from "../../../lib/errors.ts";

/** As pcsc-mini 0.1.3 rejects. */
function mini(code: string): Error {
  return Object.assign(new Error("[ Session.TaskTransmit ] Async task error"), { code });
}

/** As pcsclite 1.0.1 calls back. */
function lite(text: string, number: string): Error {
  return new Error(`SCardTransmit error: ${text}(0x${number})`);
}

describe.each([
  ["SharingViolation", "8010000b", "CARD_BUSY"],
  ["NoSmartCard", "8010000c", "CARD_ABSENT"],
  ["UnknownReader", "80100009", "READER_ABSENT"],
  ["ReaderUnavailable", "80100017", "READER_ABSENT"],
  ["CommError", "80100013", "PCSC_UNAVAILABLE"],
  ["NoService", "8010001d", "PCSC_UNAVAILABLE"],
  ["NotTransacted", "80100016", "CARD_RESET"],
  ["ResetCard", "80100068", "CARD_RESET"],
  ["RemovedCard", "80100069", "CARD_RESET"],
  ["UnpoweredCard", "80100067", "CARD_RESET"],
])("%s, 0x%s", (name, number, code) => {
  it(`is ${code} from either binding, with its cause`, () => {
    for (const cause of [mini(name), lite("Some words.", number)]) {
      expect(pcscError("transmit", cause)).toMatchObject({ code, cause });
    }
  });
});

describe("an error of a binding", () => {
  it("means a card that does not answer, while connecting", () => {
    expect(pcscError("connect", mini("UnpoweredCard"), "connect").code).toBe("CARD_ABSENT");
    expect(pcscError("connect", lite("Card is unresponsive.", "80100066"), "connect").code).toBe("CARD_ABSENT");
    expect(pcscError("connect", mini("RemovedCard"), "connect").code).toBe("CARD_RESET");
  });

  it("that is not in the table keeps its words", () => {
    const error = pcscError("connect", mini("TooManyCardConnections"));
    expect(error).toMatchObject({
      code: "PCSC_UNAVAILABLE",
      details: { cause: expect.stringContaining("Async task") },
    });
    expect(pcscError("connect", new Error("no number (0x8010)")).code).toBe("PCSC_UNAVAILABLE");
    expect(pcscError("connect", "not an error").details).toEqual({ cause: "not an error" });
  });

  it("of ours passes unchanged", () => {
    const error = new PcscError("READER_ABSENT", "connect: there is no reader");
    expect(pcscError("transmit", error)).toBe(error);
  });

  it("for the watch is always PCSC_UNAVAILABLE", () => {
    expect(serviceFault(mini("UnknownReader")).code).toBe("PCSC_UNAVAILABLE");
    expect(serviceFault(mini("NoService")).hint).toContain("pcscd");
  });

  it("that refuses the user has a hint of its own", () => {
    expect(pcscError("connect", mini("SecurityViolation")).hint).toContain("polkit");
    expect(pcscError("connect", lite("Access denied.", "8010006a")).hint).toContain("polkit");
  });

  it("tells sharing and reset apart", () => {
    expect([mini("SharingViolation"), lite("Sharing violation.", "8010000b")].map(isSharingViolation)).toEqual([
      true,
      true,
    ]);
    expect(isSharingViolation(mini("ResetCard"))).toBe(false);
    expect(isCardReset(mini("ResetCard"))).toBe(true);
  });
});

describe("a binding that cannot be loaded", () => {
  it.each([
    ["pcsc-mini", "libpcsclite1"],
    ["pcsclite", "libpcsclite-dev"],
  ] as const)("%s names the package, the command and the cause", (binding, debianPackage) => {
    const cause = new Error("libpcsclite.so.1: cannot open shared object file");
    const error = bindingError(binding, cause);
    expect(error).toMatchObject({ code: "PCSC_UNAVAILABLE", details: { binding, cause: cause.message }, cause });
    expect(error.hint).toContain(debianPackage);
    expect(error.hint).toContain("npm ci");
  });
});
