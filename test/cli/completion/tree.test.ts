import { Argument, Command, Option } from "commander";
import { describe, expect, it } from "vitest";
import { allCommands, type CommandNode, commandTree } from "../../../cli/completion/tree.ts";
import { messagesFor } from "../../../cli/messages/language.ts";
import { buildProgram, run } from "../../../cli/program.ts";
import { oneOf } from "../../../cli/usage.ts";
import { fakeDeps } from "../../helpers/cli.ts";

function ourTree(env = {}): CommandNode {
  const context = { argv: [], deps: fakeDeps(), messages: messagesFor(env), setStatus: () => {} };
  return commandTree(buildProgram(context));
}

describe("the tree of a program", () => {
  const program = new Command("x")
    .option("-v", "more", (_value, count: number) => count + 1, 0)
    .addOption(new Option("--how <how>", "how").argParser(oneOf("--how", ["so", "or"])))
    .option("-o, --output <file>", "where to")
    .option("--with <program>", "with")
    .option("--host <name...>", "hosts")
    .addCommand(
      new Command("do").addArgument(new Argument("<what>").argParser(oneOf("do", ["this"]))).argument("[command...]"),
    );
  const tree = commandTree(program);

  it("knows what each option takes, and what may come again", () => {
    const options = tree.options.map(({ names, values, variadic, repeatable }) => [
      names.join(" "),
      values?.kind === "choices" ? values.choices : values?.kind,
      variadic,
      repeatable,
    ]);
    expect(options).toEqual([
      ["-v", undefined, false, true],
      ["--how", ["so", "or"], false, false],
      ["-o --output", "file", false, false],
      ["--with", "program", false, false],
      ["--host", "any", true, true],
      ["-h --help", undefined, false, false],
    ]);
  });

  it("knows commands and their arguments", () => {
    expect(allCommands(tree).map(({ path }) => path.join(" "))).toEqual(["", "do"]);
    expect(tree.commands[0]?.arguments).toEqual([
      { name: "what", values: { kind: "choices", choices: ["this"] }, variadic: false },
      { name: "command", values: { kind: "program" }, variadic: true },
    ]);
  });
});

describe("our own", () => {
  it.each([{}, { LANG: "ja_JP.UTF-8" }])("has a description for everything, in one line (%j)", (env) => {
    for (const { path, description, options } of allCommands(ourTree(env))) {
      expect(description, path.join(" ")).toMatch(/^[^\n]+$/);
      for (const option of options) expect(option.description, option.names.join(" ")).toMatch(/^[^\n]+$/);
    }
  });

  it("has no argument whose name says nothing about its values", () => {
    const unknown = allCommands(ourTree()).flatMap(({ path, arguments: places }) =>
      places.filter(({ values }) => values.kind === "any").map(({ name }) => `${path.join(" ")} <${name}>`),
    );
    expect(unknown).toEqual([]);
  });
});

describe("completion", () => {
  it.each(["bash", "zsh", "fish"])("%s prints a script that names every command and long option", async (shell) => {
    const deps = fakeDeps();
    expect(await run(["completion", shell], deps)).toBe(0);
    expect(deps.err()).toBe("");
    for (const { path, options } of allCommands(ourTree())) {
      for (const name of path) expect(deps.out()).toContain(name);
      for (const name of options.flatMap(({ names }) => names.filter((one) => one.startsWith("--"))))
        expect(deps.out()).toMatch(new RegExp(`${shell === "fish" ? `-l ${name.slice(2)}` : name}[ '=,})]`));
    }
  });

  it("--json puts the script into an object", async () => {
    const deps = fakeDeps();
    expect(await run(["--json", "completion", "bash"], deps)).toBe(0);
    expect(JSON.parse(deps.out())).toEqual({ shell: "bash", script: expect.stringContaining("complete -o default") });
  });

  it("knows no other shell", async () => {
    const deps = fakeDeps();
    expect(await run(["--json", "completion", "csh"], deps)).toBe(2);
    expect(JSON.parse(deps.err())).toMatchObject({ details: { problem: "bad-option-value" } });
  });
});
