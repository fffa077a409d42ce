/** The project's TypeScript files with their import statements, for tests that look at the source itself. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";

export interface ImportStatement {
  readonly line: number;
  /** As written: `../lib/log.ts`, `node:fs`, `ssh2/lib/keygen.js`. */
  readonly specifier: string;
  /** Relative ones as a path from the root; others the package's name or `node:…`. */
  readonly target: string;
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** From the root, with slashes: `lib/card/jpki.ts`. */
  readonly path: string;
  readonly text: string;
  /** Comments replaced by spaces; lines and columns stay. */
  readonly code: string;
  readonly imports: readonly ImportStatement[];
}

const ROOT = dirname(dirname(import.meta.dirname));

/** Every TypeScript file under the folders, sorted. */
export function readSources(folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => sourceFile(relative(ROOT, file).replaceAll("\\", "/"), readFileSync(file, "utf8")));
}

/** Looks through `text` as if it stood at `path`. */
export function sourceFile(path: string, text: string): SourceFile {
  const code = withoutComments(text);
  return { path, text, code, imports: importsOf(path, code) };
}

/** The number of the line at `index`, from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** `import … from "x"`, `export … from "x"`, `import "x"`, `import("x")`; not across a semicolon. */
const IMPORT = /\b(?:import|export)\b(\s+type\b)?[^;"'`]*?["'`]([^"'`\n]+)["'`]/g;
const IS_IMPORT = /^(?:import\s*\(?\s*["'`]|(?:import|export)\b[^;"'`]*\bfrom\s*["'`])/;

function importsOf(path: string, code: string): ImportStatement[] {
  return Array.from(code.matchAll(IMPORT))
    .filter(([statement]) => IS_IMPORT.test(statement))
    .map((match) => {
      const specifier = match[2] ?? "";
      return {
        line: lineAt(code, match.index + match[0].length),
        specifier,
        target: targetOf(path, specifier),
        typeOnly: match[1] !== undefined,
      };
    });
}

function targetOf(path: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(path), specifier);
  if (specifier.startsWith("node:")) return specifier;
  const [first = "", second = ""] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}

/** Good enough for formatted sources: a `//` inside a string follows a colon or a quote. */
function withoutComments(text: string): string {
  const blank = (comment: string) => comment.replaceAll(/[^\n]/g, " ");
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, blank).replaceAll(/(?<![:"'`\\/])\/\/.*$/gm, blank);
}
