/** p11-kit's side of the PKCS#11 face: the module that programs load, and how it is told where the socket is. */

import { existsSync, readdirSync } from "node:fs";
import { machine } from "node:os";
import { join } from "node:path";
import type { Deps } from "../deps.ts";

const CLIENT_MODULE = "pkcs11/p11-kit-client.so";

/** Fedora, Arch, Homebrew on Apple's and on Intel's processors, and what was built by hand. */
const OTHER_FOLDERS = ["/usr/lib64", "/usr/lib", "/opt/homebrew/lib", "/usr/local/lib"];

/** p11-kit-client.so of this machine, absolute; undefined: not installed. Debian has one for each architecture. */
export function findClientModule(): string | undefined {
  const multiarch = subfolders("/usr/lib").sort((a, b) => rank(a) - rank(b));
  const folders = [...multiarch.map((name) => join("/usr/lib", name)), ...OTHER_FOLDERS];
  return folders.map((folder) => join(folder, CLIENT_MODULE)).find((path) => existsSync(path));
}

/** Where it would be here, for a machine without it. */
export function usualClientModule({ platform }: Pick<Deps, "platform">): string {
  return join(platform === "darwin" ? "/opt/homebrew/lib" : `/usr/lib/${machine()}-linux-gnu`, CLIENT_MODULE);
}

/**
 * The address of a socket, for the variable P11_KIT_SERVER_ADDRESS and for `remote:` of a module file. p11-kit decodes
 * percent signs in it (observed with 0.24.1).
 */
export function serverAddress(socket: string): string {
  const encoded = socket.split("/").map((part) => encodeURIComponent(part).replaceAll("'", "%27"));
  return `unix:path=${encoded.join("/")}`;
}

/** The person's file that adds the card to every program that uses p11-kit, absolute. Source: pkcs11.conf(5). */
export function moduleFile({ env, home }: Pick<Deps, "env" | "home">): string {
  const config = env["XDG_CONFIG_HOME"];
  return join(config?.startsWith("/") ? config : join(home, ".config"), "pkcs11/modules/jpki-agent.module");
}

function subfolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** The processor's own architecture first. */
function rank(name: string): number {
  return name.startsWith(`${machine()}-`) ? 0 : 1;
}
