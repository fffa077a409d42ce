import type { ResponseApdu } from "../iso7816/response.ts";

/** An answer of a status word alone. */
export function status(sw: number): ResponseApdu {
  return { data: new Uint8Array(0), sw };
}
