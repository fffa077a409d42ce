/** Numbers and bytes that the same seed gives again: a run that failed can be repeated. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `below` - 1 (mulberry32). */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(256));
  }

  pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.int(values.length)] ?? values[0];
  }

  /** `seed` as it is, or cut off, with bytes after it, and with up to three of them changed. */
  mutated(seed: Uint8Array): Uint8Array {
    const cut = this.int(4) === 0 ? 1 + this.int(seed.length) : seed.length;
    const tail = this.int(4) === 0 ? this.bytes(this.int(40)) : new Uint8Array();
    const bytes = new Uint8Array(cut + tail.length);
    bytes.set(seed.subarray(0, cut));
    bytes.set(tail, cut);
    for (let changes = this.int(4); changes > 0; changes--) bytes[this.int(bytes.length)] = this.int(256);
    return bytes;
  }
}
