import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDesktopNotice } from "../../lib/desktop-notice.ts";
import type { SignatureEntry } from "../../lib/signature-entry.ts";
import { type RecordingLogger, recordingLogger } from "../helpers/recording-logger.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";
import { until } from "../helpers/until.ts";

const ENTRY: SignatureEntry = { key: "k", comment: "c", result: "signed", data: "userauth", forwarded: false };

let dir: TempDir;
let log: RecordingLogger;
beforeEach(async () => {
  dir = await tempDir();
  log = recordingLogger();
});
afterEach(() => dir.remove());

const at = (name: string) => join(dir.path, name);
const shown = () => readFile(at("shown"), "utf8").catch(() => "");
const notice = (title = "title", body = "body") =>
  createDesktopNotice({ env: { PATH: `${dir.path}:/usr/bin:/bin` }, text: () => ({ title, body }), log });

async function install(script: string): Promise<void> {
  await writeFile(at("notify-send"), `#!/bin/sh\ncd '${dir.path}'\n${script}\n`);
  await chmod(at("notify-send"), 0o700);
}

describe("a notice on the desktop", () => {
  it("is shown after a signature, its text as it is: no option, no markup", async () => {
    await install('printf "%s\\n" "$@" > new; mv new shown');
    notice("--help", "<b>root</b> & co").add(ENTRY);
    await until("it is shown", async () => (await shown()) !== "");
    expect(await shown()).toBe("--app-name=jpki-agent\n--\n--help\n&lt;b&gt;root&lt;/b&gt; &amp; co\n");
    expect(log.lines).toEqual([]);
  });

  it("is not shown for what was not signed", async () => {
    await install("echo shown >> shown");
    const own = notice();
    for (const result of ["refused", "failed", "abandoned", "signed"] as const) own.add({ ...ENTRY, result });
    await until("the one is shown", async () => (await shown()) !== "");
    expect(await shown()).toBe("shown\n");
  });

  it.each([
    ["fails", "exit 1"],
    ["is not there", undefined],
  ])("is no more than a line for debugging when notify-send %s", async (_what, script) => {
    if (script !== undefined) await install(script);
    createDesktopNotice({ env: { PATH: dir.path }, text: () => ({ title: "t", body: "b" }), log }).add(ENTRY);
    await until("it failed", () => log.lines.length > 0);
    expect(log.lines).toEqual([expect.objectContaining({ level: "debug" })]);
  });

  it("never runs more than four at once", async () => {
    await install("echo $$ >> shown; while [ ! -e go ]; do /bin/sleep 0.01; done");
    const own = notice();
    for (let i = 0; i < 10; i++) own.add(ENTRY);
    await until("four run", async () => (await shown()).split("\n").length === 5);
    await writeFile(at("go"), "");
    await until("they have ended", async () => {
      own.add(ENTRY);
      return (await shown()).split("\n").length > 5;
    });
  });
});
