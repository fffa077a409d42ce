/**
 * Who may import whom (CONTRIBUTING.md), by looking at the import statements. Each rule has an example that breaks it,
 * so that a rule that sees nothing is noticed.
 */

import { describe, expect, it } from "vitest";
import { type ImportStatement, lineAt, readSources, type SourceFile, sourceFile } from "./helpers/sources.ts";

/** Without this file, whose examples look like the real thing. */
const FILES = readSources(["lib", "agent", "cli", "test"]).filter(({ path }) => path !== "test/import-rules.test.ts");

const BASE = ["lib/errors.ts", "lib/bytes.ts", "lib/log.ts", "lib/digest-info.ts"];
const CODECS = ["lib/iso7816/", "lib/ssh/", "lib/p11/"];
const PORTS = ["lib/keys.ts", "lib/card/transport.ts", "lib/pin/prompt.ts", "lib/pin/vault.ts"];

/** What touches the outside: chosen and joined in lib/node.ts alone. */
const ADAPTERS = [
  "lib/card/pcsc-mini.ts",
  "lib/card/pcsclite.ts",
  "lib/virtual-card/transport.ts",
  "lib/virtual-card/store.ts",
  "lib/pin/askpass.ts",
  "lib/pin/pinentry.ts",
  "lib/pin/programs.ts",
  "lib/pin/systemd-ask.ts",
  "lib/pin/tty.ts",
  "lib/pin/keychain.ts",
  "lib/pin/keychain-child.ts",
  "lib/known-keys.ts",
  "lib/agent-client.ts",
  "lib/host-names.ts",
  "lib/http-exchange.ts",
  "lib/certificate-files.ts",
  "lib/signature-record.ts",
  "lib/desktop-notice.ts",
  "lib/systemd-notify.ts",
  "lib/pino-log.ts",
];

/** Run programs, and ask the PC/SC service, for several adapters. */
const PART_OF_ADAPTERS = [
  "lib/pin/child-group.ts",
  "lib/card/pcscd-answers.ts",
  "lib/card/pcscd-sharing.ts",
  "lib/card/pcscd-transactions.ts",
  "lib/card/other-programs.ts",
];

/** Hashing and verifying are pure; the other codecs need neither. */
const MAY_USE_NODE_CRYPTO = [
  "lib/ssh/public-key.ts",
  "lib/ssh/known-hosts.ts",
  "lib/ssh/session-bind.ts",
  "lib/ssh/verify.ts",
];

/** Used in many files by their nature. */
const MANY_IMPORTERS = ["commander"];

const MAX_LINES = 400;

interface Rule {
  readonly title: string;
  /** Offending places as `file:line what`. */
  readonly check: (files: readonly SourceFile[]) => string[];
  /** A file that breaks the rule. */
  readonly example: readonly [path: string, text: string];
}

