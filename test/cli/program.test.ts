import { describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { fakeDeps } from "../helpers/cli.ts";

const ENGLISH = { LANG: "en_US.UTF-8" };
const JAPANESE = { LANG: "ja_JP.UTF-8" };

describe("help and version", () => {
  it.each([
    [ENGLISH, /^Usage: jpki-agent /],
    [JAPANESE, /^使い方: jpki-agent /],
  ])("--help in %j lists every command and global option, on stdout", async (env, start) => {
    const deps = fakeDeps({ env });
    expect(await run(["--help"], deps)).toBe(0);
    expect(deps.err()).toBe("");
    expect(deps.out()).toMatch(start);
    for (const word of ["agent", "export-key", "demo", "--reader", "--card", "--pcsc-binding", "--config", "--json"])
      expect(deps.out()).toContain(word);
  });

  it.each([["sign"], ["verify"]])("%s --help names each default once, in words", async (command) => {
    const deps = fakeDeps({ env: { LANG: "ja_JP.UTF-8" } });
    expect(await run([command, "--help"], deps)).toBe(0);
    expect(deps.out()).not.toMatch(/default/);
  });

  it("agent --help lists its options", async () => {
    const deps = fakeDeps({ env: ENGLISH });
    expect(await run(["agent", "--help"], deps)).toBe(0);
    for (const word of [
      ...[
        "-a, --socket",
        "--background",
        "-c ",
        "-s ",
        "--pin-prompt",
        "--pinentry",
        "--pin-cache ",
        "--pin-cache-ttl",
      ],
      ...["--card-hold", "--wait-card", "--allow-sha1", "--allow-any-data", "--reader"],
      ...["--confirm", "--allow-forwarded", "--require-binding", "--certificate"],
    ])
      expect(deps.out()).toContain(word);
  });

  it("--version prints the version of package.json", async () => {
    const deps = fakeDeps();
    const { default: packageJson } = await import("../../package.json", { with: { type: "json" } });
    expect(await run(["--version"], deps)).toBe(0);
    expect(deps.out()).toBe(`${packageJson.version}\n`);
  });
});

it("the name of a file cannot steer the terminal by way of an error", async () => {
  const deps = fakeDeps({ env: ENGLISH });
  expect(await run(["verify", "no\u001b[31msuch\u202efile"], deps)).toBe(1);
  expect(deps.err()).toMatch(/no\ufffd\[31msuch\ufffdfile/);
  for (const control of ["\u001b", "\u202e"]) expect(deps.err()).not.toContain(control);
});

describe("usage errors", () => {
  const cases = [
    [[], "no-command"],
    [["agnet"], "unknown-command"],
    [["--foo"], "unknown-option"],
    [["agent", "--foo"], "unknown-option"],
    [["--card", "nfc", "demo"], "bad-option-value"],
    [["--pcsc-binding", "winscard", "demo"], "bad-option-value"],
    [["agent", "--pin-prompt", "gui"], "bad-option-value"],
    [["export-key", "--pin-prompt", "gui"], "bad-option-value"],
    [["export-key", "--pinentry"], "missing-value"],
    [["agent", "--pin-cache", "forever"], "bad-option-value"],
    [["agent", "--pin-cache-ttl", "-1"], "bad-option-value"],
    [["agent", "--card-hold", "3s"], "bad-option-value"],
    [["agent", "--card-hold", "1e3"], "bad-option-value"],
    [["agent", "--card-hold", "9999999"], "bad-option-value"],
    [["agent", "--card-hold", ""], "bad-option-value"],
    [["agent", "--wait-card", "-1"], "bad-option-value"],
    [["agent", "--pkcs11-pss", "yes"], "bad-option-value"],
    [["agent", "--pkcs11-login-ttl", "0"], "bad-option-value"],
    [["agent", "--pkcs11-login-signatures", "0"], "bad-option-value"],
    [["--card", "virtual", "agent", "-a", "/tmp/x/same", "--pkcs11-socket", "/tmp/x/same"], "same-socket"],
    [["agent", "-c", "-s"], "conflicting-options"],
    [["demo", "extra"], "too-many-arguments"],
    [["agent", "--background", "true"], "conflicting-options"],
    [["agent", "-k"], "no-agent"],
    [["export-key", "--format"], "missing-value"],
    [["export-key", "--format", "pem"], "bad-option-value"],
    [["export-key", "--format", "jwk", "--comment", "x"], "option-without-place"],
    [["export-key", "--format", "rfc4716", "--options", "restrict"], "option-without-place"],
    [["--config", "/nonexistent/config.toml", "export-key"], "unreadable-file"],
  ] as const;

  it.each(cases)("%j: one line on stderr, status 2", async (argv, problem) => {
    for (const env of [ENGLISH, JAPANESE]) {
      const deps = fakeDeps({ env });
      expect(await run(argv, deps)).toBe(2);
      expect(deps.out()).toBe("");
      expect(deps.err()).toMatch(/^jpki-agent: [^\n]+\n$/);
      expect(deps.err()).not.toContain("undefined");
    }
    const deps = fakeDeps();
    expect(await run(["--json", ...argv], deps)).toBe(2);
    expect(JSON.parse(deps.err())).toMatchObject({ code: "CONFIG_INVALID", details: { problem } });
  });

  it("names the unknown option and the one that was meant", async () => {
    const deps = fakeDeps({ env: ENGLISH });
    await run(["agent", "--card-hodl", "3"], deps);
    expect(deps.err()).toMatch(/--card-hodl.*--card-hold.*jpki-agent agent --help/);
  });
});
