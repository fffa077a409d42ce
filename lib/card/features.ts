/**
 * What was learnt about one card: older masks and phones know no short EF ids, some cards or readers no extended
 * lengths (card.md, "How it behaves" 4).
 *
 * Learnt from refusals of commands that cost nothing, never by sending a PIN: each use of a short EF id is known for
 * itself, so that a READ that worked does not vouch for a VERIFY.
 */

export type Known = "yes" | "no" | "unknown";

/** What a short EF id is used in: READ BINARY, the tries-left query and VERIFY, COMPUTE DIGITAL SIGNATURE. */
export type ShortEfUse = "read" | "pin" | "sign";

/** One object per insertion, shared by all its sessions, which write to it. */
export interface CardFeatures {
  readonly shortEf: Record<ShortEfUse, Known>;
  extendedLength: Known;
}

/** Of a card just inserted: nothing is known. */
export function createCardFeatures(): CardFeatures {
  return { shortEf: { read: "unknown", pin: "unknown", sign: "unknown" }, extendedLength: "unknown" };
}

/**
 * For another application of the same card: that a short EF id works in one does not vouch for the other, that it does
 * not work does.
 */
export function featuresBeside({ shortEf, extendedLength }: CardFeatures): CardFeatures {
  const told = (known: Known): Known => (known === "no" ? "no" : "unknown");
  return {
    shortEf: { read: told(shortEf.read), pin: told(shortEf.pin), sign: told(shortEf.sign) },
    extendedLength,
  };
}

/** Whether a command that costs nothing may go out with a short EF id: one use refused speaks for those not tried. */
export function mayTryShortEf(features: CardFeatures, use: ShortEfUse): boolean {
  const known = features.shortEf[use];
  if (known !== "unknown") return known === "yes";
  return !Object.values(features.shortEf).includes("no");
}
