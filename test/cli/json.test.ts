/**
 * Every command with --json, against docs/scripting.md: what is said there is what comes out. A new command is missing
 * here until it has its line and its example.
 */

import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allCommands, commandTree } from "../../cli/completion/tree.ts";
import { exitStatusOfCode } from "../../cli/exit-status.ts";
import { en } from "../../cli/messages/en.ts";
import { buildProgram, run } from "../../cli/program.ts";
import { ERROR_CODES } from "../../lib/errors.ts";
import { type FakeDeps, fakeDeps } from "../helpers/cli.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

interface Case {
  readonly argv: readonly string[];
  /** Default 0. `any`: it depends on the machine. */
  readonly status?: number | "any";
  /** The state folder, where it must not be the common one. */
  readonly state?: string;
}

/** Of the built-in card, in this order. `@` is a file in the folder of the test. */
const COMMANDS: readonly (readonly [command: string, how: Case])[] = [
  ["export-key", { argv: [] }],
  ["sign", { argv: ["@document", "--key", "auth", "-o", "@document.p7s"] }],
  ["sign", { argv: ["@document", "--format", "raw", "-o", "@document.sig"] }],
  ["verify", { argv: ["@document", "@document.p7s", "--key", "auth"], status: 9 }],
  ["status", { argv: [] }],
  ["doctor", { argv: [], status: "any" }],
  ["pin status", { argv: [] }],
  ["cert", { argv: ["auth"] }],
  ["cert", { argv: ["auth-ca"] }],
  ["cert", { argv: ["sign"] }],
  ["verify-cert", { argv: ["auth"], status: 9 }],
  ["card attributes", { argv: [] }],
  ["card number", { argv: ["--i-may"] }],
  ["card face", { argv: [] }],
  ["card face", { argv: ["-o", "@images"] }],
  ["card photo", { argv: [] }],
  ["release", { argv: [] }],
  ["env", { argv: ["--shell", "bash"] }],
  ["service install", { argv: [] }],
  ["service status", { argv: [] }],
  ["service uninstall", { argv: [] }],
  ["pkcs11 env", { argv: ["--shell", "bash"] }],
  ["pkcs11 server-config", { argv: ["nginx"] }],
  ["log", { argv: [] }],
  ["completion", { argv: ["bash"] }],
  ["demo", { argv: [] }],
  ["pin change", { argv: ["auth"] }],
  // With no card's key known, for else it would ask the keychain of whoever runs the tests.
  ["pin forget", { argv: [], state: "none" }],
];

/** Their results are looked at elsewhere: one serves until it is stopped, the other needs a keychain. */
const LOOKED_AT_ELSEWHERE = ["agent", "pin save"];

const DOCUMENT = readFileSync("docs/scripting.md", "utf8");

