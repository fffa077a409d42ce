/**
 * The surface application (券面事項確認AP) of one card in one session: what is printed on the card, as images. Personal
 * data: handed to whoever asked, kept nowhere.
 *
 * Source: card.md, "Surface application"; the tag of the number's image by the author of myna-card.
 */

import { CardStatusError } from "../errors.ts";
import { SW_FILE_NOT_FOUND } from "../iso7816/status-word.ts";
import type { CardApplication } from "./application.ts";
import { CardPin } from "./card-pin.ts";
import { FACE_FILE, NUMBER_IMAGE_FILE, SURFACE_AID, SURFACE_PIN_FILES } from "./files.ts";
import type { JpkiApplication } from "./jpki.ts";
import type { ReadProgress } from "./read-file.ts";
import {
  bytesField,
  type CardDate,
  dateField,
  decodeTaggedFile,
  readTaggedFile,
  type Sex,
  sexField,
} from "./tagged-file.ts";

/** What the card does not hold is undefined; images are owned by the caller. */
export interface Face {
  readonly birthDate?: CardDate | undefined;
  readonly sex?: Sex | undefined;
  readonly expires?: CardDate | undefined;
  /** PNG, 1 bit for a pixel. */
  readonly name?: Uint8Array | undefined;
  /** PNG, 1 bit for a pixel. */
  readonly address?: Uint8Array | undefined;
  /** PNG, 1 bit for a pixel. */
  readonly securityCode?: Uint8Array | undefined;
  /** JPEG 2000, greyscale. */
  readonly photo?: Uint8Array | undefined;
}

export type SurfacePinName = keyof typeof SURFACE_PIN_FILES;

const [TAG_BIRTH_DATE, TAG_SEX, TAG_NAME, TAG_ADDRESS] = [0xdf22, 0xdf23, 0xdf25, 0xdf26];
const [TAG_PHOTO, TAG_EXPIRES, TAG_SECURITY_CODE] = [0xdf27, 0xdf29, 0xdf2a];
const TAG_NUMBER_IMAGE = 0xdf41;

export class SurfaceApplication {
  readonly #app: CardApplication;

  private constructor(app: CardApplication) {
    this.#app = app;
  }

  /** Leaves `jpki` for it. @returns undefined for a card that has none (a phone). @throws CardStatusError */
  static async open(jpki: JpkiApplication): Promise<SurfaceApplication | undefined> {
    const app = await jpki.leaveFor(SURFACE_AID, "select the surface application");
    return app === undefined ? undefined : new SurfaceApplication(app);
  }

  pin(name: SurfacePinName): CardPin {
    return new CardPin(this.#app, name, SURFACE_PIN_FILES[name]);
  }

  /** After either 照合番号. Some ten thousand bytes: seconds on a slow reader. @throws CardStatusError; MALFORMED. */
  async readFace(onProgress?: ReadProgress): Promise<Face> {
    return decodeFace(await readTaggedFile(this.#app, FACE_FILE, "read the card's face", onProgress));
  }

  /** The individual number as PNG; after 照合番号A. @throws CardStatusError; MALFORMED. */
  async readNumberImage(): Promise<Uint8Array> {
    const what = "read the image of the individual number";
    const image = decodeNumberImage(await readTaggedFile(this.#app, NUMBER_IMAGE_FILE, what));
    if (image === undefined) throw new CardStatusError(what, SW_FILE_NOT_FOUND);
    return image;
  }
}

/** @param bytes the file; filler may follow. @throws MALFORMED */
export function decodeFace(bytes: Uint8Array): Face {
  const fields = decodeTaggedFile(bytes, FACE_FILE.tag);
  return {
    birthDate: dateField(fields, TAG_BIRTH_DATE),
    sex: sexField(fields, TAG_SEX),
    expires: dateField(fields, TAG_EXPIRES),
    name: bytesField(fields, TAG_NAME),
    address: bytesField(fields, TAG_ADDRESS),
    securityCode: bytesField(fields, TAG_SECURITY_CODE),
    photo: bytesField(fields, TAG_PHOTO),
  };
}

/** @param bytes the file; filler may follow. @returns undefined if the file holds none. @throws MALFORMED */
export function decodeNumberImage(bytes: Uint8Array): Uint8Array | undefined {
  return bytesField(decodeTaggedFile(bytes, NUMBER_IMAGE_FILE.tag), TAG_NUMBER_IMAGE);
}
