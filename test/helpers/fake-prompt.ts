/** A person made of closures: every question waits until the test answers it, or its signal aborts. */

import type { Pin } from "../../lib/pin/pin.ts";
import type {
  ConfirmRequest,
  MessageEnd,
  PinRequest,
  PlaceCardRequest,
  Prompt,
  UseRequest,
} from "../../lib/pin/prompt.ts";

export type Question =
  | { readonly kind: "pin"; readonly request: PinRequest; answer(pin: Pin): void; fail(error: unknown): void }
  | { readonly kind: "confirm"; readonly request: PinRequest; answer(yes: boolean): void; fail(error: unknown): void };

/** Whether to use the key. */
export interface UseQuestion {
  readonly request: UseRequest;
  answer(yes: boolean): void;
  fail(error: unknown): void;
}

/** A message that asks for a card. */
export interface CardMessage {
  readonly request: PlaceCardRequest;
  answer(end: MessageEnd): void;
  fail(error: unknown): void;
}

export class FakePrompt implements Prompt {
  readonly name = "tty";
  /** All questions about a PIN that were ever shown, in order. */
  readonly shown: Question[] = [];
  /** All questions whether to use the key, in order. */
  readonly uses: UseQuestion[] = [];
  /** All messages that asked for a card, in order. */
  readonly messages: CardMessage[] = [];
  /** Called when a message is on the screen. */
  onMessage: (message: CardMessage) => void = () => {};
  /** How many are on the screen now. */
  open = 0;
  /** The most that ever were at the same time. */
  mostOpen = 0;
  readonly #onShow: (question: Question) => void;
  readonly #onUse: (question: UseQuestion) => void;

  /** @param onShow called when a question is on the screen; may answer at once. @param onUse the same. */
  constructor(onShow: (question: Question) => void = () => {}, onUse: (question: UseQuestion) => void = () => {}) {
    this.#onShow = onShow;
    this.#onUse = onUse;
  }

  askPin(request: PinRequest, signal: AbortSignal): Promise<Pin> {
    return this.#show<Pin>(signal, (answer, fail) => this.#showPin({ kind: "pin", request, answer, fail }));
  }

  confirm(request: ConfirmRequest, signal: AbortSignal): Promise<boolean> {
    return this.#show<boolean>(signal, (answer, fail) => {
      if (request.kind === "last-try") this.#showPin({ kind: "confirm", request: request.request, answer, fail });
      else {
        const question = { request, answer, fail };
        this.uses.push(question);
        this.#onUse(question);
      }
    });
  }

  askForCard(request: PlaceCardRequest, signal: AbortSignal): Promise<MessageEnd> {
    return this.#show<MessageEnd>(signal, (answer, fail) => {
      const message = { request, answer, fail };
      this.messages.push(message);
      this.onMessage(message);
    });
  }

  #showPin(question: Question): void {
    this.shown.push(question);
    this.#onShow(question);
  }

  async #show<T>(
    signal: AbortSignal,
    show: (answer: (value: T) => void, fail: (error: unknown) => void) => void,
  ): Promise<T> {
    signal.throwIfAborted();
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    try {
      return await new Promise<T>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        show(resolve, reject);
      });
    } finally {
      this.open--;
    }
  }
}
