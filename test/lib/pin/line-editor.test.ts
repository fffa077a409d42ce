import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineEditor, MAX_LINE_BYTES } from "../../../lib/pin/line-editor.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What is left after these keys, in text, and how it ended. */
function type(...chunks: readonly Uint8Array[]): { end: string; line: string } {
  const editor = new LineEditor();
  let end = "more";
  for (const chunk of chunks) if (end === "more") end = editor.push(chunk);
  return { end, line: new TextDecoder().decode(editor.take()) };
}

describe("LineEditor", () => {
  test.each([
    ["1234\r", "done", "1234"],
    ["1234\n", "done", "1234"],
    ["1234", "more", "1234"],
    ["\r", "done", ""],
    ["125\x7f34\r", "done", "1234"],
    ["125\b34\r", "done", "1234"],
    ["\x7f\x7f12\r", "done", "12"],
    ["999\x151234\r", "done", "1234"],
    ["はいえ\x7f\r", "done", "はい"],
    ["é\x7f1\r", "done", "1"],
    ["12\x03", "cancelled", "12"],
    ["\x04", "cancelled", ""],
    ["12\x1c", "cancelled", "12"],
    ["12\x1b[A34\r", "done", "12\x1b[A34"],
    ["12 34\r", "done", "12 34"],
    ["12\x0034\r", "done", "12\x0034"],
    ["1234\rls -l\r", "done", "1234"],
  ])("%j ends as %s with %j", (keys, end, line) => {
    expect(type(bytes(keys))).toEqual({ end, line });
  });

  test("the longest line, and one byte more: that is no answer until it is taken back", () => {
    const editor = new LineEditor();
    editor.push(new Uint8Array(MAX_LINE_BYTES).fill(0x31));
    expect(editor.take()).toHaveLength(MAX_LINE_BYTES);
    editor.push(bytes("23"));
    expect(() => editor.take()).toThrow(expect.objectContaining({ code: "PIN_FORMAT" }));
    expect(editor.view()).toEqual(new Uint8Array(MAX_LINE_BYTES).fill(0x31));
    editor.push(bytes("\x7f\x7f\x7f"));
    expect(editor.take()).toEqual(new Uint8Array(MAX_LINE_BYTES - 1).fill(0x31));
    editor.push(bytes("\x15"));
    expect(editor.take()).toHaveLength(0);
  });

  test("wipe empties it", () => {
    const editor = new LineEditor();
    editor.push(bytes("1234"));
    editor.wipe();
    expect(editor.take()).toHaveLength(0);
  });

  test("property: the keys may come in any pieces", () => {
    const key = fc.constantFrom("1", "2", "あ", "\x7f", "\x15", "\x1b", "\r", "\x03");
    fc.assert(
      fc.property(fc.array(key), fc.array(fc.nat(100)), (keys, cuts) => {
        const all = bytes(keys.join(""));
        const at = [...new Set(cuts.map((cut) => cut % (all.length + 1)))].sort((a, b) => a - b);
        const pieces = [0, ...at].map((start, i) => all.subarray(start, at[i] ?? all.length));
        expect(type(...pieces)).toEqual(type(all));
      }),
    );
  });
});
