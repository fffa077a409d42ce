/**
 * A terminal opened for one question: echo off and keys one by one, and as it was before however the question ends.
 *
 * Raw mode is set by libuv, which puts the terminal back when the process exits, also by an uncaught exception or by
 * SIGINT and SIGTERM (observed with Node 20 on Linux). Reading is driven by readiness, so no read is pending that
 * could outlive the question and swallow the shell's next key.
 */

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { isatty, ReadStream } from "node:tty";
import { messageOf, PinError } from "../errors.ts";

/**
 * Opens the terminal in raw mode; keys typed before are dropped, they were no answer to this question. Ended by
 * {@link closeTerminal}.
 *
 * @param path /dev/tty, the process's own terminal, or the path of another.
 * @throws PinError `PIN_NO_PROMPT` if there is none, or if we are in its background.
 */
export function openTerminal(path: string): ReadStream {
  const stream = new ReadStream(openDescriptor(path), { writable: true });
  try {
    stream.setRawMode(true);
    dropTypedAhead(path);
    return stream;
  } catch (cause) {
    stream.destroy();
    throw noTerminal(path, cause);
  }
}

/** Puts the terminal back, where it is still there, and lets go of it. Never throws. */
export function closeTerminal(stream: ReadStream): Promise<void> {
  return new Promise((resolve) => {
    stream.on("error", () => {}); // a terminal that went away needs no putting back
    stream.once("close", resolve);
    stream.write("\n");
    stream.setRawMode(false);
    stream.destroy();
  });
}

/** Whether {@link openTerminal} would succeed now. */
export function isTerminalUsable(path: string): boolean {
  try {
    closeSync(openDescriptor(path));
    return true;
  } catch {
    return false; // the reason is told when the question is asked
  }
}

function openDescriptor(path: string): number {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
    if (!isatty(descriptor)) throw new Error("it is not a terminal");
    if (isInBackground()) throw new Error("this runs in the background of the terminal");
    return descriptor;
  } catch (cause) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw noTerminal(path, cause);
  }
}

/** Reading or changing the terminal from its background would stop the whole process (SIGTTIN, SIGTTOU). */
function isInBackground(): boolean {
  const { group, foreground } = jobControl();
  return foreground > 0 && foreground !== group;
}

/** Our process group and the one in the foreground of our terminal (-1: we have none). Source: proc(5), ps(1). */
function jobControl(): { readonly group: number; readonly foreground: number } {
  const [group = -1, foreground = -1] = (linuxJobControl() ?? psJobControl()).map(Number);
  return { group, foreground };
}

/** "pid (comm) state ppid pgrp session tty_nr tpgid …"; comm may hold spaces and parentheses. */
function linuxJobControl(): readonly (string | undefined)[] | undefined {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [fields[2], fields[5]];
  } catch {
    return undefined; // no /proc: macOS and the BSDs
  }
}

/** The shell is in our group and on our terminal. */
function psJobControl(): readonly string[] {
  return execFileSync("/bin/sh", ["-c", "ps -o pgid=,tpgid= -p $$"], { encoding: "latin1" }).trim().split(/\s+/);
}

/** Read through a description of its own, which alone is non-blocking. */
function dropTypedAhead(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  const typed = new Uint8Array(256);
  try {
    while (readSync(descriptor, typed) > 0) typed.fill(0);
  } catch {
    // EAGAIN: nothing is left. After any other failure the reading of the answer fails too, and says so.
  } finally {
    typed.fill(0);
    closeSync(descriptor);
  }
}

function noTerminal(path: string, cause: unknown): PinError {
  return new PinError("PIN_NO_PROMPT", `ask on the terminal ${path}: ${messageOf(cause)}`, {
    hint: "start this in the foreground of a terminal, or set SSH_ASKPASS to an askpass program",
    details: { path },
    cause,
  });
}
