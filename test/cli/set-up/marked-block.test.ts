import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withBlock, withoutBlock } from "../../../cli/set-up/marked-block.ts";

const BODY = "one\ntwo\n";
const lines = fc.array(fc.constantFrom("a", "# >>>", "\n", "\r\n", "Host *", "鍵"), { maxLength: 8 });
const text = lines.map((parts) => parts.join(""));

describe("put in and taken out", () => {
  it.each([
    ["a file", "alias x=y\n"],
    ["no final line end", "alias x=y"],
    ["empty", ""],
    ["empty lines at the end", "a\n\n\n"],
    ["CRLF", "a\r\nb"],
    ["no file", undefined],
  ])("%s: byte for byte as before", (_what, before) => {
    const written = withBlock("f", before, BODY);
    expect(written.split("\n")).toContain("two");
    expect(withoutBlock("f", written)).toBe(before);
  });

  it("whatever the file holds", () => {
    fc.assert(fc.property(text, (before) => withoutBlock("f", withBlock("f", before, BODY)) === before));
  });

  it("twice is once", () => {
    for (const before of ["a\n", "a", "", undefined]) {
      const once = withBlock("f", before, BODY);
      expect(withBlock("f", once, BODY)).toBe(once);
      expect(withoutBlock("f", withBlock("f", once, "other\n"))).toBe(before);
    }
  });
});

describe("what the person has added", () => {
  it("stays where it is", () => {
    expect(withoutBlock("f", `${withBlock("f", "a\n", BODY)}b\n`)).toBe("a\nb\n");
    expect(withBlock("f", `${withBlock("f", "a\n", BODY)}b\n`, "new\n")).toMatch(/^a\n# [\s\S]*\nnew\n# [\s\S]*\nb\n$/);
  });

  it("is not joined to the line before, and keeps the file", () => {
    expect(withoutBlock("f", `${withBlock("f", "a", BODY)}b\n`)).toBe("a\nb\n");
    expect(withoutBlock("f", `${withBlock("f", undefined, BODY)}b\n`)).toBe("b\n");
  });

  it("a file without our lines is not touched", () => {
    expect(withoutBlock("f", "a\n")).toBe("a\n");
  });

  it("may be an editor's missing line end", () => {
    expect(withoutBlock("f", withBlock("f", "a\n", BODY).trimEnd())).toBe("a\n");
  });
});

it.each([
  ["no end", (block: string) => block.replace(/# <<<.*\n/, "")],
  ["no begin", (block: string) => block.replace(/# >>>.*\n/, "")],
  ["two blocks", (block: string) => block + block],
  ["an end before the begin", (block: string) => block.split("\n").reverse().join("\n")],
  ["a mark that says something else", (block: string) => block.replace(">>>\n", ">>> x\n")],
])("marks with %s are left alone", (_what, damage) => {
  const damaged = damage(withBlock("f", "", BODY));
  expect(() => withBlock("f", damaged, BODY)).toThrow(expect.objectContaining({ code: "IO_FAILED" }));
  expect(() => withoutBlock("f", damaged)).toThrow(expect.objectContaining({ code: "IO_FAILED" }));
});
