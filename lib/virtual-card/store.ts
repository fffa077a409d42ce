/**
 * Keeps a virtual card in a file, so that `--card virtual export-key` and `--card virtual agent` see one card: its PKI,
 * its PINs and their counters. Nothing in it is worth protecting, but the file is the user's own all the same (0600).
 */

import { randomUUID } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { FileError, MalformedError, messageOf } from "../errors.ts";
import { newPins, VirtualCard } from "./card.ts";
import { FICTIONAL_HOLDER } from "./holder.ts";
import { mapPins, type PinMemory, type PinState, type PinStates } from "./pins.ts";
import { createVirtualPki, decodeVirtualPki, encodeVirtualPki, type VirtualPki } from "./pki.ts";
import type { ProfileName } from "./profiles.ts";

const FORMAT = "jpki-agent virtual card 3";
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export interface OpenVirtualCardOptions {
  /** Made, folder and all, where it is missing. */
  readonly path: string;
  readonly profile?: ProfileName | undefined;
  /** The present, for the certificates of a new card. */
  readonly now: Date;
}

interface StoredCard {
  readonly pki: VirtualPki;
  readonly pins: PinStates;
}

/** The card of that file, or a new one kept there. @throws FileError `IO_FAILED`, MalformedError `MALFORMED`. */
export async function openVirtualCard({ path, profile, now }: OpenVirtualCardOptions): Promise<VirtualCard> {
  if (!existsSync(path)) createCard(path, { pki: await createVirtualPki(now), pins: newPins(FICTIONAL_HOLDER, {}) });
  return new VirtualCard({ pki: readCard(path).pki, profile, pinMemory: createFileMemory(path) });
}

/** Reads and writes the file each time: another process may have changed it. */
function createFileMemory(path: string): PinMemory {
  return {
    load: () => readCard(path).pins,
    save: (pins) => updateCard(path, { ...readCard(path), pins }),
  };
}

function readCard(path: string): StoredCard {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new FileError(`read the virtual card ${path}: ${messageOf(cause)}`, { cause });
  }
  try {
    const { format, pki, pins } = JSON.parse(text);
    if (format !== FORMAT) throw new MalformedError(`the format is not "${FORMAT}"`);
    return { pki: decodeVirtualPki(pki), pins: mapPins((name) => decodePin(pins?.[name])) };
  } catch (cause) {
    throw new MalformedError(`read the virtual card ${path}: ${messageOf(cause)}`, {
      hint: "delete the file to get a new virtual card",
      cause,
    });
  }
}

/** Where two processes make the card at once, the first one's stays. */
function createCard(path: string, card: StoredCard): void {
  writeThen(path, card, (temporary) => {
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (!existsSync(path)) throw error;
    } finally {
      unlinkSync(temporary);
    }
  });
}

function updateCard(path: string, card: StoredCard): void {
  writeThen(path, card, (temporary) => renameSync(temporary, path));
}

/** Whole or not at all: nobody ever sees half a file. */
function writeThen(path: string, { pki, pins }: StoredCard, putInPlace: (temporary: string) => void): void {
  const record = {
    format: FORMAT,
    pki: encodeVirtualPki(pki),
    pins: mapPins((name) => encodePin(pins[name])),
  };
  const temporary = `${path}.${randomUUID()}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
    writeFileSync(temporary, `${JSON.stringify(record, null, 1)}\n`, { mode: FILE_MODE });
    putInPlace(temporary);
  } catch (cause) {
    throw new FileError(`write the virtual card ${path}: ${messageOf(cause)}`, { cause });
  }
}

function encodePin({ value, triesLeft }: PinState): unknown {
  return { value: Buffer.from(value).toString("base64"), triesLeft };
}

function decodePin(record: unknown): PinState {
  if (typeof record === "object" && record !== null && "value" in record && "triesLeft" in record) {
    const { value, triesLeft } = record;
    if (typeof value === "string" && typeof triesLeft === "number" && Number.isInteger(triesLeft))
      return { value: new Uint8Array(Buffer.from(value, "base64")), triesLeft };
  }
  throw new MalformedError("a PIN is missing");
}
