/** Makes a text fit where there is little room, without losing a line of it. */

/**
 * `text` with its longest lines cut, all at the same number of characters, as little as is needed. What stands in a
 * short line of our own (the tries left, the question) stays, however long the names from outside are.
 */
export function fitLines(text: string, fits: (text: string) => boolean): string {
  if (fits(text)) return text;
  const lines = text.split("\n").map((line) => Array.from(line));
  for (let width = Math.max(...lines.map((line) => line.length)) - 1; width > 0; width--) {
    const cut = lines.map((line) => (line.length <= width ? line : [...line.slice(0, width - 1), "…"]).join(""));
    if (fits(cut.join("\n"))) return cut.join("\n");
  }
  return "";
}
