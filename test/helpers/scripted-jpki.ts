/** A JPKI application on a card that answers from a script. */

import { expect } from "vitest";
import { CardChannel } from "../../lib/card/exchange.ts";
import { type CardFeatures, createCardFeatures, type Known } from "../../lib/card/features.ts";
import { JpkiApplication } from "../../lib/card/jpki.ts";
import { ScriptedConnection, type Step } from "./scripted-card.ts";

/** SELECT of the application. */
export const SELECT = "00a4040c0ad392f000260100000001";
export const SELECTED: Step = [SELECT, "9000"];
/** As a card just powered up may take it. */
export const SELECTED_COLD: readonly Step[] = [[SELECT, "6f00"], SELECTED];

/** What is known of the card beforehand; the rest is unknown. */
export interface Learnt {
  readonly read?: Known;
  readonly pin?: Known;
  readonly sign?: Known;
  readonly extended?: Known;
}

export interface ScriptedJpki {
  readonly jpki: JpkiApplication;
  readonly features: CardFeatures;
  readonly connection: ScriptedConnection;
  /** Expects that the script came to its end. */
  done(): void;
}

/** Selects the application on a card with this script. */
export async function openJpki(
  steps: readonly Step[],
  learnt: Learnt = {},
  protocol: "T=0" | "T=1" = "T=1",
): Promise<ScriptedJpki> {
  const connection = new ScriptedConnection(steps, protocol);
  const features = createCardFeatures();
  features.shortEf.read = learnt.read ?? "unknown";
  features.shortEf.pin = learnt.pin ?? "unknown";
  features.shortEf.sign = learnt.sign ?? "unknown";
  features.extendedLength = learnt.extended ?? "unknown";
  const jpki = await JpkiApplication.select(new CardChannel(connection), features);
  return { jpki, features, connection, done: () => expect(connection.left).toBe(0) };
}

/** A stand-in for a certificate, as hex: a DER SEQUENCE of `size` bytes in all, 4 of them its header. */
export function fakeDer(size: number): string {
  const body = Array.from({ length: size - 4 }, (_, i) => (i & 0xff).toString(16).padStart(2, "0")).join("");
  return `3082${(size - 4).toString(16).padStart(4, "0")}${body}`;
}
