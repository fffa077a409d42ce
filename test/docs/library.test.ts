import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { docExamples } from "../helpers/doc-examples.ts";

it("both languages have the same examples, in the same order", () => {
  const english = [...docExamples("docs/library.md")];
  expect(english).toEqual([...docExamples("docs/library.ja.md")]);
  expect(english).toHaveLength(readFileSync("docs/library.md", "utf8").match(/^```js$/gm)?.length ?? 0);
});

it.each([
  ["README.md", "docs/library.md"],
  ["README.md", "docs/scripting.md"],
  ["README.ja.md", "docs/library.ja.md"],
  ["README.ja.md", "docs/scripting.ja.md"],
])("%s leads to %s", (file, name) => {
  expect(readFileSync(file, "utf8")).toContain(`](${name})`);
});