/** The example under a command's heading. */
const EXAMPLES: ReadonlyMap<string, unknown> = new Map(
  Array.from(
    DOCUMENT.matchAll(/^### `([a-z0-9 -]+)`\n[\s\S]*?^```json\n([\s\S]*?)^```$/gm),
    ([, name = "", json = ""]) => [name, JSON.parse(json)],
  ),
);

const LEAVES = allCommands(
  commandTree(buildProgram({ argv: [], deps: fakeDeps(), messages: en, setStatus: () => {} })),
).filter(({ commands }) => commands.length === 0);

const ASKPASS = `#!/bin/sh
case "$1" in
*"New PIN"* | *"new PIN"*) echo 4321 ;;
*"birth date"*) echo 020401 ;;
*"year until"*) echo 2032 ;;
*"ecurity code"*) echo 5678 ;;
*"text information"*) echo 2345 ;;
*"digital signature"*) echo TEST1234 ;;
*) echo 1234 ;;
esac
`;

let dir: TempDir;
let agent: FakeDeps;
let agentEnd: Promise<number>;

beforeAll(async () => {
  dir = await tempDir();
  await mkdir(at("bin"));
  await writeFile(at("bin/systemctl"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  await writeFile(at("askpass"), ASKPASS, { mode: 0o755 });
  await writeFile(at("document"), "契約書\n");
  agent = deps("state");
  agentEnd = run(["--card", "virtual", "--json", "agent"], agent);
  await agent.said;
});
afterAll(async () => {
  agent.stop();
  await agentEnd;
  await dir.remove();
});

function at(name: string): string {
  return join(dir.path, name);
}

function deps(state: string): FakeDeps {
  const env = {
    PATH: `${at("bin")}:${process.env["PATH"]}`,
    XDG_STATE_HOME: at(state),
    XDG_RUNTIME_DIR: at("r"),
    SSH_ASKPASS: at("askpass"),
    SSH_ASKPASS_REQUIRE: "force",
  };
  return { ...fakeDeps({ env, home: dir.path }), platform: "linux" };
}

it("every command is here, and has its example in docs/scripting.md", () => {
  const names = LEAVES.map(({ path }) => path.join(" ")).sort();
  const here = new Set([...COMMANDS.map(([name]) => name), ...LOOKED_AT_ELSEWHERE]);
  expect([...here].sort()).toEqual(names);
  expect([...EXAMPLES.keys()].sort()).toEqual(names);
});

describe("on stdout is one JSON value, as in the example", () => {
  it("of agent", () => {
    expect(misfits(JSON.parse(agent.out()), EXAMPLES.get("agent"))).toEqual([]);
  });

  it.each(COMMANDS)("of %s %j", async (name, { argv, status = 0, state = "state" }) => {
    const own = deps(state);
    const words = argv.map((word) => word.replace(/^@/, `${dir.path}/`));
    const ended = await run([...name.split(" "), ...words, "--card", "virtual", "--json"], own);
    if (status !== "any") expect(ended, own.err()).toBe(status);
    expect(own.out()).toMatch(/^[^\n]+\n$/);
    expect(misfits(JSON.parse(own.out()), EXAMPLES.get(name))).toEqual([]);
  });
});

describe("an error is the last line of stderr, and nothing is on stdout", () => {
  it.each(LEAVES.map(({ path }) => path.join(" ")))("%s with an option that does not exist", async (name) => {
    const own = deps("state");
    expect(await run([...name.split(" "), "--no-such-option", "--json"], own)).toBe(2);
    expect(own.out()).toBe("");
    const error = JSON.parse(own.err().trimEnd().split("\n").at(-1) ?? "");
    expect(error).toMatchObject({ code: "CONFIG_INVALID", details: { problem: "unknown-option" } });
    expect(misfits(error, firstExampleOf("## Errors"))).toEqual([]);
  });

  it.each([
    ["export-key"],
    ["pin status"],
    ["pin change", "auth"],
    ["pin save"],
    ["cert", "auth"],
    ["card attributes"],
    ["sign", "@document", "-o", "@other.p7s"],
  ])("%s without the reader", async (name, ...argv) => {
    const own = deps("state");
    const words = argv.map((word) => word.replace(/^@/, `${dir.path}/`));
    const flags = ["--card", "virtual", "--reader", "no such reader", "--json"];
    expect(await run([...name.split(" "), ...words, ...flags], own)).toBe(3);
    expect(own.out()).toBe("");
    expect(JSON.parse(own.err().trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
      code: "READER_ABSENT",
      message: expect.any(String),
      hint: expect.any(String),
    });
  });

  it("the options of another program are left to it", async () => {
    const own = deps("state");
    expect(await run(["--card", "virtual", "agent", "-k", "true", "--json"], own)).toBe(2);
    expect(own.err()).toMatch(/^jpki-agent: /);
  });
});

describe("the table of exit statuses", () => {
  const rows = new Map(
    Array.from(DOCUMENT.matchAll(/^\| (\d) +\|[^|\n]*\|([^|\n]*)\|$/gm), ([, status, codes = ""]) => [
      Number(status),
      Array.from(codes.matchAll(/`([A-Z_]+)`/g), ([, code]) => code),
    ]),
  );

  it("names every error code where it belongs", () => {
    for (const code of ERROR_CODES) expect(rows.get(exitStatusOfCode(code)), code).toContain(code);
    expect([...rows.values()].flat().sort()).toEqual([...ERROR_CODES, "INTERNAL"].sort());
    expect([...rows.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

it("both languages have the same examples", () => {
  const blocks = (text: string) => text.match(/^```(?:json|sh)\n[\s\S]*?^```$/gm);
  expect(blocks(readFileSync("docs/scripting.ja.md", "utf8"))).toEqual(blocks(DOCUMENT));
});

function firstExampleOf(heading: string): unknown {
  const section = DOCUMENT.slice(DOCUMENT.indexOf(`\n${heading}\n`));
  return JSON.parse(/^```json\n([\s\S]*?)^```$/m.exec(section)?.[1] ?? "");
}

/**
 * Where `value` has what the example does not: a key, or another type. What may be missing is not told here. An empty
 * object or list in the example stands for any.
 */
function misfits(value: unknown, example: unknown, path = "$"): string[] {
  if (Array.isArray(value) && Array.isArray(example))
    return example.length === 0 ? [] : value.flatMap((item, i) => misfits(item, merged(example), `${path}[${i}]`));
  if (isRecord(value) && isRecord(example)) {
    if (Object.keys(example).length === 0) return [];
    return Object.entries(value).flatMap(([key, item]) =>
      key in example ? misfits(item, example[key], `${path}.${key}`) : [`${path}.${key}`],
    );
  }
  return typeof value === typeof example && Array.isArray(value) === Array.isArray(example) ? [] : [path];
}

/** The items of a list that is to show all there can be in one. */
function merged(items: readonly unknown[]): unknown {
  return items.every(isRecord) ? Object.assign({}, ...items) : items[0];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
