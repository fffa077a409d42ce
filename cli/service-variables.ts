/** What a service manager tells the programs it starts, by environment variables (sd_listen_fds(3), sd_notify(3)). */

export interface ServiceVariables {
  /** How many listening sockets were handed to this very process; undefined: none. */
  readonly listenFds: number | undefined;
  /** Where the service manager listens for our state; undefined: nowhere. */
  readonly notifySocket: string | undefined;
}

const NAMES = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "NOTIFY_SOCKET"] as const;

/** Reads the variables and removes them from `env`: they are not meant for the programs that we start. */
export function takeServiceVariables(env: Record<string, string | undefined>, pid: number): ServiceVariables {
  const { LISTEN_FDS: fds = "", LISTEN_PID: listener, NOTIFY_SOCKET: notifySocket } = env;
  for (const name of NAMES) delete env[name];
  // "If this is not the PID of the current process, the descriptors are meant for another one": sd_listen_fds(3).
  const listenFds = listener === String(pid) && /^[1-9]\d{0,8}$/.test(fds) ? Number(fds) : undefined;
  return { listenFds, notifySocket: notifySocket || undefined };
}
