/** What is said, in any language, where other programs are set up: `env`, `service`, `pkcs11`. */

import type { Pkcs11Program } from "../set-up/pkcs11-plan.ts";
import type { ServiceState } from "../set-up/service.ts";
import type { FileChange } from "../set-up/write.ts";

/** `env` and `service`. */
export interface SetUpTexts {
  /** No card has been seen yet, so there is no key to name. */
  readonly noKey: string;
  /** There was nothing to take out. */
  readonly nothing: string;
  /** What became of a file; one line each. */
  readonly change: Readonly<Record<FileChange["result"], (path: string) => string>>;
  /** The service starts when its socket is used. */
  installed(socket: string): string;
  /** The service has been started. */
  startedAtLogin(socket: string): string;
  readonly uninstalled: string;
  /** `program` could not be reached: the commands that are still to be run. */
  byHand(program: string, commands: readonly string[]): string;
  /** Whole lines. */
  status(state: ServiceState): string;
}

/** `pkcs11 env` and `pkcs11 server-config`. */
export interface Pkcs11Texts {
  /** p11-kit-client.so is not installed: what to install. */
  readonly noModule: string;
  /** Before the settings of each program; several lines. */
  readonly programs: Readonly<Record<Pkcs11Program | "module" | "p11Kit", string>>;
  readonly servers: ServerTexts;
}

/** Comments in a server's configuration; several lines each. */
export interface ServerTexts {
  /** Before the line that names the one certificate. */
  readonly oneLineEach: string;
  readonly nginx: TlsServerTexts;
  readonly apache: TlsServerTexts;
  readonly sshd: { readonly intro: string };
}

export interface TlsServerTexts {
  /** Where the lines belong, and who is let in. */
  readonly intro: string;
  /** Which versions of TLS. */
  readonly protocols: string;
}
