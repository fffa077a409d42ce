/** What can be wrong with a PIN, or with whatever brings it: the columns of the tables of PIN sources. */

export type PinFault =
  | "empty"
  | "short"
  | "long"
  | "letters"
  | "full-width digits"
  | "wrong once"
  | "wrong twice"
  | "cancelled"
  | "source crashes"
  | "source hangs"
  | "source missing"
  | "client gone";

/** Every fault has its cases: the compiler asks for a forgotten one. */
export type FaultTable<Case> = Readonly<Record<PinFault, readonly Case[]>>;

/** For `it.each`. */
export function rowsOf<Case>(table: FaultTable<Case>): readonly (Case & { readonly fault: string })[] {
  return Object.entries(table).flatMap(([fault, cases]) => cases.map((one) => ({ ...one, fault })));
}

/** Four that are no PIN; each is typed or stored as it stands. */
export const NO_PINS = {
  short: "739",
  long: "73911",
  letters: "abcd",
  "full-width digits": "７３９１",
} as const satisfies Partial<Record<PinFault, string>>;
