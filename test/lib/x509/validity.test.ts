import { describe, expect, it } from "vitest";
import { cardApplications } from "../../../lib/virtual-card/files.ts";
import { PROFILES } from "../../../lib/virtual-card/profiles.ts";
import { renewalOpens, validityOfCertificate, validityState } from "../../../lib/x509/validity.ts";
import { testPki } from "../../helpers/pki.ts";

const date = (text: string) => new Date(`${text}T00:00:00Z`);
const VALIDITY = { notBefore: date("2026-01-01"), notAfter: date("2030-05-31") };

describe("validityState", () => {
  it.each([
    ["2025-12-31", "not-yet-valid", 1612],
    ["2026-01-01", "valid", 1611],
    ["2030-02-27", "valid", 93],
    ["2030-02-28", "renewable", 92],
    ["2030-05-30", "renewable", 1],
    ["2030-05-31", "renewable", 0],
    ["2030-06-01", "expired", 0],
  ])("on %s: %s, %i days left", (now, kind, daysLeft) => {
    expect(validityState(VALIDITY, date(now))).toEqual({ kind, daysLeft });
  });
});

describe("renewalOpens", () => {
  it.each([
    ["2030-04-15", "2030-01-15"],
    ["2030-02-10", "2029-11-10"],
    ["2030-05-31", "2030-02-28"],
    ["2028-05-30", "2028-02-29"],
    ["2030-12-31", "2030-09-30"],
  ])("for %s on %s", (end, opens) => {
    expect(renewalOpens(date(end))).toEqual(date(opens));
  });
});

describe("validityOfCertificate", () => {
  it("reads both dates", async () => {
    const [application] = cardApplications(await testPki(), PROFILES.card);
    const file = application?.files.get(0x000a);
    const der = file?.kind === "data" ? file.content : new Uint8Array();
    const { notBefore, notAfter } = validityOfCertificate(der.slice(0, 4 + ((der[2] ?? 0) << 8) + (der[3] ?? 0)));
    expect(notAfter.getTime()).toBeGreaterThan(notBefore.getTime());
    expect(notBefore.getTime()).toBeLessThan(Date.now());
  });

  it("refuses what is no certificate", () => {
    expect(() => validityOfCertificate(Uint8Array.of(0x30, 0))).toThrowError(
      expect.objectContaining({ code: "MALFORMED" }),
    );
  });
});
