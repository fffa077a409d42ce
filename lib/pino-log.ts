/** The one importing file of pino: the log as lines of JSON. */

import { pino, stdSerializers, stdTimeFunctions } from "pino";
import type { Logger, LogLevel } from "./log.ts";

export interface PinoLogOptions {
  /** Lines below it are dropped. */
  readonly level: LogLevel;
  /** Gets one line at a time, with its line end. */
  readonly destination: { write(line: string): void };
}

/** Nobody hands a PIN to the log (lib/log.ts); should a field of one of these names come all the same, it is hidden. */
const SECRET_FIELDS = ["pin", "password"];

/** A {@link Logger} with level names and ISO 8601 times, without process id and host name. */
export function createPinoLogger({ level, destination }: PinoLogOptions): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[hidden]" },
    },
    destination,
  );
  return {
    trace: (message, fields) => log.trace(fields ?? {}, message),
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
  };
}
