/** What only shows in a process of its own: that it can exit, and that it lives on when pcscd does not. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Pcscd } from "../../helpers/pcscd.ts";
import { VpcdSlot } from "../../vpcd/bridge.ts";
import { RecordingCard } from "./transport-contract.ts";

const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), "../../..");

describe.each([
  ["pcsc-mini", "createPcscMiniTransport"],
  ["pcsclite", "createPcscliteTransport"],
])("%s in a process of its own", (name, create) => {
  let folder: string;
  let pcscd: Pcscd;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "jpki-process-"));
    pcscd = await Pcscd.start();
  });

  afterEach(async () => {
    await pcscd.stop();
    await rm(folder, { recursive: true });
  });

  it("lets the process exit by itself", async () => {
    const vpcd = new VpcdSlot(pcscd.port);
    await vpcd.insert(new RecordingCard());
    const program = await start(
      `await transport.ready();
      say(...transport.slots().map((slot) => slot.state));
      const connection = await transport.connect(transport.slots()[0]);
      say(...await connection.transmit(Uint8Array.of(0, 0xa4, 4, 12)));
      await transport.close();
      say("closed");`,
    );
    expect(await program.rest()).toEqual(["present empty", "144 0", "closed"]);
    await vpcd.remove();
  });

  it("survives pcscd's end, also when the garbage collector runs", async () => {
    const program = await start(
      `const until = (condition) => new Promise((resolve) => {
        const look = () => condition() && resolve();
        transport.onChange(look);
        look();
      });
      const collect = async () => {
        for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 10, globalThis.gc()));
      };
      await transport.ready();
      say("ready");
      await until(() => transport.fault() !== undefined);
      await collect();
      say("fault");
      await until(() => transport.fault() === undefined);
      await collect();
      await transport.close();
      await collect();
      say("closed");`,
    );
    expect(await program.line()).toBe("ready");
    await pcscd.kill();
    expect(await program.line()).toBe("fault");
    await pcscd.startAgain();
    expect(await program.rest()).toEqual(["closed"]);
  });

  async function start(body: string): Promise<Program> {
    const path = join(folder, "program.cjs");
    await buildProgram(path, name, create, body);
    return new Program(path);
  }
});

/** Lines of a program's output, and its clean end. */
class Program {
  readonly #lines: NodeJS.AsyncIterator<string>;
  readonly #exit: Promise<unknown[]>;

  constructor(path: string) {
    const child = spawn(process.execPath, ["--expose-gc", path], {
      env: { ...process.env, NODE_PATH: join(REPOSITORY, "node_modules") },
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 10_000,
      killSignal: "SIGKILL",
    });
    this.#exit = once(child, "exit");
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : value;
  }

  /** What is left until it exits, which must be with status 0. */
  async rest(): Promise<readonly string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line);
    expect(await this.#exit).toEqual([0, null]);
    return lines;
  }
}

/** In CommonJS, since only that finds NODE_PATH. */
async function buildProgram(outfile: string, name: string, create: string, body: string): Promise<void> {
  await build({
    stdin: {
      contents: `
        import { ${create} } from "./lib/card/${name}.ts";
        const say = (...words) => process.stdout.write(words.join(" ") + "\\n");
        async function main() {
          const transport = ${create}();
          ${body}
        }
        main();
      `,
      resolveDir: REPOSITORY,
    },
    bundle: true,
    platform: "node",
    format: "cjs",
    packages: "external",
    supported: { "dynamic-import": false },
    outfile,
    logLevel: "warning",
  });
}
