/** Who else may want the card, with a list of sockets and a service that the test plays. */

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { OtherPrograms } from "../../../lib/card/other-programs.ts";
import { connectionsTo } from "../../../lib/card/pcscd-sharing.ts";
import { silentLogger } from "../../../lib/log.ts";
import { deferred } from "../../helpers/deferred.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

const READER = "Some Reader 00 00";
const HEADING = "Num       RefCount Protocol Flags    Type St Inode Path";

let dir: TempDir;
let servicePath: string;
let socketList: string;
let server: Server | undefined;

beforeEach(async () => {
  dir = await tempDir();
  servicePath = join(dir.path, "pcscd.comm");
  socketList = join(dir.path, "unix");
});

afterEach(async () => {
  server?.close();
  server = undefined;
  await dir.remove();
});

/** As the kernel writes it: the service listens, and these connections to it are open. */
function list(...inodes: readonly number[]): void {
  const line = (state: string, inode: number, path: string) =>
    `00000000c0ffee00: 00000003 00000000 00000000 0001 ${state} ${String(inode).padStart(5)} ${path}`;
  const lines = [
    line("01", 99, servicePath),
    line("03", 98, "/run/other"),
    ...inodes.map((n) => line("03", n, servicePath)),
  ];
  writeFileSync(socketList, `${[HEADING, ...lines].join("\n")}\n`);
}

/** Answers each request with these bytes. */
async function serve(answer: Uint8Array): Promise<void> {
  server = createServer((socket) => socket.once("data", () => socket.write(answer)));
  server.listen(servicePath);
  await once(server, "listening");
}

/** 16 READER_STATEs (winscard_msg.h), the reader in the second of them. */
function states(sharing: number): Uint8Array {
  const bytes = Buffer.alloc(16 * 184);
  bytes.write("Another Reader 00 00", 0);
  bytes.writeInt32LE(7, 136);
  bytes.write(READER, 184);
  bytes.writeInt32LE(sharing, 184 + 136);
  return bytes;
}

const others = () => new OtherPrograms({ reader: READER, servicePath, socketList, log: silentLogger });

it("one that came to the service before the watch began, or comes during it", async () => {
  for (const comes of ["before", "during"]) {
    list(1, 2);
    const seen = others();
    if (comes === "before") list(1, 2, 3);
    const wanted = deferred<void>();
    seen.watch(wanted.resolve);
    if (comes === "during") list(2, 3);
    await wanted.promise;
  }
});

it("one that was connected to the card before us", async () => {
  list(1, 2);
  await serve(states(2));
  const wanted = deferred<void>();
  others().watch(wanted.resolve);
  await wanted.promise;
});

it("nobody: those that were there before, and go", async () => {
  list(1, 2, 3);
  await serve(states(1));
  let calls = 0;
  const stop = others().watch(() => calls++);
  list(2);
  const later = deferred<void>();
  others().watch(later.resolve);
  list(2, 3); // new to the second alone
  await later.promise;
  stop();
  expect(calls).toBe(0);
});

it("nobody is told to who no longer watches", async () => {
  list(1);
  let calls = 0;
  others().watch(() => calls++)();
  const later = deferred<void>();
  others().watch(later.resolve);
  list(2);
  await later.promise;
  expect(calls).toBe(0);
});

it("how many are connected, as the service tells", async () => {
  await serve(states(-1));
  expect(await connectionsTo(READER, servicePath)).toBe(-1);
  expect(await connectionsTo("No Such Reader", servicePath)).toBeUndefined();
});

it.each([
  ["that is not there", undefined],
  ["that answers with too much", new Uint8Array(16 * 184 + 1)],
])("a service %s tells nothing", async (_, answer) => {
  if (answer !== undefined) await serve(answer);
  expect(await connectionsTo(READER, servicePath)).toBeUndefined();
});

it("a service that hangs up in the middle tells nothing", async () => {
  server = createServer((socket) => socket.end(new Uint8Array(100)));
  server.listen(servicePath);
  await once(server, "listening");
  expect(await connectionsTo(READER, servicePath)).toBeUndefined();
});