const RULES: readonly Rule[] = [
  {
    title: "errors, bytes, log and DigestInfo import only each other",
    check: imports((file, { target }) => BASE.includes(file.path) && !BASE.includes(target)),
    example: ["lib/log.ts", 'import { inspect } from "node:util";'],
  },
  {
    title: "codecs import errors, bytes, log, DigestInfo and their own folder",
    check: imports((file, { target }) => {
      const folder = within(file.path, CODECS);
      if (folder === undefined || target.startsWith(folder) || BASE.includes(target)) return false;
      return !(target === "node:crypto" && MAY_USE_NODE_CRYPTO.includes(file.path));
    }),
    example: ["lib/ssh/wire.ts", 'import { readFileSync } from "node:fs";'],
  },
  {
    title: "codecs know no clock, no randomness and no network",
    check: words(CODECS, /\b(?:Date|performance|setTimeout|setInterval|fetch|random\w*|getRandomValues)\b\s*[.(]/g),
    example: ["lib/iso7816/tlv.ts", "export const now = () => Date.now();"],
  },
  {
    title: "ports hold types",
    check: (files) => [
      ...imports((file, { typeOnly }) => PORTS.includes(file.path) && !typeOnly)(files),
      ...words(PORTS, /^export (?!interface|type)/gm)(files),
    ],
    example: ["lib/keys.ts", "export const store = {};"],
  },
  {
    title: "lib/card imports codecs, ports and PINs",
    check: imports((file, { target }) => {
      if (!file.path.startsWith("lib/card/") || [...ADAPTERS, ...PART_OF_ADAPTERS].includes(file.path)) return false;
      const allowed = ["lib/card/", "lib/iso7816/", "lib/pin/pin.ts", ...BASE];
      return within(target, allowed) === undefined;
    }),
    example: ["lib/card/jpki.ts", 'import { encodeRsaBlob } from "../ssh/public-key.ts";'],
  },
  {
    title: "adapters are imported by lib/node.ts alone",
    check: imports((file, { target }) => {
      if (!ADAPTERS.includes(target)) return false;
      return file.path !== "lib/node.ts" && !file.path.startsWith("test/");
    }),
    example: ["agent/main.ts", 'const { askpass } = await import("../lib/pin/askpass.ts");'],
  },
  {
    // A program that imports the package has no command line that could join the adapters for it.
    title: "lib/node.ts is imported by cli/ and the package's entry alone",
    check: imports(({ path }, { target }) => {
      const allowed = ["cli/", "test/", "agent/library/card-access.ts"];
      return target === "lib/node.ts" && within(path, allowed) === undefined;
    }),
    example: ["agent/daemon.ts", 'import { openParts } from "../lib/node.ts";'],
  },
  {
    title: "lib/ imports nothing of agent/",
    check: imports(({ path }, { target }) => path.startsWith("lib/") && target.startsWith("agent/")),
    example: ["lib/node.ts", 'import type { AgentParts } from "../agent/main.ts";'],
  },
  {
    title: "cli/ knows agent/ by its one door",
    check: imports(({ path }, { target }) => path.startsWith("cli/") && /^agent\/(?!main\.ts$)/.test(target)),
    example: ["cli/commands/agent.ts", 'import { DEFAULT_LIMITS } from "../../agent/limits.ts";'],
  },
  {
    title: "nothing imports the package's entry: it stands beside the command line",
    check: imports(
      ({ path }, { target }) =>
        target.startsWith("agent/library/") && within(path, ["agent/library/", "test/"]) === undefined,
    ),
    example: ["agent/main.ts", 'export { openJpki } from "./library/index.ts";'],
  },
  {
    title: "the two faces of the agent do not import each other",
    check: imports(
      ({ path }, { target }) =>
        (path.startsWith("agent/p11/") && target.startsWith("agent/ssh-")) ||
        (path.startsWith("agent/ssh-") && target.startsWith("agent/p11/")),
    ),
    example: ["agent/p11/dispatch.ts", 'import { handle } from "../ssh-handler.ts";'],
  },
  {
    title: "nothing imports cli/ or test/",
    check: imports(
      ({ path }, { target }) =>
        (target.startsWith("cli/") && within(path, ["cli/", "test/"]) === undefined) ||
        (target.startsWith("test/") && !path.startsWith("test/")),
    ),
    example: ["agent/main.ts", 'import { run } from "../cli/program.ts";'],
  },
  {
    title: "each third-party package has one importing file",
    check: onePackageOneFile,
    example: ["lib/paths.ts", 'import { z } from "zod";'],
  },
  {
    title: "lib/ uses neither process nor console",
    check: (files) => [
      ...words(["lib/"], /\b(?:process|console)\s*\??\./g)(files),
      ...imports(
        ({ path }, { target }) =>
          path.startsWith("lib/") &&
          /^node:(?:process|console)$/.test(target) &&
          ![...ADAPTERS, ...PART_OF_ADAPTERS].includes(path),
      )(files),
    ],
    example: ["lib/paths.ts", "export const home = process.env.HOME;"],
  },
  {
    title: "relative imports are spelt out with their extension",
    check: imports(
      ({ path }, { specifier }) =>
        !path.startsWith("test/") && specifier.startsWith(".") && !/^[^$]*\.(?:ts|json)$/.test(specifier),
    ),
    example: ["lib/paths.ts", 'export { z } from "./schema";'],
  },
  {
    title: `no file is longer than ${MAX_LINES} lines`,
    check: (files) =>
      files
        .filter(({ text }) => lineAt(text, text.length) - 1 > MAX_LINES)
        .map(({ path }) => `${path}:${MAX_LINES + 1}`),
    example: ["lib/paths.ts", "\n".repeat(MAX_LINES + 1)],
  },
];

describe.each(RULES)("$title", ({ check, example: [path, text] }) => {
  it("holds", () => {
    expect(check(FILES)).toEqual([]);
  });

  it("sees its example", () => {
    const others = FILES.filter((file) => file.path !== path);
    expect(check([...others, sourceFile(path, text)]).join("\n")).toContain(`${path}:`);
  });
});

it("the lists name files that exist", () => {
  const paths = FILES.map((file) => file.path);
  const listed = [...BASE, ...PORTS, ...ADAPTERS, ...PART_OF_ADAPTERS, ...MAY_USE_NODE_CRYPTO];
  expect(listed.filter((path) => !paths.includes(path))).toEqual([]);
});

function imports(offends: (file: SourceFile, statement: ImportStatement) => boolean): Rule["check"] {
  return (files) =>
    files.flatMap((file) =>
      file.imports
        .filter((statement) => offends(file, statement))
        .map(({ line, specifier }) => `${file.path}:${line} ${specifier}`),
    );
}

function words(places: readonly string[], pattern: RegExp): Rule["check"] {
  return (files) =>
    files
      .filter(({ path }) => within(path, places) !== undefined)
      .flatMap(({ path, code }) =>
        Array.from(code.matchAll(pattern), (match) => `${path}:${lineAt(code, match.index)} ${match[0].trim()}`),
      );
}

function onePackageOneFile(files: readonly SourceFile[]): string[] {
  const importers = new Map<string, Set<string>>();
  for (const { path, imports: statements } of files) {
    if (path.startsWith("test/")) continue;
    for (const { target, specifier, line } of statements) {
      if (specifier.startsWith(".") || target.startsWith("node:") || MANY_IMPORTERS.includes(target)) continue;
      const places = importers.get(target) ?? new Set();
      if (!Array.from(places).some((place) => place.startsWith(`${path}:`))) places.add(`${path}:${line} ${target}`);
      importers.set(target, places);
    }
  }
  return Array.from(importers.values()).flatMap((places) => (places.size > 1 ? Array.from(places) : []));
}

/** The place (a folder ending in a slash, or a file) that holds `path`. */
function within(path: string, places: readonly string[]): string | undefined {
  return places.find((place) => path === place || (place.endsWith("/") && path.startsWith(place)));
}
