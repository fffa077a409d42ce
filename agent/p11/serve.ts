/** The PKCS#11 face with its cards, served at its socket. */

import type { Logger } from "../../lib/log.ts";
import type { CardSlots } from "./card-slots.ts";
import { startP11Face } from "./face.ts";
import { createApplications } from "./handler.ts";

export interface ServeP11Options {
  /** Closed with the face, also when it cannot be started. */
  readonly slots: CardSlots;
  /** Relative paths are taken from the working folder. */
  readonly socketPath: string;
  readonly allowSha1: boolean;
  /** This program's, for programs to show. */
  readonly version: string;
  readonly log: Logger;
}

export interface ServedP11 {
  /** Absolute. */
  readonly socketPath: string;
  /** Hangs up on every program, ends every login, removes the socket. May be called twice. */
  close(): Promise<void>;
}

/** @throws SocketError `SOCKET_IN_USE`, `SOCKET_UNSAFE`, `IO_FAILED`. */
export async function serveP11({ slots, socketPath, allowSha1, version, log }: ServeP11Options): Promise<ServedP11> {
  try {
    const open = createApplications({ slots, allowSha1, version, log });
    const face = await startP11Face({ socketPath, open, log });
    return {
      socketPath: face.socketPath,
      close: async () => {
        await face.close();
        slots.close();
      },
    };
  } catch (error) {
    slots.close();
    throw error;
  }
}
