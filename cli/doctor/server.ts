/**
 * `--server HOST[:PORT]`: which signatures a server takes, as `ssh -v` tells it without a login. The person's own
 * configuration counts (host names, ports, jump hosts); no key is offered and no host key is kept.
 *
 * A server tells in `server-sig-algs` (RFC 8308, 3.1); OpenSSH does since 7.2, which is also when it learnt RSA with
 * SHA-2 (RFC 8332). One that is older takes `ssh-rsa` with SHA-1 alone, which today's clients and we refuse.
 */

import { ConfigError } from "../../lib/errors.ts";
import { printable } from "../../lib/printable.ts";
import { type Finding, finding } from "./finding.ts";
import type { System } from "./system.ts";

export interface ServerName {
  readonly host: string;
  readonly port: number | undefined;
}

const CONNECT_SECONDS = 10;
const TIMEOUT_MS = 20_000;
const RSA_SHA2 = ["rsa-sha2-512", "rsa-sha2-256"];

/** `host`, `user@host`, `host:port`, `[2001:db8::1]:port`. @throws ConfigError, also for what ssh would read as an option. */
export function parseServer(text: string): ServerName {
  const [, bracketed, plain, port] = /^(?:\[([^\]\s]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = /^[0-9a-f:.%]*:[0-9a-f:.%]*:[^\s]*$/i.test(text) ? text : (bracketed ?? plain);
  const number = port === undefined || address === text ? undefined : Number(port);
  if (address === undefined || address.startsWith("-") || number === 0 || (number ?? 0) > 65535)
    throw new ConfigError(`--server does not take "${text}"; it takes HOST[:PORT]`, {
      details: { problem: "bad-option-value", subject: "--server", value: text, expected: "HOST[:PORT]" },
    });
  return { host: address, port: number };
}

/** What it takes, and what its side must be like. */
export async function checkServer(server: ServerName, system: System): Promise<readonly Finding[]> {
  const ended = await system.run("ssh", sshArguments(server), TIMEOUT_MS);
  const name = printable(server.port === undefined ? server.host : `${server.host}:${server.port}`);
  if (ended === undefined) return [finding("skipped", "server-no-ssh", {})];
  return [...findingsOf(name, ended.stderr), finding("skipped", "server-permissions", { server: name })];
}

function sshArguments({ host, port }: ServerName): readonly string[] {
  const options = {
    BatchMode: "yes",
    ConnectTimeout: String(CONNECT_SECONDS),
    ControlMaster: "no",
    ControlPath: "none",
    ForwardAgent: "no",
    ClearAllForwardings: "yes",
    GSSAPIAuthentication: "no",
    HostKeyAlgorithms: "+ssh-rsa",
    IdentityAgent: "none",
    KbdInteractiveAuthentication: "no",
    PasswordAuthentication: "no",
    PermitLocalCommand: "no",
    PreferredAuthentications: "none",
    PubkeyAuthentication: "no",
    StrictHostKeyChecking: "no",
    UpdateHostKeys: "no",
    UserKnownHostsFile: "/dev/null",
    GlobalKnownHostsFile: "/dev/null",
  };
  return [
    ...["-v", "-T", "-x"],
    ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...["--", host, "true"],
  ];
}

/** @param output what `ssh -v` wrote to stderr. */
export function findingsOf(server: string, output: string): readonly Finding[] {
  const software = printable(/remote software version ([^\r\n]*)/.exec(output)?.[1] ?? "");
  const methods = /Authentications that can continue: ([^\r\n]*)/.exec(output)?.[1]?.split(",");
  const offer = /Unable to negotiate with .*?: (no matching [^\r\n]*)/.exec(output)?.[1];
  if (offer !== undefined) return [finding("fail", "server-too-old", { server, reason: printable(offer) })];
  if (!/SSH2_MSG_SERVICE_ACCEPT received|Authenticated to|server-sig-algs=/.test(output))
    return [finding("fail", "server-unreachable", { server, reason: lastWords(output) })];
  const keyLogin =
    methods === undefined || methods.includes("publickey")
      ? []
      : [finding("fail", "server-no-publickey", { server, methods: methods.map((name) => printable(name)) })];
  return [signatures(server, software, output), ...keyLogin];
}

function signatures(server: string, software: string, output: string): Finding {
  const told = /server-sig-algs=<([^>]*)>/
    .exec(output)?.[1]
    ?.split(",")
    .map((name) => printable(name));
  if (told === undefined)
    return isBefore72(software)
      ? finding("fail", "server-sha1-only", { server, software })
      : finding("warn", "server-silent-on-algorithms", { server, software });
  const algorithms = RSA_SHA2.filter((algorithm) => told.includes(algorithm));
  if (algorithms.length > 0) return finding("ok", "server-modern", { server, software, algorithms });
  return told.includes("ssh-rsa")
    ? finding("fail", "server-sha1-only", { server, software })
    : finding("fail", "server-no-rsa", { server, algorithms: told });
}

function isBefore72(software: string): boolean {
  const [, major, minor] = /OpenSSH_(\d+)\.(\d+)/.exec(software) ?? [];
  return major !== undefined && (Number(major) < 7 || (Number(major) === 7 && Number(minor) < 2));
}

/** The last line that is no debug line: what ssh said to the person. */
function lastWords(output: string): string {
  const lines = output
    .split(/\r?\n/)
    .filter((line) => line !== "" && !/^(?:debug\d|OpenSSH_|Warning: Perm)/.test(line));
  return printable(lines.at(-1) ?? "no answer");
}
