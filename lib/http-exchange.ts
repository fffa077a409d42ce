/**
 * One HTTP exchange for revocation data, which is signed and so needs no TLS (RFC 5280, 8; RFC 6960, A.1). An adapter:
 * loaded by lib/node.ts.
 */

import { request } from "node:http";
import { FileError, messageOf, TooLargeError } from "./errors.ts";

export interface HttpExchange {
  /** `http:` alone. */
  readonly url: URL;
  /** Absent: GET. */
  readonly post?: { readonly type: string; readonly body: Uint8Array } | undefined;
  readonly maxBytes: number;
  /** From the first packet to the last byte, milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * The body of a 200; no redirection is followed.
 *
 * @returns fresh bytes.
 * @throws FileError `IO_FAILED` (no connection, another status, too slow); TOO_LARGE; the signal's reason.
 */
export async function exchangeHttp(exchange: HttpExchange): Promise<Uint8Array> {
  const { url, timeoutMs, signal } = exchange;
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    return await receive(exchange, AbortSignal.any([signal, limit]));
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof TooLargeError) throw cause;
    const reason = limit.aborted ? `no answer within ${timeoutMs} ms` : messageOf(cause);
    throw new FileError(`ask ${url.href}: ${reason}`, { details: { url: url.href, reason }, cause });
  }
}

async function receive({ url, post, maxBytes }: HttpExchange, signal: AbortSignal): Promise<Uint8Array> {
  const response = await new Promise<AsyncIterable<Uint8Array>>((resolve, reject) => {
    const method = post === undefined ? "GET" : "POST";
    const headers = post === undefined ? {} : { "content-type": post.type, "content-length": post.body.length };
    const sent = request(url, { method, headers, signal, agent: false }, (answer) => {
      if (answer.statusCode === 200) return resolve(answer);
      answer.destroy();
      reject(new Error(`HTTP status ${answer.statusCode}`));
    });
    sent.on("error", reject);
    // Comes last; alone where the server wants to go on in another protocol (status 101).
    sent.on("close", () => reject(new Error("the connection ended without an answer")));
    sent.end(post?.body);
  });
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response) {
    length += part.length;
    if (length > maxBytes) throw new TooLargeError(`ask ${url.href}: more than ${maxBytes} bytes`);
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
