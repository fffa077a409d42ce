import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProgramFinder, type ProcessSource, type ProgramForm, programOf } from "../../agent/peer.ts";
import { silentLogger } from "../../lib/log.ts";
import { connectAgent } from "../helpers/agent-client.ts";
import { deferred } from "../helpers/deferred.ts";
import { type TempDir, tempDir } from "../helpers/temp-dir.ts";

/** As `ss -xnpH` of iproute2 6.1 prints it (observed). */
const LINES = [
  'u_str ESTAB  0      0      /run/agent.sock 450729 * 450379 users:(("node",pid=12579,fd=4))   ',
  'u_str ESTAB  0      0                    * 450379 * 450729 users:(("ssh",pid=300,fd=3))',
  'u_str ESTAB  0      0                    * 77 * 78 users:(("other",pid=400,fd=3))',
  "u_str ESTAB  0      0                    * 114    * 115                                      ",
];
const STAT: Readonly<Record<number, string>> = {
  100: "100 (tmux: server) S 1 100 100 0 -1",
  200: "200 (a) (b) S 100 200 100 0 -1",
  300: "300 (ssh) S 200 300 100 0 -1",
  301: "301 (ssh child) S 300 300 100 0 -1",
  302: "302 (stranger) S 1 302 302 0 -1",
};

let folder: TempDir;
let accepted: Socket;
let close: () => Promise<void>;

beforeEach(async () => {
  folder = await tempDir();
  const path = join(folder.path, "s");
  const first = deferred<Socket>();
  const server = createServer((socket) => first.resolve(socket));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = await connectAgent(path);
  accepted = await first.promise;
  close = async () => {
    client.close();
    accepted.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
});
afterEach(async () => {
  await close();
  await folder.remove();
});

interface Fake extends Partial<ProcessSource> {
  readonly lines?: readonly string[];
}

function find({ lines = LINES, ...some }: Fake = {}, platform: NodeJS.Platform = "linux", form: ProgramForm = "names") {
  const source: ProcessSource = {
    sockets: async () => `${lines.join("\n")}\n`,
    descriptor: async (pid) => (pid === "self" ? "socket:[450729]" : "socket:[450379]"),
    stat: async (pid) => STAT[pid] ?? Promise.reject(new Error("ENOENT")),
    ...some,
  };
  return createProgramFinder(platform, silentLogger, form, source)(accepted);
}

/** The peer's line with other holders. */
const held = (users: string) => [LINES[0] ?? "", `u_str ESTAB 0 0 * 450379 * 450729 users:(${users})`];

describe("the program at the other end", () => {
  it("is named with those that started it, without init", async () => {
    expect(await find()).toBe("ssh < a) (b < tmux: server");
    expect(await find({}, "linux", "processes")).toBe("ssh (300) < a) (b < tmux: server");
  });

  it("is the one that started the others when they hold the socket too", async () => {
    expect(await find({ lines: held('("ssh",pid=301,fd=3),("ssh",pid=300,fd=3)') })).toMatch(/^ssh < /);
  });

  it("is no more than four names long", async () => {
    expect(await find({ stat: async (pid) => `${pid} (p${pid}) S ${pid - 1} 0` })).toBe("p300 < p299 < p298 < p297");
  });

  const unclear: readonly (readonly [string, Fake])[] = [
    ["ss is missing", { sockets: () => Promise.reject(new Error("ENOENT")) }],
    ["ss prints something else", { lines: ["Netid State"] }],
    ["our own socket is not listed", { lines: LINES.slice(1) }],
    ["our own socket is listed twice", { lines: [...LINES, "u_str ESTAB 0 0 /x 450729 * 77"] }],
    ["the peer is not listed", { lines: LINES.slice(0, 1) }],
    ["the peer is unknown", { lines: ["u_str ESTAB 0 0 /run/agent.sock 450729 * 0"] }],
    ["the peer's holder may not be seen", { lines: [LINES[0] ?? "", "u_str ESTAB 0 0 * 450379 * 450729"] }],
    ["two that are not related hold it", { lines: held('("ssh",pid=300,fd=3),("x",pid=302,fd=3)') }],
    ["/proc does not confirm it", { descriptor: async (pid) => (pid === "self" ? "socket:[450729]" : "socket:[1]") }],
    ["the holder has ended meanwhile", { stat: () => Promise.reject(new Error("ENOENT")) }],
    ["/proc has another form", { stat: async () => "300 ssh" }],
  ];
  it.each(unclear)("is not told when %s", async (_what, fake) => {
    expect(await find(fake)).toBeUndefined();
  });

  it("is not told by a name that looks like another holder", async () => {
    const lines = held('("x\\",pid=302,fd=3)",pid=300,fd=3)');
    const descriptor: ProcessSource["descriptor"] = async (pid) =>
      pid === "self" ? "socket:[450729]" : pid === 300 ? "socket:[450379]" : "/dev/null";
    expect(await find({ lines, descriptor })).toMatch(/^ssh < /);
  });

  it("is not looked for elsewhere than on Linux, nor for a socket that is closed", async () => {
    expect(await find({}, "darwin")).toBeUndefined();
    accepted.destroy();
    expect(await find()).toBeUndefined();
  });

  it("is told to each of many that ask at once, by one look at all sockets", async () => {
    let runs = 0;
    const finder = createProgramFinder("linux", silentLogger, "names", {
      sockets: async () => {
        runs++;
        return LINES.join("\n");
      },
      descriptor: async (pid) => (pid === "self" ? "socket:[450729]" : "socket:[450379]"),
      stat: async (pid) => STAT[pid] ?? "",
    });
    const all = await Promise.all(Array.from({ length: 100 }, () => finder(accepted)));
    expect(all).toEqual(Array(100).fill("ssh < a) (b < tmux: server"));
    expect(runs).toBe(1);
  });

  it("is looked for once it is wanted, and no more once it is known", async () => {
    const found = [undefined, "curl", "another"];
    const program = programOf(accepted, async () => found.shift());
    expect(found).toHaveLength(3);
    expect([await program(), await program(), await program()]).toEqual([undefined, "curl", "curl"]);
  });
});
