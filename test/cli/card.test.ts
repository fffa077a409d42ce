import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../cli/program.ts";
import { drawText } from "../../lib/virtual-card/drawing.ts";
import { FICTIONAL_HOLDER } from "../../lib/virtual-card/holder.ts";
import { FICTIONAL_PHOTO } from "../../lib/virtual-card/photo.ts";
import { type FakeDepsOptions, fakeDeps } from "../helpers/cli.ts";
import { PHOTO_HEIGHT, PHOTO_WIDTH } from "../helpers/drawn-photo.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

let dir: TempDir;
let env: Record<string, string>;
/** Answers each question by its words, and notes that it was asked. */
const ASKPASS = `#!/bin/sh
echo asked >> "$ASKED"
case "$1" in
*"birth date"*|*生年月日*) echo 020401 ;;
*"year until"*|*有効期限*) echo 2032 ;;
*"ecurity code"*|*セキュリティ*) echo 5678 ;;
*"individual number"*|*個人番号*) echo "1234 5678 9018" ;;
*) echo 2345 ;;
esac
`;

beforeAll(async () => {
  dir = await tempDir();
  await writeFile(at("askpass"), ASKPASS, { mode: 0o755 });
  env = {
    PATH: process.env["PATH"] ?? "",
    XDG_STATE_HOME: at("s"),
    XDG_RUNTIME_DIR: at("r"),
    SSH_ASKPASS: at("askpass"),
    SSH_ASKPASS_REQUIRE: "force",
    ASKED: at("asked"),
  };
});
afterAll(() => dir.remove());

function at(name: string): string {
  return join(dir.path, name);
}

async function card(argv: readonly string[], options: FakeDepsOptions = {}) {
  await writeFile(at("asked"), "");
  const bytes: Uint8Array[] = [];
  const deps = fakeDeps({ home: dir.path, ...options, env: { ...env, ...options.env } });
  const stdout = { ...deps.stdout, writeBytes: (part: Uint8Array) => void bytes.push(part) };
  const status = await run(["--card", "virtual", ...argv], { ...deps, stdout });
  const asked = (await readFile(at("asked"), "utf8")).split("\n").length - 1;
  return { status, out: deps.out(), err: deps.err(), bytes: new Uint8Array(Buffer.concat(bytes)), asked };
}

const JAPANESE = { env: { LANG: "ja_JP.UTF-8" } };
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
const bytesOf = async (path: string) => new Uint8Array(await readFile(path));

describe("card attributes", () => {
  it.each([[[]], [["--with", "pin"]], [["--with", "b"]]])("%j", async (flags) => {
    const { status, out, err } = await card(["card", "attributes", ...flags]);
    expect([status, err]).toEqual([0, ""]);
    expect(out).toBe(
      "Name: 見本　花子\nAddress: 見本県架空市一丁目２番３号\nBirth date: 1990-04-01 (Heisei 2)\nSex: female\n",
    );
  });

  it("in Japanese, and as JSON", async () => {
    expect((await card(["card", "attributes"], JAPANESE)).out).toBe(
      "氏名: 見本　花子\n住所: 見本県架空市一丁目２番３号\n生年月日: 1990年4月1日（平成2年）\n性別: 女\n",
    );
    const { out } = await card(["--json", "card", "attributes"]);
    expect(JSON.parse(out)).toEqual({
      name: FICTIONAL_HOLDER.name,
      address: FICTIONAL_HOLDER.address,
      birthDate: { raw: "19900401", year: 1990, month: 4, day: 1 },
      sex: "female",
    });
  });

  it("says nothing of the holder in its most detailed log", async () => {
    const { status, err } = await card(["-vv", "card", "attributes"]);
    expect(status).toBe(0);
    expect(err).toContain("Lc=04 [hidden]");
    expect(err).not.toMatch(/見本|2345|1990|32333435/);
  });

  it("cancelled: status 5 and nothing on stdout", async () => {
    const { status, out } = await card(["card", "attributes"], { env: { SSH_ASKPASS: "/bin/false" } });
    expect([status, out]).toEqual([5, ""]);
  });
});

