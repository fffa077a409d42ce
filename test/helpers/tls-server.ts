/** What web servers that ask for a client certificate have in common here. */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { runOk } from "./run.ts";

/** What `jpki-agent --json pkcs11 server-config` prints. */
export type ServerFiles = readonly { readonly path: string; readonly text: string }[];

export interface TlsServerOptions {
  /** One for each server. */
  readonly folder: string;
  readonly protocol: "TLSv1.2" | "TLSv1.3";
  readonly clientFiles: ServerFiles;
}

export interface TlsServer {
  readonly url: string;
  readonly port: number;
  /** Its own certificate, to be trusted by clients; PEM. */
  readonly certificateFile: string;
  /** Its log of errors and connections. */
  log(): Promise<string>;
  close(): Promise<void>;
}

/** Puts them all into `folder`, where they name each other too. */
export async function writeClientFiles(files: ServerFiles, folder: string): Promise<void> {
  for (const { path, text } of files)
    await writeFile(join(folder, basename(path)), text.replaceAll(`${dirname(path)}/`, `${folder}/`));
}

/** `server.pem` and `server.key`, for localhost. */
export async function makeServerCertificate(folder: string): Promise<void> {
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const files = ["-keyout", join(folder, "server.key"), "-out", join(folder, "server.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", names, "-days", "2"];
  await runOk("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, ...files]);
}

/** Hands on what comes to a free loopback port, to a socket. */
export async function forwardTo(path: string): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // either end may hang up at any time
  };
  const server = createServer((client) => {
    const inner = connect(path);
    keep(client);
    keep(inner);
    client.on("close", () => inner.destroy());
    inner.on("close", () => client.destroy());
    client.pipe(inner).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener before nginx has no port");
  return {
    port: address.port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
