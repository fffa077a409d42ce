/**
 * What every layer may say to the log. The writer behind it (pino) is chosen once, in lib/node.ts.
 *
 * Never give a logger a PIN, a password, or the body of VERIFY or CHANGE REFERENCE DATA: describe the APDU instead.
 */

/** Structured fields of one log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** From the most to the least that is said. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

export interface Logger {
  /** Each byte on the wire; secrets hidden. */
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Says nothing. */
export const silentLogger: Logger = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

/** The same log, with `tag` in every line. */
export function taggedLogger(log: Logger, tag: LogFields): Logger {
  return {
    trace: (message, fields) => log.trace(message, { ...tag, ...fields }),
    debug: (message, fields) => log.debug(message, { ...tag, ...fields }),
    info: (message, fields) => log.info(message, { ...tag, ...fields }),
    warn: (message, fields) => log.warn(message, { ...tag, ...fields }),
    error: (message, fields) => log.error(message, { ...tag, ...fields }),
  };
}
