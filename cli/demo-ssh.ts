/**
 * The SSH server of `demo`, and the client for a machine that has no `ssh`.
 *
 * The server listens on loopback only, on a port the system chooses, lets in one user with one RSA key, says one
 * sentence and hangs up. Nothing can be run on it.
 */

import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:net";
import { equalBytes } from "../lib/bytes.ts";
import { type AuthContext, type Connection, type PublicKeyAuthContext, type Session, ssh2 } from "../lib/ssh2.ts";

export interface DemoServerOptions {
  readonly user: string;
  /** The `ssh-rsa` blob of the only key that is let in. */
  readonly keyBlob: Uint8Array;
  /** Said to who logged in; one line. */
  readonly greeting: string;
}

export interface DemoServer {
  readonly host: string;
  readonly port: number;
  /** The host key: `ecdsa-sha2-nistp256 AAAA…`. */
  readonly hostKey: string;
  /** Hangs up on everybody. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

/** Starts to listen with a fresh host key. */
export async function startDemoServer(options: DemoServerOptions): Promise<DemoServer> {
  const hostKey = makeHostKey();
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [hostKey.pem] }, (connection) => {
    connections.add(connection);
    connection.on("authentication", (context) => authenticate(context, options));
    connection.on("session", (accept) => serveSession(accept(), options.greeting));
    connection.on("close", () => connections.delete(connection));
    connection.on("error", () => connection.end()); // a client that went away; its own words say why
  });
  server.listen(0, HOST);
  await once(server, "listening");
  return {
    host: HOST,
    port: portOf(server.address()),
    hostKey: hostKey.publicLine,
    close: async () => {
      for (const connection of connections) connection.end();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/**
 * A host key for one run. Made by Node: of the ed25519 keys that ssh2 1.17 makes itself, it cannot read about one in 300
 * ("Malformed OpenSSH private key"; observed).
 */
export function makeHostKey(): { readonly pem: string; readonly publicLine: string } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pem = privateKey.export({ type: "sec1", format: "pem" }).toString();
  const key = ssh2.utils.parseKey(pem);
  if (key instanceof Error) throw key;
  return { pem, publicLine: `${key.type} ${key.getPublicSSH().toString("base64")}` };
}

export interface LoginOptions {
  readonly server: DemoServer;
  readonly user: string;
  /** The agent's socket. */
  readonly socketPath: string;
  readonly signal: AbortSignal;
}

/** Logs in with ssh2's client and the agent. @returns what the server said. @throws Error with the client's reason. */
export async function loginWithSsh2({ server, user, socketPath, signal }: LoginOptions): Promise<string> {
  signal.throwIfAborted();
  const { host, port } = server;
  const hostVerifier = (key: Buffer) => key.toString("base64") === server.hostKey.split(" ")[1];
  const client = new ssh2.Client();
  const stop = () => client.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      client.on("error", reject);
      client.on("close", () => reject(new Error("the connection was closed")));
      client.on("ready", () =>
        client.shell(false, (error, channel) => {
          if (error !== undefined) return reject(error);
          let said = "";
          channel.setEncoding("utf8").on("data", (text: string) => {
            said += text;
          });
          channel.on("close", () => resolve(said.trim()));
        }),
      );
      client.connect({ host, port, username: user, agent: socketPath, hostVerifier });
    });
  } finally {
    signal.removeEventListener("abort", stop);
    client.end();
  }
}

function portOf(address: ReturnType<Server["address"]>): number {
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  return address.port;
}

/** The first question of a client has no signature: "would this key do?" */
function authenticate(context: AuthContext, { user, keyBlob }: DemoServerOptions): void {
  const isTheKey = context.method === "publickey" && context.username === user && equalBytes(context.key.data, keyBlob);
  if (isTheKey && (context.signature === undefined || isSigned(context, context.signature))) context.accept();
  else context.reject(["publickey"]);
}

/** SHA-2 only: ssh2 names no hash for a signature with SHA-1. */
function isSigned({ key, blob, hashAlgo }: PublicKeyAuthContext, signature: Buffer): boolean {
  const parsed = ssh2.utils.parseKey(key.data);
  if (parsed instanceof Error || blob === undefined || hashAlgo === undefined) return false;
  return parsed.verify(blob, signature, hashAlgo) === true;
}

function serveSession(session: Session, greeting: string): void {
  session.on("shell", (accept) => {
    const channel = accept();
    channel.write(`${greeting}\n`);
    channel.exit(0);
    channel.end();
  });
}
