/** A listener of ours on a free loopback port that hands each connection to a program, as inetd does. */

import { type ChildProcess, spawn } from "node:child_process";
import { type FileHandle, open } from "node:fs/promises";
import { createServer, type Socket } from "node:net";

export interface InetdOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The file that gets the program's standard error. */
  readonly logFile: string;
}

export interface Inetd {
  readonly port: number;
  /** Ends the programs that still run, and waits. */
  close(): Promise<void>;
}

/** The connection is the program's standard input and output. */
export async function startInetd(options: InetdOptions): Promise<Inetd> {
  const log = await open(options.logFile, "a");
  const children = new Set<ChildProcess>();
  const server = createServer({ pauseOnConnect: true }, (socket) => serve(socket, options, log, children));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error(`the listener of ${options.program} has no port`);
  return {
    port: address.port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...children].map(end));
      await closed;
      await log.close();
    },
  };
}

function serve(socket: Socket, { program, args, env }: InetdOptions, log: FileHandle, children: Set<ChildProcess>) {
  const child = spawn(program, args, { env: env ?? process.env, stdio: [socket, socket, log.fd] });
  children.add(child);
  child.on("exit", () => children.delete(child));
  socket.on("error", () => {}); // The client may hang up at any time; the program has its own copy of the socket.
  child.on("spawn", () => socket.destroy());
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}
