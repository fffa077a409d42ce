import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { endOptionsAtCommand } from "../../cli/command-words.ts";

const program = new Command("jpki-agent").option("--reader <name>").option("-v, --verbose").option("--json");
program.addCommand(
  new Command("agent")
    .argument("[command...]")
    .option("-a, --socket <path>")
    .option("-c")
    .option("--host <host...>")
    .option("--p11 [path]"),
);
program.addCommand(new Command("log").option("-n <count>"));

/** Words in one string; `|` is where the command begins. */
const cases = [
  "agent",
  "agent | ssh",
  "agent | ssh -v host --json",
  "agent | ssh -- -v",
  "-v --reader agent agent -a /s -c | ssh -c x",
  "--reader=x agent --socket=/s | ssh",
  "agent -a/s --json --verbose | ssh",
  "agent --unknown | ssh -x",
  "agent --host a b c",
  "agent --host a b -c | ssh -x",
  "agent --host a b -- ssh -x",
  "agent -- ssh -x",
  "agent --p11 /s",
  "agent --p11 /s | ssh -x",
  "agent --p11 -c | ssh -x",
  "agent --p11 -- ssh -x",
  "agent --p11=/s | ssh -x",
  "-- agent ssh -x",
  "agent -a",
  "log -n 3",
  "log more -n 3",
  "no-such-command more -x",
  "",
];

describe("where a command begins, options end", () => {
  it.each(cases)("%s", (words) => {
    const expected = words.split(" ").filter(Boolean);
    const argv = expected.filter((word) => word !== "|");
    expect(endOptionsAtCommand(program, argv)).toEqual(expected.map((word) => (word === "|" ? "--" : word)));
  });
});
