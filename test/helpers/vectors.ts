/** Vectors of test/vectors: JSON, each with its source; bytes are hexadecimal. */

import { readFileSync } from "node:fs";
import { toHex } from "../../lib/bytes.ts";

/** One file of test/vectors, taken at its word about its shape. */
export function loadVectors<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), "utf8"));
}

/** A decoded value as the vectors write it: bytes as `hex:…`, bigints as numbers, absent fields left out. */
export function asVector(value: unknown): unknown {
  if (value instanceof Uint8Array) return `hex:${toHex(value)}`;
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(asVector);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, asVector(field)]),
  );
}
