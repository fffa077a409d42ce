/**
 * Ends what stands still. A native call that does not return freezes a test file's process, and with it vitest's own
 * time limits, which live there; the run would wait for ever. This reporter lives in vitest's main process: when nothing
 * was heard of any test for too long, it says which files are at fault and what their processes do, and kills these.
 * vitest then counts an error and goes on with the next file.
 *
 * All workers are killed: as long as one still makes progress the run does not stand still, so that those left are all
 * frozen.
 */

import type { ReportedHookContext, Reporter, TestCase, TestModule } from "vitest/node";
import { childrenOf, flattened, type RunningProcess, threadsOf } from "./process-tree.ts";

/**
 * Above the longest that may honestly go by between two reports: a test of 300 s, or one of 180 s that is tried a
 * second time, for vitest does not report the first try.
 */
const LIMIT_MS = 420_000;

/** How many of a file's tests are named. */
const NAMED_TESTS = 5;

/** vitest starts one such program for each test file. */
const WORKER = "/vitest/dist/workers/";

export interface StandStillOptions {
  /** How long nothing may be heard, milliseconds. Default 420000. */
  readonly limitMs?: number | undefined;
}

export default class StandStillReporter implements Reporter {
  readonly #limitMs: number;
  /** The files that run, by vitest's id: the module is another object once its tests are known. */
  readonly #running = new Map<string, { readonly module: TestModule; readonly last: string }>();
  readonly #killed = new Set<number>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ limitMs = LIMIT_MS }: StandStillOptions = {}) {
    this.#limitMs = limitMs;
  }

  onTestRunStart(): void {
    this.#timer = setTimeout(() => this.#endWorkers(), this.#limitMs);
  }

  onTestModuleQueued(module: TestModule): void {
    this.#heard(module, "about to be loaded");
  }

  onTestModuleStart(module: TestModule): void {
    this.#heard(module, "loaded");
  }

  onTestCaseReady(test: TestCase): void {
    this.#heard(test.module, `starts: ${test.fullName}`);
  }

  onTestCaseResult(test: TestCase): void {
    this.#heard(test.module, `${test.result().state}: ${test.fullName}`);
  }

  onHookStart(hook: ReportedHookContext): void {
    this.#heardOfHook(hook, "starts");
  }

  onHookEnd(hook: ReportedHookContext): void {
    this.#heardOfHook(hook, "ended");
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.id);
    this.#timer?.refresh();
  }

  onTestRunEnd(): void {
    clearTimeout(this.#timer);
  }

  #heardOfHook({ name, entity }: ReportedHookContext, what: string): void {
    if (entity.type === "module") this.#heard(entity, `${name} ${what}`);
    else this.#heard(entity.module, `${name} ${what}: ${entity.fullName}`);
  }

  #heard(module: TestModule, last: string): void {
    this.#running.set(module.id, { module, last });
    this.#timer?.refresh();
  }

  #endWorkers(): void {
    console.log(`\nthe tests stand still: nothing was heard of them for ${this.#limitMs / 1000} s`);
    for (const { module, last } of this.#running.values()) console.log(describeModule(module, last));
    const workers = childrenOf(process.pid).filter(({ command }) => command.includes(WORKER));
    for (const worker of workers) console.log(describeProcess(worker, "  ", threadsOf(worker.pid)));
    if (workers.every(({ pid }) => this.#killed.has(pid))) {
      console.log("there is no worker that could be killed: the run ends here");
      process.exit(1);
    }
    this.#running.clear();
    for (const worker of workers) {
      this.#killed.add(worker.pid);
      // What the worker started goes with it, or would be in the next file's way.
      for (const { pid } of flattened(worker)) kill(pid);
    }
    this.#timer?.refresh();
  }
}

/** It may have got further than was heard: a process gathers its reports for 100 ms, and a frozen one keeps them. */
function describeModule(module: TestModule, last: string): string {
  const open = [...module.children.allTests()].filter((test) => test.result().state === "pending");
  const names = open.slice(0, NAMED_TESTS).map(({ fullName }) => `\n    ${fullName}`);
  const more = open.length > NAMED_TESTS ? `\n    and ${open.length - NAMED_TESTS} more` : "";
  const tests = open.length > 0 ? `\n  no result of:${names.join("")}${more}` : "";
  return `${module.relativeModuleId} stands still\n  last heard: ${last}${tests}`;
}

function describeProcess(
  { pid, state, command, children }: RunningProcess,
  indent: string,
  threads: readonly string[],
): string {
  const deeper = `${indent}  `;
  return [
    `${indent}${pid} ${state} ${command}`,
    ...threads.map((thread) => `${deeper}thread ${thread}`),
    ...children.map((child) => describeProcess(child, deeper, [])),
  ].join("\n");
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ended meanwhile
  }
}
