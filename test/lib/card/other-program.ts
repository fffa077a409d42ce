/**
 * Another program on the same pcscd: its own context and its own connection, which is all that PC/SC knows of programs.
 * It goes away with pcscd.
 */

import { type Card, CardDisposition, CardMode, Client, type Transaction } from "pcsc-mini";

/** pcsc-mini throws out of a client's finalizer once pcscd has gone: none may be collected. */
const CLIENTS: Client[] = [];

export class OtherProgram {
  readonly #card: Card;
  #transaction: Transaction | undefined;

  private constructor(card: Card) {
    this.#card = card;
  }

  static async connect(reader: string, mode: "shared" | "exclusive"): Promise<OtherProgram> {
    const client = new Client();
    CLIENTS.push(client);
    // pcscd's end is the end of this program.
    client.on("error", () => {});
    const card = await new Promise<Card>((resolve, reject) => {
      client.on("reader", (found) => {
        if (found.name() !== reader) return;
        found.connect(mode === "shared" ? CardMode.SHARED : CardMode.EXCLUSIVE).then(resolve, reject);
      });
      client.start();
    });
    return new OtherProgram(card);
  }

  async begin(): Promise<void> {
    this.#transaction = await this.#card.transaction();
  }

  async end(): Promise<void> {
    await this.#transaction?.end(CardDisposition.LEAVE);
    this.#transaction = undefined;
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    return this.#card.transmit(command);
  }

  async reset(): Promise<void> {
    await this.#card.reconnect(CardMode.SHARED, CardDisposition.RESET);
  }

  async leave(): Promise<void> {
    await this.end();
    await this.#card.disconnect(CardDisposition.LEAVE);
  }
}
