/**
 * What pcsclite.ts uses of the package `pcsclite`, as its index.d.ts (1.0.1) has it. Written down here
 * because the package is optional: where it does not compile npm leaves it out, types and all, and this project is
 * built all the same.
 */

type Done<T> = (error: unknown, value: T) => void;

/** One reader; the object dies with the service. */
export interface LiteReader {
  readonly name: string;
  readonly SCARD_SHARE_EXCLUSIVE: number;
  readonly SCARD_LEAVE_CARD: number;
  readonly SCARD_UNPOWER_CARD: number;
  on(type: "error", listener: (error: unknown) => void): unknown;
  on(type: "end", listener: () => void): unknown;
  on(type: "status", listener: (status: { readonly state: number; readonly atr?: Buffer }) => void): unknown;
  connect(options: { readonly share_mode: number }, done: Done<number>): void;
  disconnect(disposition: number, done: Done<void>): void;
  transmit(command: Buffer, maxResponse: number, protocol: number, done: Done<Buffer>): void;
  close(): void;
}

/** The watch over all readers. */
export interface LiteClient {
  on(type: "error", listener: (error: unknown) => void): unknown;
  on(type: "reader", listener: (reader: LiteReader) => void): unknown;
  close(): void;
}

/** The package's one export. */
export type CreateLiteClient = () => LiteClient;
