/**
 * Adapter: tells systemd how the service stands (sd_notify(3)).
 *
 * The message is one datagram to the socket in NOTIFY_SOCKET, and Node has no AF_UNIX datagrams: a `systemd-notify`
 * child sends it. That costs a process of some milliseconds at the start and at the end, and the unit has to take
 * messages of other processes than the main one (`NotifyAccess=all`). The child waits until systemd has read the
 * message: one from a process that is gone already could not be assigned to the service.
 */

import { execFile } from "node:child_process";
import { messageOf } from "./errors.ts";
import type { Logger } from "./log.ts";

export interface ServiceState {
  /** Ready to serve, or about to end. */
  readonly state: "READY" | "STOPPING";
  /** For `systemctl status`; one line. */
  readonly status: string;
}

/** Resolves when the service manager has been told, or cannot be; never rejects. */
export type ServiceNotice = (state: ServiceState) => Promise<void>;

export interface ServiceNoticeOptions {
  /** NOTIFY_SOCKET: a path, or `@` and an abstract name. */
  readonly socket: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

const PROGRAM = "systemd-notify";
const TIMEOUT_MS = 5000;

export function createSystemdNotice({ socket, env, log }: ServiceNoticeOptions): ServiceNotice {
  return ({ state, status }) =>
    new Promise((resolve) => {
      const args = [`${state}=1`, `STATUS=${status.replaceAll("\n", " ")}`];
      const options = { env: { ...env, NOTIFY_SOCKET: socket }, timeout: TIMEOUT_MS };
      execFile(PROGRAM, args, options, (error) => {
        // Not fatal: the agent serves all the same, until systemd loses patience with a service that is not ready.
        if (error !== null) log.warn("systemd cannot be told", { state, error: messageOf(error) });
        resolve();
      });
    });
}
