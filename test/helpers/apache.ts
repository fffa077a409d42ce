/** A real Apache that asks for a client certificate, on a free loopback port. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { makeServerCertificate, type TlsServer, type TlsServerOptions, writeClientFiles } from "./tls-server.ts";
import { until } from "./until.ts";

const MODULES = ["mpm_event", "authn_core", "authz_core", "ssl", "socache_shmcb", "mime", "dir"];

/** Who is let in gets an empty page. */
export async function startApache({ folder, protocol, clientFiles }: TlsServerOptions): Promise<TlsServer> {
  const at = (name: string) => join(folder, name);
  await mkdir(at("htdocs"), { recursive: true });
  await writeFile(at("htdocs/index.html"), "in\n");
  await makeServerCertificate(folder);
  await writeClientFiles(clientFiles, folder);
  const port = await freePort();
  await writeFile(
    at("apache.conf"),
    [
      ...MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      `ServerRoot ${folder}`,
      "ServerName localhost",
      `PidFile ${at("apache.pid")}`,
      `Mutex file:${folder}`,
      `ErrorLog ${at("error.log")}`,
      "TypesConfig /dev/null",
      "DirectoryIndex index.html",
      `Listen 127.0.0.1:${port}`,
      `DocumentRoot ${at("htdocs")}`,
      "<VirtualHost *>",
      "SSLEngine on",
      `SSLProtocol ${protocol}`,
      `SSLCertificateFile ${at("server.pem")}`,
      `SSLCertificateKeyFile ${at("server.key")}`,
      `Include ${at("jpki-agent.conf")}`,
      "</VirtualHost>\n",
    ].join("\n"),
  );
  const child = spawn("apache2", ["-D", "FOREGROUND", "-f", at("apache.conf")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const exited = once(child, "exit");
  const log = async () => said + (await readFile(at("error.log"), "utf8").catch(() => ""));
  await until("Apache serves", async () => {
    if (child.exitCode !== null) throw new Error(`Apache ended: ${await log()}`);
    return (await log()).includes("resuming normal operations");
  });
  return {
    url: `https://localhost:${port}/`,
    port,
    certificateFile: at("server.pem"),
    log,
    close: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Apache cannot be told to take any port, nor a socket: one that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
