/** A program that is talked to by Assuan over its standard input and output, one command at a time. */

import { concatBytes, wipeRead } from "../bytes.ts";
import { messageOf, PinError, TooLargeError } from "../errors.ts";
import { AssuanDecoder, type AssuanReply, encodeCommand } from "./assuan.ts";
import { type ChildGroup, type Environment, startGroup } from "./child-group.ts";

/** What a command ended with. */
export type AssuanOutcome =
  /** `data` is owned by the receiver, who wipes it; `statuses` are the keywords of status lines on the way. */
  | { readonly kind: "ok"; readonly data: Uint8Array; readonly statuses: readonly string[] }
  | { readonly kind: "error"; readonly code: number; readonly text: string };

export interface AssuanClientOptions {
  /** A path, or a name looked up in the PATH of `env`. */
  readonly program: string;
  /** The program's whole environment. */
  readonly env: Environment;
  readonly signal: AbortSignal;
}

interface Pending {
  readonly resolve: (outcome: AssuanOutcome) => void;
  readonly reject: (error: unknown) => void;
  readonly statuses: string[];
  data: Uint8Array;
}

/** More than any answer to a question. */
const MAX_DATA_BYTES = 4096;
/** How long the program may take to end after BYE, milliseconds. */
const BYE_MS = 1000;

export class AssuanClient {
  readonly #options: AssuanClientOptions;
  readonly #child: ChildGroup;
  readonly #decoder = new AssuanDecoder();
  #pending: Pending | undefined;
  /** Why nothing more can be sent. */
  #over: { readonly error: unknown } | undefined;

  private constructor(options: AssuanClientOptions) {
    this.#options = options;
    this.#child = startGroup(options.program, [], options.env);
    options.signal.addEventListener("abort", this.#child.stop, { once: true });
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.#hear(chunk);
      wipeRead(chunk);
    });
  }

  /**
   * Starts the program and waits for its greeting.
   *
   * @throws PinError `PIN_NO_PROMPT` if it cannot be started or does not speak Assuan; the signal's reason.
   */
  static async start(options: AssuanClientOptions): Promise<AssuanClient> {
    options.signal.throwIfAborted();
    let client: AssuanClient;
    try {
      client = new AssuanClient(options);
    } catch (cause) {
      throw noPrompt(options.program, cause);
    }
    client.#child.ended.then((how) => client.#end(how));
    try {
      const greeting = await client.#outcome();
      if (greeting.kind === "ok") return client;
      throw noPrompt(options.program, new Error(`it greets with error ${greeting.code}: ${greeting.text}`));
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /**
   * Sends a command and waits for its outcome, as long as that takes.
   *
   * @throws PinError `PIN_NO_PROMPT` if the program ends or says what is no Assuan; TOO_LARGE; the signal's reason.
   */
  send(verb: string, argument?: string | undefined): Promise<AssuanOutcome> {
    const line = encodeCommand(verb, argument);
    const outcome = this.#outcome();
    this.#child.stdin.write(line);
    return outcome;
  }

  /** Says BYE; resolves when nothing of the program is left. */
  async close(): Promise<void> {
    const timer = setTimeout(this.#child.stop, BYE_MS);
    if (this.#over === undefined) this.#child.stdin.write(encodeCommand("BYE"));
    this.#child.stdin.end();
    await this.#child.ended;
    clearTimeout(timer);
    this.#options.signal.removeEventListener("abort", this.#child.stop);
    this.#decoder.wipe();
  }

  #outcome(): Promise<AssuanOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#over === undefined) this.#pending = { resolve, reject, statuses: [], data: new Uint8Array() };
      else reject(this.#over.error);
    });
  }

  #hear(chunk: Uint8Array): void {
    try {
      this.#decoder.push(chunk, (reply) => this.#take(reply));
    } catch (error) {
      this.#child.stop();
      this.#fail(noPrompt(this.#options.program, error));
    }
  }

  #take(reply: AssuanReply): void {
    const pending = this.#pending;
    if (pending === undefined) {
      if (reply.kind === "data") reply.data.fill(0); // after BYE, or unasked
      return;
    }
    switch (reply.kind) {
      case "data":
        pending.data = joined(pending.data, reply.data);
        return;
      case "status":
        pending.statuses.push(reply.keyword);
        return;
      case "inquire":
        this.#child.stdin.write(encodeCommand("CAN")); // we have nothing to tell
        return;
      case "ok":
        this.#pending = undefined;
        pending.resolve({ kind: "ok", data: pending.data, statuses: pending.statuses });
        return;
      case "error":
        this.#pending = undefined;
        pending.data.fill(0);
        pending.resolve({ kind: "error", code: reply.code, text: reply.text });
        return;
      case "comment":
        return;
    }
  }

  #end(how: number | string | Error): void {
    const { program, signal } = this.#options;
    const fact = how instanceof Error ? how : new Error(`it ended with ${how} before its answer`);
    this.#fail(signal.aborted ? signal.reason : noPrompt(program, fact));
  }

  #fail(error: unknown): void {
    this.#over ??= { error };
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.data.fill(0);
    pending?.reject(error);
  }
}

/** Both in one fresh array; wipes both. @throws TOO_LARGE */
function joined(before: Uint8Array, after: Uint8Array): Uint8Array {
  try {
    if (before.length + after.length > MAX_DATA_BYTES)
      throw new TooLargeError(`assuan: the data is over ${MAX_DATA_BYTES} bytes`);
    return concatBytes(before, after);
  } finally {
    before.fill(0);
    after.fill(0);
  }
}

/** @returns the error of a program that cannot show a question; `fact` is what it did. */
export function noPrompt(program: string, fact: unknown): PinError {
  return new PinError("PIN_NO_PROMPT", `ask by ${program}: ${messageOf(fact)}`, {
    hint: "name a pinentry that can show a question with --pinentry, or choose another --pin-prompt",
    details: { program },
    cause: fact,
  });
}
