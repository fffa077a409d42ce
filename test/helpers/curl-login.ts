/** TLS logins by curl through OpenSSL's engine: with the agent's module, and with OpenSC's in its place. */

import { readFile, writeFile } from "node:fs/promises";
import { OPENSC_MODULE } from "./opensc-agent.ts";
import { CERTIFICATE_URI, KEY_URI, type Pkcs11Desk } from "./pkcs11-desk.ts";
import { type RunResult, run } from "./run.ts";
import type { TlsServer } from "./tls-server.ts";

/** OpenSC's names for the same objects. */
const OPENSC_TOKEN = "pkcs11:token=JPKI%20%28User%20Authentication%20PIN%29;object=User%20Authentication%20";

/** By the agent. */
export function curlLogin(server: TlsServer, env: Pkcs11Desk["env"]): Promise<RunResult> {
  return curlWith(CERTIFICATE_URI, KEY_URI, server, env);
}

/** By OpenSC's module, which reads the whole card each time. */
export function openscCurlLogin(server: TlsServer, env: Pkcs11Desk["env"]): Promise<RunResult> {
  const [certificate, key] = [`${OPENSC_TOKEN}Certificate;type=cert`, `${OPENSC_TOKEN}Key;type=private`];
  return curlWith(certificate, `${key};pin-value=1234`, server, env);
}

/** The desk's, with OpenSC's module; for {@link openscCurlLogin}. */
export async function openscEnv(desk: Pkcs11Desk): Promise<Pkcs11Desk["env"]> {
  const printed = await readFile(desk.env["OPENSSL_CONF"] ?? "", "utf8");
  // OpenSC 0.23 does not use the card's PSS: it needs the lines against it on every card.
  await writeFile(desk.at("opensc.cnf"), printed.replace(desk.module, OPENSC_MODULE).replace(/^# /gm, ""));
  return { ...desk.env, OPENSSL_CONF: desk.at("opensc.cnf") };
}

function curlWith(
  certificate: string,
  key: string,
  { url, certificateFile }: TlsServer,
  env: Pkcs11Desk["env"],
): Promise<RunResult> {
  const token = ["--cert-type", "ENG", "--cert", certificate, "--key-type", "ENG", "--key", key];
  return run("curl", ["-sS", "--cacert", certificateFile, "--engine", "pkcs11", ...token, url], { env });
}
