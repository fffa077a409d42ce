/**
 * The text application (券面事項入力補助AP) of one card in one session: the individual number and the four attributes as
 * text. Personal data: handed to whoever asked, kept nowhere.
 *
 * Source: card.md, "Text application".
 */

import { MalformedError } from "../errors.ts";
import { decodeTlv } from "../iso7816/tlv.ts";
import type { CardApplication } from "./application.ts";
import { CardPin } from "./card-pin.ts";
import { ATTRIBUTES_FILE, NUMBER_FILE, TEXT_AID, TEXT_PIN_FILES } from "./files.ts";
import type { JpkiApplication } from "./jpki.ts";
import {
  type CardDate,
  dateField,
  decodeTaggedFile,
  readTaggedFile,
  requireTag,
  type Sex,
  sexField,
  textField,
} from "./tagged-file.ts";

/** 基本4情報; what the card does not hold is undefined. */
export interface Attributes {
  readonly name?: string | undefined;
  readonly address?: string | undefined;
  readonly birthDate?: CardDate | undefined;
  readonly sex?: Sex | undefined;
}

export type TextPinName = keyof typeof TEXT_PIN_FILES;

const [TAG_NAME, TAG_ADDRESS, TAG_BIRTH_DATE, TAG_SEX] = [0xdf22, 0xdf23, 0xdf24, 0xdf25];
const NUMBER = /^\d{12}$/;

export class TextApplication {
  readonly #app: CardApplication;

  private constructor(app: CardApplication) {
    this.#app = app;
  }

  /** Leaves `jpki` for it. @returns undefined for a card that has none (a phone). @throws CardStatusError */
  static async open(jpki: JpkiApplication): Promise<TextApplication | undefined> {
    const app = await jpki.leaveFor(TEXT_AID, "select the text application");
    return app === undefined ? undefined : new TextApplication(app);
  }

  pin(name: TextPinName): CardPin {
    return new CardPin(this.#app, name, TEXT_PIN_FILES[name]);
  }

  /** After the PIN or 照合番号B. @throws CardStatusError; MALFORMED. */
  async readAttributes(): Promise<Attributes> {
    return decodeAttributes(await readTaggedFile(this.#app, ATTRIBUTES_FILE, "read the attributes"));
  }

  /** The individual number, 12 digits; after the PIN or 照合番号A. @throws CardStatusError; MALFORMED. */
  async readNumber(): Promise<string> {
    return decodeNumber(await readTaggedFile(this.#app, NUMBER_FILE, "read the individual number"));
  }
}

/** @param bytes the file; filler may follow. @throws MALFORMED */
export function decodeAttributes(bytes: Uint8Array): Attributes {
  const fields = decodeTaggedFile(bytes, ATTRIBUTES_FILE.tag);
  return {
    name: textField(fields, TAG_NAME),
    address: textField(fields, TAG_ADDRESS),
    birthDate: dateField(fields, TAG_BIRTH_DATE),
    sex: sexField(fields, TAG_SEX),
  };
}

/** @param bytes the file; filler may follow. @throws MALFORMED */
export function decodeNumber(bytes: Uint8Array): string {
  const { tlv } = decodeTlv(bytes);
  requireTag(tlv.tag, NUMBER_FILE.tag);
  const text = new TextDecoder().decode(tlv.value);
  if (!NUMBER.test(text)) throw new MalformedError("read the individual number: it is not 12 digits");
  return text;
}
