/** Asks on a terminal: the PIN without echo, a yes typed in full. */

import type { ReadStream } from "node:tty";
import { wipeRead } from "../bytes.ts";
import { messageOf, PinError } from "../errors.ts";
import { LineEditor } from "./line-editor.ts";
import { pinFromBytes } from "./pin.ts";
import type { Prompt, PromptText, PromptTexts } from "./prompt.ts";
import { closeTerminal, openTerminal } from "./terminal.ts";

export interface TtyOptions {
  /** `/dev/tty`, or the path of another terminal (GPG_TTY). Opened for each question. */
  readonly path: string;
  /** Whether it knows colours: then warnings are red. */
  readonly color: boolean;
  readonly texts: PromptTexts;
}

/** In full: one key pressed by mistake must not spend the last try. */
const YES: ReadonlySet<string> = new Set(["yes", "はい"]);
/** ECMA-48 SGR: bold and red, then as before. */
const [RED, PLAIN] = ["\u001b[1;31m", "\u001b[m"];
/** Carriage return, erase to the end of the line (ECMA-48 EL). */
const START_OF_LINE = "\r\u001b[K";

/** A {@link Prompt} on a terminal. It waits as long as the person does. */
export function createTtyPrompt({ path, color, texts }: TtyOptions): Prompt {
  const words = ({ warning, text }: PromptText): string => {
    if (warning === "") return text;
    return `${color ? `${RED}${warning}${PLAIN}` : warning}\n${text}`;
  };
  return {
    name: "tty",
    async askPin(request, signal) {
      const question = `${words(texts.pin(request))}\n${texts.pinLabel(request)}: `;
      return pinFromBytes(request.part ?? request.pin, await readLine(path, question, "hidden", signal));
    },
    async confirm(request, signal) {
      const line = await readLine(path, `${words(texts.confirm(request))} (yes/no)\n`, "shown", signal);
      const yes = YES.has(new TextDecoder().decode(line).trim().toLowerCase());
      line.fill(0);
      return yes;
    },
    async askForCard(request, signal) {
      try {
        const line = await readLine(
          path,
          `${words(texts.placeCard(request))} (Ctrl-C: ${texts.buttons.cancel})\n`,
          "hidden",
          signal,
        );
        line.fill(0);
        return "closed";
      } catch (error) {
        if (error instanceof PinError && error.code === "PIN_CANCELLED") return "cancelled";
        throw error;
      }
    },
  };
}

/** @returns the line, owned by the caller. The terminal is as before when this settles. */
async function readLine(
  path: string,
  question: string,
  echo: "hidden" | "shown",
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const stream = openTerminal(path);
  const editor = new LineEditor();
  try {
    stream.write(question);
    const show = echo === "shown" ? () => stream.write(`${START_OF_LINE}> ${shown(editor)}`) : () => {};
    await typeLine(stream, editor, show, signal);
    return editor.take();
  } catch (error) {
    if (signal.aborted || error instanceof PinError) throw error;
    throw new PinError("PIN_NO_PROMPT", `ask on the terminal ${path}: ${messageOf(error)}`, { cause: error });
  } finally {
    editor.wipe();
    await closeTerminal(stream);
  }
}

/** Resolves at Enter. @throws PIN_CANCELLED; the signal's reason; what the terminal fails with. */
function typeLine(stream: ReadStream, editor: LineEditor, show: () => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    stream.once("close", () => signal.removeEventListener("abort", abort));
    stream.on("error", reject);
    stream.once("end", () => reject(new Error("the terminal was closed")));
    show();
    stream.on("data", (typed: Buffer) => {
      const state = editor.push(typed);
      wipeRead(typed);
      if (state === "more") show();
      if (state === "done") resolve();
      if (state === "cancelled") reject(new PinError("PIN_CANCELLED", "ask on the terminal: cancelled"));
    });
  });
}

/** What was pasted must not draw on the terminal. */
function shown(editor: LineEditor): string {
  return new TextDecoder().decode(editor.view()).replaceAll(/\p{Cc}/gu, "\ufffd");
}
