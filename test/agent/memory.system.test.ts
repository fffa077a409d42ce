/**
 * What is left of a PIN in the built agent's process: its JavaScript heap by a snapshot, all its memory by
 * /proc/PID/mem. SECURITY.md gives the figures; here is asserted what can be promised.
 */

import { open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ByteWriter } from "../../lib/bytes.ts";
import { z } from "../../lib/schema.ts";
import { type AgentProcess, startAgentProcess } from "../helpers/agent-process.ts";
import { type Desk, openDesk } from "../helpers/desk.ts";
import { VPCD_READERS } from "../helpers/pcscd.ts";
import { run, runOk } from "../helpers/run.ts";
import { until } from "../helpers/until.ts";

const PIN = "7391";
/** Four digits alone stand somewhere by chance; not so the PIN as it travels to the card, and from askpass. */
const VERIFY = Buffer.concat([Buffer.from("0020009804", "hex"), Buffer.from(PIN)]);
const TYPED = Buffer.from(`${PIN}\n`);
/** As ssh-add sends it: the token's name and the PIN, two strings of the agent's protocol. */
const GIVEN = Buffer.from(new ByteWriter().string("jpki").string(PIN).finish());

let desk: Desk;
let agent: AgentProcess;
beforeAll(async () => {
  desk = await openDesk();
  await desk.layCard({ authPin: PIN });
  await desk.sand.answer(PIN);
  const options = `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${desk.folder}`;
  agent = await startAgentProcess({ ...desk.sand, env: { ...desk.sand.env, NODE_OPTIONS: options } }, [
    ...["--card-hold", "0"],
  ]);
});
afterAll(async () => {
  await agent.stop();
  await desk.close();
});

it("after a login no string of the PIN, no command with it; after ssh-add -D no remembered copy", async () => {
  await writeFile(desk.at("data"), "x");
  await writeFile(desk.at("key.pub"), (await runOk("ssh-add", ["-L"], { env: desk.sand.env })).stdout);
  const sign = () =>
    run("ssh-keygen", ["-Y", "sign", "-f", desk.at("key.pub"), "-n", "file", desk.at("data")], { env: desk.sand.env });
  expect(await sign()).toMatchObject({ status: 0 });
  const pid = agent.child.pid ?? 0;
  expect(namesOf(await snapshot()).filter((name) => name.length < 64 && name.includes(PIN))).toEqual([]);
  // That nothing is found must not be for want of looking.
  expect(await countIn(pid, Buffer.from(VPCD_READERS[0]))).toBeGreaterThan(0);
  expect(await countIn(pid, VERIFY)).toBe(0);
  expect(await countIn(pid, TYPED)).toBe(0);

  await runOk("ssh-add", ["-D"], { env: desk.sand.env });
  await rm(desk.at("data.sig"));
  expect(await sign()).toMatchObject({ status: 0 });
  expect(await desk.sand.questions()).toHaveLength(2);
  expect(agent.log()).not.toContain(PIN);
});

it("after ssh-add -s no request with it", async () => {
  const pid = agent.child.pid ?? 0;
  await runOk("ssh-add", ["-s", "jpki"], { env: desk.sand.env });
  await runOk("ssh-add", ["-l"], { env: desk.sand.env });
  expect(await countIn(pid, Buffer.from(VPCD_READERS[0]))).toBeGreaterThan(0);
  expect(await countIn(pid, GIVEN)).toBe(0);
  expect(await countIn(pid, VERIFY)).toBe(0);
  expect(await countIn(pid, TYPED)).toBe(0);
  expect(agent.log()).not.toContain(PIN);
});

/** By node's own signal; waits until the file is whole. */
async function snapshot(): Promise<string> {
  agent.child.kill("SIGUSR2");
  let text = "";
  await until(
    "the heap snapshot is written",
    async () => {
      const [name] = (await readdir(desk.folder)).filter((entry) => entry.endsWith(".heapsnapshot"));
      text = name === undefined ? "" : await readFile(join(desk.folder, name), "utf8");
      return text.trimEnd().endsWith("}");
    },
    30_000,
  );
  return text;
}

/** What the heap's nodes are called: of a string, its text. The table of strings alone also holds counters of edges. */
function namesOf(text: string): readonly string[] {
  const { snapshot, nodes, strings } = z
    .object({
      snapshot: z.object({ meta: z.object({ node_fields: z.array(z.string()) }) }),
      nodes: z.array(z.number()),
      strings: z.array(z.string()),
    })
    .parse(JSON.parse(text));
  const { length } = snapshot.meta.node_fields;
  const name = snapshot.meta.node_fields.indexOf("name");
  return nodes.filter((_, i) => i % length === name).map((index) => strings[index] ?? "");
}

/** How often the bytes stand in the writable memory of the process. */
async function countIn(pid: number, bytes: Uint8Array): Promise<number> {
  const maps = await readFile(`/proc/${pid}/maps`, "utf8");
  const memory = await open(`/proc/${pid}/mem`);
  let found = 0;
  try {
    for (const line of maps.split("\n")) {
      const [range = "", rights = ""] = line.split(" ");
      if (!rights.startsWith("rw")) continue;
      const [start = 0, end = 0] = range.split("-").map((hex) => Number.parseInt(hex, 16));
      found += await countInRange(memory, start, end, bytes);
    }
  } finally {
    await memory.close();
  }
  return found;
}

const CHUNK = 4 * 1024 * 1024;

async function countInRange(
  memory: Awaited<ReturnType<typeof open>>,
  start: number,
  end: number,
  bytes: Uint8Array,
): Promise<number> {
  let found = 0;
  for (let at = start; at < end; at += CHUNK) {
    const buffer = Buffer.alloc(Math.min(CHUNK + bytes.length - 1, end - at));
    try {
      await memory.read(buffer, 0, buffer.length, at);
    } catch {
      return found; // a mapping that cannot be read holds nothing of ours
    }
    for (let i = buffer.indexOf(bytes); i >= 0; i = buffer.indexOf(bytes, i + 1)) found++;
  }
  return found;
}
