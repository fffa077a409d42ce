import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { manPage } from "../../cli/man-page.ts";
import { run } from "../../cli/program.ts";
import packageJson from "../../package.json" with { type: "json" };
import { fakeDeps } from "../helpers/cli.ts";

/** Options that the READMEs need not name, or name by their short form. */
const OWN_SHORT_FORM = ["--help", "--version", "--verbose", "--output"];

/** The commands below `command` and its own options, as `--help` shows them. */
async function helpOf(command: string): Promise<{ commands: string[]; options: string[] }> {
  const deps = fakeDeps({ env: { LANG: "C" } });
  expect(await run([...command.split(" ").filter(Boolean), "--help"], deps)).toBe(0);
  const blocks = deps.out().split("\n\n");
  const names = (title: string, pattern: RegExp) => {
    const block = blocks.find((text) => text.startsWith(`${title}:\n`)) ?? "";
    return Array.from(block.matchAll(pattern), ([, name = ""]) => name);
  };
  return {
    commands: names("Commands", /^ {2}([a-z][a-z0-9-]*)/gm).map((name) => `${command} ${name}`.trim()),
    options: names("Options", /^ {2}(?:-\w, )?(--[a-z][a-z0-9-]*|-\w)\b/gm),
  };
}

/** Every command with its options, the whole program's under "". */
async function allHelp(command = ""): Promise<ReadonlyMap<string, readonly string[]>> {
  const { commands, options } = await helpOf(command);
  const below = await Promise.all(commands.map((name) => allHelp(name)));
  return new Map([[command, options], ...below.flatMap((map) => [...map])]);
}

const help = await allHelp();

it("finds the commands and options", () => {
  expect([...help.keys()]).toEqual(expect.arrayContaining(["agent", "export-key", "pin change", "demo"]));
  expect(help.get("")).toEqual(expect.arrayContaining(["--reader", "--json", "--help"]));
  expect(help.get("agent")).toEqual(expect.arrayContaining(["--socket", "-c", "--allow-sha1"]));
});

describe("the man page", () => {
  const page = manPage();
  const sections = new Map(
    page
      .replaceAll("\\-", "-")
      .split(/^\.S[HS] /m)
      .map((text) => [/^(?:[a-z][a-z0-9 -]*[a-z0-9]|[A-Z ]+)/.exec(text)?.[0], text]),
  );

  it.each([...help].filter(([command]) => !isGroup(command)))("has %j and its options", (command, options) => {
    const section = sections.get(command === "" ? "OPTIONS" : command);
    const own = options.filter((option) => command === "" || option !== "--help");
    expect(own.filter((option) => section?.includes(option) !== true)).toEqual([]);
    expect(section).toBeDefined();
  });

  it("is what npm install -g links: it takes a list alone (observed with npm 11.19)", () => {
    expect(packageJson.man).toEqual(["./dist/jpki-agent.1"]);
    expect(packageJson.files).toContain("dist");
  });

  it("has lines of text and of known requests only", () => {
    const requests = page.split("\n").filter((line) => /^[.']/.test(line));
    expect(requests.filter((line) => !/^\.(?:TH|SH|SS|TP|BR?)(?: |$)/.test(line))).toEqual([]);
  });
});

describe.each(["README.md", "README.ja.md"])("%s", (file) => {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

  it.each([...help])("names %j and its options", (command, options) => {
    const own = options.filter((option) => !OWN_SHORT_FORM.includes(option));
    const words = command === "" ? own : [command, ...own];
    expect(words.filter((word) => !new RegExp(`[\`, ]${word}[\`, \\\\]`).test(text))).toEqual([]);
  });
});

function isGroup(command: string): boolean {
  return command !== "" && [...help.keys()].some((other) => other.startsWith(`${command} `));
}
