/**
 * The files that `service install` writes: those in systemd/ and launchd/ of this package, with the marked places
 * filled in.
 */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, FileError } from "../../lib/errors.ts";

/** Every file of ours has it, and is replaced and removed by it alone. */
export const UNIT_MARK = "Written by: jpki-agent service install";

/** `@NAME@` of a template, by name. */
export type Values = Readonly<Record<string, string>>;

/** @throws ConfigError for a place without value: the template is not ours. */
export function fillTemplate(template: string, values: Values): string {
  return template.replace(/@([A-Z]+)@/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) throw new ConfigError(`fill in a template: nothing is known for ${place}`);
    return value;
  });
}

/**
 * One word of `ExecStart=`. Source: systemd.service(5), COMMAND LINES; `%` begins a specifier (systemd.unit(5)), and
 * `$` a variable, in all words but the program, which cannot hold quotes and backslashes at all.
 *
 * @throws ConfigError for what cannot stand there.
 */
export function systemdWord(text: string, kind: "program" | "argument"): string {
  const word = systemdPath(text);
  if (kind === "argument") return `"${word.replace(/["\\]/g, "\\$&").replaceAll("$", "$$$$")}"`;
  if (/["'\\]/.test(text)) throw unfit(text);
  return `"${word}"`;
}

/** A path after `=`. @throws ConfigError for a control character. */
export function systemdPath(text: string): string {
  requirePrintable(text);
  return text.replaceAll("%", "%%");
}

/** The text of an XML element. @throws ConfigError for a control character. */
export function xmlText(text: string): string {
  requirePrintable(text);
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** @param name relative to the package: `systemd/jpki-agent.service`. @throws FileError if the package lacks it. */
export async function readTemplate(name: string): Promise<string> {
  return readFile(join(packageFolder(name), name), "utf8");
}

/** Built and in source, this file lies at different depths. */
function packageFolder(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, name))) {
    const parent = dirname(folder);
    if (parent === folder) throw new FileError(`look for ${name} of jpki-agent: it is not there`);
    folder = parent;
  }
  return folder;
}

function requirePrintable(text: string): void {
  if (/\p{Cc}/u.test(text)) throw unfit(text);
}

function unfit(text: string): ConfigError {
  return new ConfigError(`${JSON.stringify(text)} cannot stand in a service's file`, {
    details: { problem: "unfit-for-unit", value: text },
  });
}
