/** The examples in a document: code blocks whose first line is a comment with their file's name. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

const BLOCK = /^```js\n\/\/ (\S+\.mjs)\n([\s\S]*?)^```$/gm;

/** @param document its path from the root. @returns file names and code, in the document's order. */
export function docExamples(document: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(import.meta.dirname, "../..", document), "utf8");
  return new Map(Array.from(text.matchAll(BLOCK), ([, name = "", code = ""]) => [name, code]));
}
