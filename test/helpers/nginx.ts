/**
 * A real nginx that asks for a client certificate, on a free loopback port: it listens on a socket of the test's folder,
 * and a listener of ours hands the bytes on, so that no port has to be chosen in advance.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  forwardTo,
  makeServerCertificate,
  type TlsServer,
  type TlsServerOptions,
  writeClientFiles,
} from "./tls-server.ts";
import { until } from "./until.ts";

/** Who is let in reads `in by TLSv1.2` or `in by TLSv1.3`. */
export async function startNginx({ folder, protocol, clientFiles }: TlsServerOptions): Promise<TlsServer> {
  const at = (name: string) => join(folder, name);
  await mkdir(folder, { recursive: true });
  await makeServerCertificate(folder);
  await writeClientFiles(clientFiles, folder);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${at(`temp-${name}`)};`,
  );
  await writeFile(
    at("nginx.conf"),
    [
      "daemon off;",
      "user root;",
      "worker_processes 1;",
      `pid ${at("nginx.pid")};`,
      `error_log ${at("error.log")} info;`,
      "events {}",
      "http {",
      ...temporary,
      `access_log ${at("access.log")};`,
      "server {",
      `listen unix:${at("nginx.sock")} ssl;`,
      `ssl_certificate ${at("server.pem")};`,
      `ssl_certificate_key ${at("server.key")};`,
      `ssl_protocols ${protocol};`,
      `include ${at("jpki-agent.conf")};`,
      "location / { default_type text/html; return 200 'in by $ssl_protocol\\n'; }",
      "}",
      "}\n",
    ].join("\n"),
  );
  const child = spawn("nginx", ["-e", at("error.log"), "-p", folder, "-c", at("nginx.conf")], { stdio: "ignore" });
  const exited = once(child, "exit");
  const log = () => readFile(at("error.log"), "utf8").catch(() => "");
  await until("nginx listens", async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${await log()}`);
    return existsSync(at("nginx.sock"));
  });
  const forwarder = await forwardTo(at("nginx.sock"));
  return {
    url: `https://localhost:${forwarder.port}/`,
    port: forwarder.port,
    certificateFile: at("server.pem"),
    log,
    close: async () => {
      forwarder.close();
      child.kill("SIGTERM");
      await exited;
    },
  };
}