describe("card number", () => {
  it("without --i-may: refused with the law's words, and nobody is asked", async () => {
    const english = await card(["card", "number"]);
    expect([english.status, english.out, english.asked]).toEqual([8, "", 0]);
    expect(english.err).toMatch(/other people's individual numbers.*--i-may/s);
    const japanese = await card(["card", "number"], JAPANESE);
    expect(japanese.err).toMatch(/番号法.*--i-may/s);
    const { err } = await card(["--json", "card", "number"]);
    expect(JSON.parse(err)).toMatchObject({ code: "POLICY_REFUSED", details: { problem: "number-unasked" } });
  });

  it("with it: the words on stderr, the number alone on stdout", async () => {
    const text = await card(["card", "number", "--i-may"]);
    expect([text.status, text.out, text.asked]).toEqual([0, "123456789018\n", 1]);
    expect(text.err).toMatch(/My Number Act/);
    const json = await card(["--json", "card", "number", "--i-may"]);
    expect(JSON.parse(json.out)).toEqual({ number: "123456789018" });
  });
});

describe("card face", () => {
  it("dates and sex as text, and which images there are", async () => {
    const { status, out, asked } = await card(["card", "face"]);
    expect([status, asked]).toEqual([0, 3]);
    expect(out).toMatch(
      /^Birth date: 1990-04-01 \(Heisei 2\)\nSex: female\nValid until: 2032-04-01\nName: image, \d+ bytes .*\nAddress: .*\nSecurity code: .*\n$/,
    );
    const japanese = await card(["card", "face", "--with", "a"], JAPANESE);
    expect([japanese.status, japanese.asked]).toEqual([0, 1]);
    expect(japanese.out).toMatch(/有効期限: 2032年4月1日\n氏名: 画像/);
  });

  it("-o: a folder of one's own with the images, each readable by oneself alone", async () => {
    const { status, out } = await card(["card", "face", "-o", at("face")]);
    expect(status).toBe(0);
    expect(out).toContain(`Name: ${at("face/name.png")}\n`);
    expect((await readdir(at("face"))).sort()).toEqual(["address.png", "name.png", "security-code.png"]);
    expect(await modeOf(at("face"))).toBe(0o700);
    expect(await modeOf(at("face/name.png"))).toBe(0o600);
    expect(await bytesOf(at("face/name.png"))).toEqual(drawText("見本　花子"));
    expect(decode(await bytesOf(at("face/security-code.png")))).toMatchObject({ width: 24, height: 12, depth: 1 });
  });

  it("--item: one image, into a file or a pipe", async () => {
    for (const argv of [[], ["-o", "-"]])
      expect((await card(["card", "face", "--item", "address", ...argv])).bytes).toEqual(
        drawText("見本県架空市一丁目２番３号"),
      );
    expect((await card(["card", "face", "--item", "security-code", "-o", at("code.png")])).status).toBe(0);
    expect(await bytesOf(at("code.png"))).toEqual(drawText("5678"));
    expect(await modeOf(at("code.png"))).toBe(0o600);
  });

  it("the number's image only with --i-may, and then by 照合番号A", async () => {
    const refused = await card(["card", "face", "--item", "number"]);
    expect([refused.status, refused.asked]).toEqual([8, 0]);
    const image = await card(["card", "face", "--item", "number", "--i-may"]);
    expect([image.status, image.asked, image.bytes]).toEqual([0, 1, drawText("123456789018")]);
    expect(image.err).toMatch(/My Number Act/);
    expect((await card(["card", "face", "--with", "a", "--i-may", "-o", at("all")])).status).toBe(0);
    expect(await readdir(at("all"))).toContain("number.png");
  });

  it("--json: images as base64, or where they were written", async () => {
    const { out } = await card(["--json", "card", "face"]);
    const { sex, expires, images } = JSON.parse(out);
    expect([sex, expires.year, Object.keys(images)]).toEqual(["female", 2032, ["name", "address", "securityCode"]]);
    expect(new Uint8Array(Buffer.from(images.name, "base64"))).toEqual(drawText("見本　花子"));
    const one = JSON.parse((await card(["--json", "card", "face", "--item", "name"])).out);
    expect(Object.keys(one.images)).toEqual(["name"]);
    const written = JSON.parse((await card(["--json", "card", "face", "-o", at("json")])).out);
    expect(written.files.name).toBe(at("json/name.png"));
  });
});

describe("card photo", () => {
  it("as it lies on the card, to a pipe or a file", async () => {
    for (const argv of [[], ["-o", "-"], ["--with", "a"]])
      expect((await card(["card", "photo", ...argv])).bytes).toEqual(FICTIONAL_PHOTO);
    const { status, out, err } = await card(["card", "photo", "-o", at("photo.jp2")]);
    expect([status, out, err]).toEqual([0, "", ""]);
    expect(await bytesOf(at("photo.jp2"))).toEqual(FICTIONAL_PHOTO);
    expect(await modeOf(at("photo.jp2"))).toBe(0o600);
  });

  it("--png, and --json", async () => {
    const { bytes } = await card(["card", "photo", "--png"]);
    expect(decode(bytes)).toMatchObject({ width: PHOTO_WIDTH, height: PHOTO_HEIGHT, channels: 1, depth: 8 });
    const jpeg2000 = JSON.parse((await card(["--json", "card", "photo"])).out);
    expect([jpeg2000.format, Buffer.from(jpeg2000.data, "base64").length]).toEqual([
      "jpeg2000",
      FICTIONAL_PHOTO.length,
    ]);
    const png = JSON.parse((await card(["--json", "card", "photo", "--png"])).out);
    expect([png.format, new Uint8Array(Buffer.from(png.data, "base64"))]).toEqual(["png", bytes]);
  });

  it("an output that cannot be: status 1 before anybody is asked, and the folder as it was", async () => {
    await mkdir(at("taken"));
    await writeFile(at("file"), "old");
    for (const argv of [
      ["card", "photo", "-o", at("taken")],
      ["card", "face", "--item", "name", "-o", at("taken")],
      ["card", "face", "-o", at("file")],
      ["card", "face", "-o", at("file/of/folders")],
    ]) {
      const { status, asked } = await card(argv);
      expect([status, asked], argv.join(" ")).toEqual([1, 0]);
    }
    expect(await readdir(at("taken"))).toEqual([]);
    expect(await readFile(at("file"), "utf8")).toBe("old");
  });
});

describe("mistakes of the command line cost no question", () => {
  it.each([
    [["card", "photo"]],
    [["card", "photo", "-o", "-"]],
    [["card", "photo", "--png"]],
    [["card", "face", "--item", "name"]],
    [["card", "face", "-o", "-"]],
    [["card", "face", "--item", "number", "--i-may", "--with", "b"]],
    [["card", "face", "--item", "photo"]],
    [["card", "attributes", "--with", "a"]],
    [["card", "photo", "--with", "pin"]],
    [["card"]],
    [["card", "all"]],
  ])("%j on a terminal", async (argv) => {
    const { status, asked, bytes, out } = await card(argv, { terminal: true });
    expect([status, asked, bytes.length, out]).toEqual([2, 0, 0, ""]);
  });

  it.each([
    ["photo", ["card", "photo", "-o", "x"]],
    ["face", ["card", "face", "--item", "name", "-o", "x"]],
  ])("--json beside -o: %s", async (_, argv) => {
    const { status, err, asked } = await card(["--json", ...argv]);
    expect([status, asked, JSON.parse(err).details.problem]).toEqual([2, 0, "conflicting-options"]);
  });
});
