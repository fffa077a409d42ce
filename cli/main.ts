#!/usr/bin/env node
/** The entry: gives the process's own streams, environment and signals to the command line, and ends with its status. */

import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import type { Deps, TextOutput } from "./deps.ts";
import { run } from "./program.ts";

const stop = new AbortController();
let failure: unknown;

// Once each: who presses Ctrl-C again does not want to wait for the card.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));

// A defect must not leave a verified card behind: end in the same orderly way as after a signal, then fail.
process.on("uncaughtException", (error) => {
  failure = error;
  process.stderr.write(`jpki-agent: ${error.stack ?? error.message}\n`);
  stop.abort(error);
});

const deps: Deps = {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  self: [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)],
  pid: process.pid,
  env: process.env,
  home: homedir(),
  signal: stop.signal,
};

const status = await run(process.argv.slice(2), deps);
process.exitCode = failure === undefined ? status : 1;

/** A reader that went away (`| head`) is no error of ours. */
function output(stream: NodeJS.WriteStream): TextOutput {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  return { write: (text) => void stream.write(text), isTerminal: stream.isTTY === true };
}
