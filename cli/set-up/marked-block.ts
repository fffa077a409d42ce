/**
 * Lines of ours in a file of somebody else's, between two marks, such that taking them out gives the file back byte for
 * byte. The first mark tells what else was changed to put them in.
 */

import { FileError } from "../../lib/errors.ts";

const BEGIN = "# >>> jpki-agent >>>";
const END = "# <<< jpki-agent <<<";
/** There was no file. */
const MADE = " (this file was made for these lines)";
/** A line end was added, so that the mark begins a line. */
const JOINED = " (the line before had no line end)";

const BLOCK = new RegExp(
  `^${BEGIN}(${[MADE, JOINED].map(escapeRegExp).join("|")}|)\\n([\\s\\S]*?)^${END}(?:\\n|(?![\\s\\S]))`,
  "m",
);

/**
 * `text` with `body` between marks: at its end, or where a block of ours is.
 *
 * @param text undefined: there is no file.
 * @param body whole lines.
 * @throws FileError if the marks are not one pair.
 */
export function withBlock(path: string, text: string | undefined, body: string): string {
  const found = findBlock(path, text ?? "");
  if (text === undefined) return block(MADE, body);
  if (found !== undefined) return `${found.before}${block(found.note, body)}${found.after}`;
  return text === "" || text.endsWith("\n") ? `${text}${block("", body)}` : `${text}\n${block(JOINED, body)}`;
}

/**
 * `text` without the block; undefined: the file was made for it and holds nothing else, so it should go.
 *
 * @throws FileError if the marks are not one pair.
 */
export function withoutBlock(path: string, text: string): string | undefined {
  const found = findBlock(path, text);
  if (found === undefined) return text;
  const { before, note, after } = found;
  if (after !== "") return `${before}${after}`;
  if (note === MADE && before === "") return undefined;
  return note === JOINED && before.endsWith("\n") ? before.slice(0, -1) : before;
}

function block(note: string, body: string): string {
  return `${BEGIN}${note}\n${body}${END}\n`;
}

function findBlock(path: string, text: string): { before: string; note: string; after: string } | undefined {
  const marks = text.split("\n").filter((line) => line.startsWith(BEGIN) || line.startsWith(END));
  if (marks.length === 0) return undefined;
  const found = BLOCK.exec(text);
  if (marks.length !== 2 || found === null)
    throw new FileError(`look for the lines of jpki-agent in ${path}: the marks around them are damaged`, {
      hint: `take out the lines from "${BEGIN}" to "${END}" by hand`,
      details: { path },
    });
  const [all, note = ""] = found;
  return { before: text.slice(0, found.index), note, after: text.slice(found.index + all.length) };
}

function escapeRegExp(text: string): string {
  return text.replace(/[()]/g, "\\$&");
}
