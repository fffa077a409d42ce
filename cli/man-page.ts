/**
 * The man page, made from the command line itself, so that the two agree: `npm run build` keeps it as
 * `dist/jpki-agent.1` (print-man-page.ts). Source of the form: man(7), "Sections" in man-pages(7).
 */

import type { Argument, Command, Option } from "commander";
import packageJson from "../package.json" with { type: "json" };
import type { Deps, TextOutput } from "./deps.ts";
import { en } from "./messages/en.ts";
import { buildProgram } from "./program.ts";

const EXIT_STATUSES = [
  ["0", "Done."],
  ["1", "Failed: the message on standard error says why."],
  ["2", "Usage: an unknown command, option, value or key of the configuration file."],
  ["3", "No PC/SC service, or no reader."],
  ["4", "No card, it was taken out, or it is no My Number card."],
  ["5", "The PIN was wrong, malformed or cancelled, or nobody could be asked for it."],
  ["6", "The PIN is blocked, or was not sent to keep it from being blocked."],
  ["7", "Another program keeps the card."],
  ["8", "Refused by policy."],
  ["9", "A certificate or signature is not valid."],
] as const;

const ENVIRONMENT = [
  ["SSH_AUTH_SOCK", "The agent's socket, for ssh and for the commands that ask the running agent."],
  ["SSH_AGENT_PID", "The agent that agent -k ends."],
  [
    "SSH_ASKPASS, SSH_ASKPASS_REQUIRE",
    "The program that asks for the PIN, and whether it must be (force) or must not be used (never).",
  ],
  ["LC_ALL, LC_MESSAGES, LANG", "The language of messages: Japanese or English."],
  [
    "XDG_RUNTIME_DIR, XDG_STATE_HOME, XDG_CONFIG_HOME",
    "Where the socket, the state folder and the configuration file lie.",
  ],
] as const;

const FILES = [
  ["$XDG_RUNTIME_DIR/jpki-agent/agent.sock", "The socket."],
  [
    "~/.config/jpki-agent/config.toml",
    "The configuration: the long options without their dashes; those of agent under [agent]. Flags win.",
  ],
  ["~/.local/state/jpki-agent/", "Public keys once seen, the record that log shows, and the virtual card."],
] as const;

const nowhere: TextOutput = {
  write: () => {},
  writeBytes: () => {},
  drained: () => Promise.resolve(),
  isTerminal: false,
};

/** For a program that is only looked at. */
const deps: Deps = {
  stdin: async function* () {},
  stdout: nowhere,
  stderr: nowhere,
  self: [""],
  pid: 0,
  platform: "linux",
  service: { listenFds: undefined, notifySocket: undefined },
  env: {},
  home: "/",
  signal: new AbortController().signal,
  onHangUp: () => {},
  ignoreInterrupts: () => {},
  onStuck: () => {},
  kill: () => {},
};

/** The page's source for man(1), of all commands and options. */
export function manPage(): string {
  const program = buildProgram({ argv: [], deps, messages: en, setStatus: () => {} });
  return [
    `.TH JPKI\\-AGENT 1 "" "jpki\\-agent ${packageJson.version}" "User Commands"`,
    ".SH NAME",
    "jpki\\-agent \\- ssh\\-agent for the key in a My Number card",
    ".SH SYNOPSIS",
    ".B jpki\\-agent",
    "[\\fIoptions\\fR] \\fIcommand\\fR",
    ".SH DESCRIPTION",
    escaped(program.description()),
    "The private key never leaves the card.",
    "Results go to standard output, all else to standard error.",
    ".SH OPTIONS",
    "These stand before or after any command.",
    ...program.options.flatMap(optionLines),
    ...entry("-h, --help", en.help.options.help),
    ".SH COMMANDS",
    ...program.commands.flatMap((command) => commandLines(command, [])),
    ".SH EXIT STATUS",
    ...entries(EXIT_STATUSES),
    ".SH ENVIRONMENT",
    ...entries(ENVIRONMENT),
    ".SH FILES",
    ...entries(FILES),
    ".SH SEE ALSO",
    ".BR ssh (1),",
    ".BR ssh\\-add (1),",
    ".BR ssh\\-agent (1),",
    ".BR pcscd (8)",
    "",
  ].join("\n");
}

/** A command with its options, or the commands below it. */
function commandLines(command: Command, above: readonly string[]): readonly string[] {
  const names = [...above, command.name()];
  const below = command.commands.flatMap((inner) => commandLines(inner, names));
  if (below.length > 0) return below;
  return [
    `.SS ${escaped([...names, ...command.registeredArguments.map(argumentText)].join(" "))}`,
    escaped(command.description()),
    ...command.registeredArguments.flatMap((argument) => entry(argumentText(argument), argument.description)),
    ...command.options.flatMap(optionLines),
  ];
}

function optionLines({ flags, description }: Option): readonly string[] {
  return entry(flags, description);
}

function argumentText(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function entries(pairs: readonly (readonly [string, string])[]): readonly string[] {
  return pairs.flatMap(([term, text]) => entry(term, text));
}

function entry(term: string, text: string): readonly string[] {
  return [".TP", `.B ${escaped(term)}`, escaped(text)];
}

/** Backslashes and hyphens as themselves; no line can be taken for a request. */
function escaped(text: string): string {
  const plain = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  return /^[.']/.test(plain) ? `\\&${plain}` : plain;
}
