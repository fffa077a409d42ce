/**
 * Where our files lie. Source: XDG Base Directory Specification 0.8; the same rule on macOS, which has no
 * XDG_RUNTIME_DIR unless the user sets one.
 */

import { join } from "node:path";

export interface PathSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, absolute. */
  readonly home: string;
}

const FOLDER = "jpki-agent";

/** What the agent remembers from one run to the next; ours alone. */
export function stateFolder(sources: PathSources): string {
  return join(baseFolder(sources, "XDG_STATE_HOME") ?? join(sources.home, ".local", "state"), FOLDER);
}

/** The configuration file; it need not exist. */
export function configFile(sources: PathSources): string {
  return join(baseFolder(sources, "XDG_CONFIG_HOME") ?? join(sources.home, ".config"), FOLDER, "config.toml");
}

/** The agent's socket, unless the user names another; its folder is ours alone. */
export function defaultSocket(sources: PathSources): string {
  const runtime = baseFolder(sources, "XDG_RUNTIME_DIR");
  return join(runtime === undefined ? stateFolder(sources) : join(runtime, FOLDER), "agent.sock");
}

/**
 * The socket of the PKCS#11 face where p11-kit-client.so looks by itself (p11-kit 0.23 and later, observed with 0.24.1):
 * with XDG_RUNTIME_DIR no program needs a variable.
 */
export function defaultPkcs11Socket(sources: PathSources): string {
  const runtime = baseFolder(sources, "XDG_RUNTIME_DIR");
  const base = runtime ?? baseFolder(sources, "XDG_CACHE_HOME") ?? join(sources.home, ".cache");
  return join(base, "p11-kit", "pkcs11");
}

/** "All paths set in these environment variables must be absolute. [...] consider the path invalid and ignore it." */
function baseFolder({ env }: PathSources, name: string): string | undefined {
  const value = env[name];
  return value?.startsWith("/") ? value : undefined;
}
