import { describe, expect, it } from "vitest";
import { launchdFile } from "../../../cli/set-up/launchd.ts";
import { systemdFiles } from "../../../cli/set-up/systemd.ts";
import { fillTemplate, systemdPath, systemdWord, UNIT_MARK, xmlText } from "../../../cli/set-up/units.ts";

const self = ["/opt/node/bin/node", "/opt/jpki agent/50%/$x.js"] as const;

it("systemd: program and script are one word each, whatever they hold", async () => {
  const [socket, service] = await systemdFiles("/c", undefined, { self });
  expect(socket).toMatchObject({ path: "/c/jpki-agent.socket" });
  expect(socket?.text).toContain("\nListenStream=%t/jpki-agent/agent.sock\nSocketMode=0600\nDirectoryMode=0700\n");
  expect(service?.text).toContain('\nExecStart="/opt/node/bin/node" "/opt/jpki agent/50%%/$$x.js" agent\n');
  for (const file of [socket, service]) expect(file?.text).toContain(UNIT_MARK);
});

it("systemd: a configured socket is the unit's", async () => {
  const [socket] = await systemdFiles("/c", "/run/50%/a.sock", { self });
  expect(socket?.text).toContain("\nListenStream=/run/50%%/a.sock\n");
});

it("launchd: paths are text of the property list", async () => {
  const home = "/Users/a&b";
  const { path, text } = await launchdFile("/p", { env: { LANG: "ja_JP.UTF-8" }, home, self });
  expect(path).toBe("/p");
  for (const line of ["/opt/jpki agent/50%/$x.js", "ja_JP.UTF-8", "/Users/a&amp;b/Library/Logs/jpki-agent.log"])
    expect(text).toContain(`<string>${line}</string>`);
  expect(text).toContain(UNIT_MARK);
});

describe("what a file cannot hold", () => {
  it.each([systemdPath, xmlText, (text: string) => systemdWord(text, "program")])("%o refuses a line end", (form) => {
    expect(() => form("/a\nExecStartPre=/b")).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it.each(["/a'b", '/a"b', "/a\\b"])("the program %s is refused", (program) => {
    expect(() => systemdWord(program, "program")).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("a place without value is refused", () => {
    expect(() => fillTemplate("@NODE@ @OTHER@", { NODE: "/n" })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});

it.each([
  ['a"b\\c', "argument", '"a\\"b\\\\c"'],
  ["a$b%c", "program", '"a$b%%c"'],
  ["a$b%c", "argument", '"a$$b%%c"'],
] as const)("the word %j as %s", (text, kind, word) => {
  expect(systemdWord(text, kind)).toBe(word);
});
