/** pcscd as a server that the test plays; the real one is asked in bad-input.test.ts. */

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PcscdTransactions } from "../../../lib/card/pcscd-transactions.ts";
import { type TempDir, tempDir } from "../../helpers/temp-dir.ts";

const NEVER = new AbortController().signal;
const ESTABLISHED = Buffer.from("000000007856341200000000", "hex");

let dir: TempDir;
let path: string;
let server: Server;
let clients: Socket[];
let transactions: PcscdTransactions;

beforeEach(async () => {
  dir = await tempDir();
  path = join(dir.path, "pcscd.comm");
  clients = [];
  server = createServer((client) => {
    client.on("error", () => {}); // a client that went away
    clients.push(client);
  });
  server.listen(path);
  await once(server, "listening");
  transactions = new PcscdTransactions(path);
});

afterEach(async () => {
  transactions.close();
  server.close();
  await dir.remove();
});

async function nextClient(): Promise<Socket> {
  const [client] = await once(server, "connection");
  return client;
}

/** The next message: its command and what follows its header. */
async function received(client: Socket): Promise<{ command: number; body: Buffer }> {
  const [bytes] = await once(client, "data");
  expect(bytes.readUInt32LE(0)).toBe(bytes.length - 8);
  return { command: bytes.readUInt32LE(4), body: bytes.subarray(8) };
}

/** As pcscd answers SCARD_CONNECT. */
function connected(request: Buffer, card: number, rv: number): Buffer {
  const answer = Buffer.from(request);
  answer.writeInt32LE(card, 140);
  answer.writeUInt32LE(rv, 148);
  return answer;
}

describe("no transaction", () => {
  it("is told by a direct connection, which ends at once and leaves the card as it is", async () => {
    const none = transactions.none("Lecteur é 00", NEVER);
    const client = await nextClient();
    expect(await received(client)).toMatchObject({ command: 1 });
    client.write(ESTABLISHED);
    const { command, body } = await received(client);
    expect([command, body.readUInt32LE(0), body.readUInt32LE(132)]).toEqual([4, 0x12345678, 3]);
    expect(body.toString("utf8", 4, 132).split("\0")[0]).toBe("Lecteur é 00");
    // In two pieces, as a stream may bring it.
    const answer = connected(body, 0x0badcafe, 0);
    client.write(answer.subarray(0, 100));
    await new Promise((resolve) => setImmediate(resolve));
    client.write(answer.subarray(100));
    const { command: last, body: disconnect } = await received(client);
    expect([last, disconnect.toString("hex")]).toEqual([6, "fecaad0b0000000000000000"]);
    await none;
  });

  it("is taken for granted where nobody listens", async () => {
    await new PcscdTransactions(join(dir.path, "nobody")).none("Reader 00", NEVER);
  });

  it("is taken for granted where the service speaks otherwise", async () => {
    const none = transactions.none("Reader 00", NEVER);
    (await nextClient()).destroy();
    await none;
  });

  it("is taken for granted where pcscd refuses the connection: the native call tells why", async () => {
    const none = transactions.none("Reader 00", NEVER);
    const client = await nextClient();
    await received(client);
    client.write(ESTABLISHED);
    const { body } = await received(client);
    client.write(connected(body, 0, 0x8010000b));
    await once(client, "end");
    await none;
  });
});

describe("a transaction", () => {
  it("is waited for by one connection only, until the signal aborts", async () => {
    const reason = new Error("enough");
    for (let round = 0; round < 3; round++) {
      const stop = new AbortController();
      const none = transactions.none("Reader 00", stop.signal);
      stop.abort(reason);
      await expect(none).rejects.toBe(reason);
    }
    const other = transactions.none("Reader 01", NEVER);
    while (clients.length < 2) await nextClient();
    transactions.close();
    await other;
    expect(clients).toHaveLength(2);
  });
});
