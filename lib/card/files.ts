/**
 * The one table of what lies in the card's applications. Source: card.md, OpenSC's JPKI driver, observed by the authors
 * of myna, jpki-rs and myna-card on real cards.
 */

import type { PinName } from "../pin/pin.ts";

/** 公的個人認証AP. */
export const JPKI_AID = Uint8Array.of(0xd3, 0x92, 0xf0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01);

/** 券面事項入力補助AP. */
export const TEXT_AID = Uint8Array.of(0xd3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08);

/** 券面事項確認AP. */
export const SURFACE_AID = Uint8Array.of(0xd3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02);

export type KeyName = "auth" | "sign";
export type CertificateName = "auth" | "auth-ca" | "sign" | "sign-ca";

/** An IEF that holds a PIN. */
export interface PinFile {
  readonly efId: number;
  /** Tries after a correct VERIFY. */
  readonly maxTries: number;
  /** The words for a person. */
  readonly label: string;
}

export interface KeyFile {
  readonly efId: number;
  readonly pin: PinName;
}

export interface CertificateFile {
  readonly efId: number;
  /** The PIN needed to read it on a card; a phone wants the authentication PIN for `auth` too. */
  readonly needsPin: PinName | undefined;
}

/** Short EF id: the low byte of the file id, 01 to 1E (ISO/IEC 7816-4, 7.1.1; [1] in card.md). */
export const PIN_FILES = {
  auth: { efId: 0x0018, maxTries: 3, label: "authentication PIN" },
  sign: { efId: 0x001b, maxTries: 5, label: "signature password" },
} as const satisfies Record<"auth" | "sign", PinFile>;

/** In the text application. */
export const TEXT_PIN_FILE = { efId: 0x0011, maxTries: 3, label: "text PIN" } as const satisfies PinFile;

/**
 * The text application's PINs. The PIN opens both of its files; the two 照合番号 one each, A the number and B the
 * attributes (observed by the author of myna-card; B also in another program's source). Its IEF `0012`, which is B in
 * the surface application, comes blocked with the card and is never touched.
 */
export const TEXT_PIN_FILES = {
  text: TEXT_PIN_FILE,
  "code-a": { efId: 0x0014, maxTries: 10, label: "照合番号A" },
  "code-b": { efId: 0x0015, maxTries: 10, label: "照合番号B" },
} as const satisfies Partial<Record<PinName, PinFile>>;

/** The surface application's PINs; their tries are [1] in card.md. */
export const SURFACE_PIN_FILES = {
  "code-a": { efId: 0x0013, maxTries: 10, label: "照合番号A" },
  "code-b": { efId: 0x0012, maxTries: 10, label: "照合番号B" },
} as const satisfies Partial<Record<PinName, PinFile>>;

/** A file that holds one BER-TLV object, and filler. */
export interface TaggedFile {
  readonly efId: number;
  readonly tag: number;
}

/** In the text application. */
export const NUMBER_FILE: TaggedFile = { efId: 0x0001, tag: 0xff10 };
/** In the text application. */
export const ATTRIBUTES_FILE: TaggedFile = { efId: 0x0002, tag: 0xff20 };
/** In the surface application, opened by either 照合番号. */
export const FACE_FILE: TaggedFile = { efId: 0x0002, tag: 0xff20 };
/** In the surface application: the individual number as an image, opened by 照合番号A alone. */
export const NUMBER_IMAGE_FILE: TaggedFile = { efId: 0x0005, tag: 0xff40 };

export const KEY_FILES = {
  auth: { efId: 0x0017, pin: "auth" },
  sign: { efId: 0x001a, pin: "sign" },
} as const satisfies Record<KeyName, KeyFile>;

export const CERTIFICATE_FILES: Readonly<Record<CertificateName, CertificateFile>> = {
  auth: { efId: 0x000a, needsPin: undefined },
  "auth-ca": { efId: 0x000b, needsPin: undefined },
  sign: { efId: 0x0001, needsPin: "sign" },
  "sign-ca": { efId: 0x0002, needsPin: undefined },
};

/** Serialised CK_TOKEN_INFO; begins with a 32-byte space-padded name. */
export const TOKEN_FILE_ID = 0x0006;
