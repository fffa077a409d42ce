/** A person made of closures: every question waits until the test answers it, or its signal aborts. */

import type { Pin } from "../../lib/pin/pin.ts";
import type { ConfirmRequest, PinRequest, Prompt } from "../../lib/pin/prompt.ts";

export type Question =
  | { readonly kind: "pin"; readonly request: PinRequest; answer(pin: Pin): void; fail(error: unknown): void }
  | { readonly kind: "confirm"; readonly request: PinRequest; answer(yes: boolean): void; fail(error: unknown): void };

export class FakePrompt implements Prompt {
  readonly name = "tty";
  /** All questions that were ever shown, in order. */
  readonly shown: Question[] = [];
  /** How many are on the screen now. */
  open = 0;
  /** The most that ever were at the same time. */
  mostOpen = 0;
  readonly #onShow: (question: Question) => void;

  /** @param onShow called when a question is on the screen; may answer at once. */
  constructor(onShow: (question: Question) => void = () => {}) {
    this.#onShow = onShow;
  }

  askPin(request: PinRequest, signal: AbortSignal): Promise<Pin> {
    return this.#show<Pin>(signal, (answer, fail) => ({ kind: "pin", request, answer, fail }));
  }

  confirm({ request }: ConfirmRequest, signal: AbortSignal): Promise<boolean> {
    return this.#show<boolean>(signal, (answer, fail) => ({ kind: "confirm", request, answer, fail }));
  }

  async #show<T>(
    signal: AbortSignal,
    question: (answer: (value: T) => void, fail: (error: unknown) => void) => Question,
  ): Promise<T> {
    signal.throwIfAborted();
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    try {
      return await new Promise<T>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        const asked = question(resolve, reject);
        this.shown.push(asked);
        this.#onShow(asked);
      });
    } finally {
      this.open--;
    }
  }
}
