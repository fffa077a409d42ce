/** What lies in the virtual card's applications, made of its PKI and profile. Ids from lib/card/files.ts. */

import { createPrivateKey, type KeyObject } from "node:crypto";
import { ByteWriter, concatBytes, utf8 } from "../bytes.ts";
import {
  ATTRIBUTES_FILE,
  CERTIFICATE_FILES,
  FACE_FILE,
  JPKI_AID,
  KEY_FILES,
  NUMBER_FILE,
  NUMBER_IMAGE_FILE,
  PIN_FILES,
  SURFACE_AID,
  SURFACE_PIN_FILES,
  TEXT_AID,
  TEXT_PIN_FILES,
  TOKEN_FILE_ID,
} from "../card/files.ts";
import {
  encodeAttributes,
  encodeFace,
  encodeNumber,
  encodeNumberImage,
  FICTIONAL_HOLDER,
  type VirtualHolder,
} from "./holder.ts";
import type { VirtualPinName } from "./pins.ts";
import type { VirtualPki } from "./pki.ts";
import type { CardProfile } from "./profiles.ts";

export type VirtualKeyName = "auth" | "sign";

export type CardFile =
  /** `openedBy`: any one of them verified; none: it needs no PIN. */
  | { readonly kind: "data"; readonly content: Uint8Array; readonly openedBy: readonly VirtualPinName[] }
  | { readonly kind: "key"; readonly key: KeyObject; readonly pin: VirtualKeyName }
  | { readonly kind: "pin"; readonly pin: VirtualPinName };

export interface CardDirectory {
  readonly aid: Uint8Array;
  readonly files: ReadonlyMap<number, CardFile>;
}

/** Which certificates there are: three bytes, see card.md. */
const CERTIFICATE_FLAGS_FILE_ID = 0x0008;
const CERTIFICATE_PRESENT = 0x8f;
/** Certificate files have this size; after the DER comes filler. */
const CERTIFICATE_FILE_BYTES = 2048;
const FILLER = 0xff;

/** The applications: JPKI, and on a card those that hold what is printed on it. */
export function cardApplications(
  pki: VirtualPki,
  profile: CardProfile,
  holder: VirtualHolder = FICTIONAL_HOLDER,
): readonly CardDirectory[] {
  const jpki = { aid: JPKI_AID, files: jpkiFiles(pki, profile) };
  if (!profile.printedData) return [jpki];
  return [jpki, { aid: TEXT_AID, files: textFiles(holder) }, { aid: SURFACE_AID, files: surfaceFiles(holder) }];
}

/** What opens which: card.md, and observed by the author of myna-card. */
function textFiles(holder: VirtualHolder): ReadonlyMap<number, CardFile> {
  const number = concatBytes(encodeNumber(holder), Uint8Array.of(FILLER, FILLER));
  return new Map<number, CardFile>([
    [NUMBER_FILE.efId, { kind: "data", content: number, openedBy: ["text", "text-a"] }],
    [ATTRIBUTES_FILE.efId, { kind: "data", content: encodeAttributes(holder), openedBy: ["text", "text-b"] }],
    [TEXT_PIN_FILES.text.efId, { kind: "pin", pin: "text" }],
    [TEXT_PIN_FILES["code-a"].efId, { kind: "pin", pin: "text-a" }],
    [TEXT_PIN_FILES["code-b"].efId, { kind: "pin", pin: "text-b" }],
  ]);
}

function surfaceFiles(holder: VirtualHolder): ReadonlyMap<number, CardFile> {
  return new Map<number, CardFile>([
    [FACE_FILE.efId, { kind: "data", content: encodeFace(holder), openedBy: ["surface-a", "surface-b"] }],
    [NUMBER_IMAGE_FILE.efId, { kind: "data", content: encodeNumberImage(holder), openedBy: ["surface-a"] }],
    [SURFACE_PIN_FILES["code-a"].efId, { kind: "pin", pin: "surface-a" }],
    [SURFACE_PIN_FILES["code-b"].efId, { kind: "pin", pin: "surface-b" }],
  ]);
}

/** The files by their id. */
function jpkiFiles(pki: VirtualPki, profile: CardProfile): ReadonlyMap<number, CardFile> {
  const authNeeds: readonly VirtualPinName[] = profile.authCertificateNeedsPin ? ["auth"] : [];
  return new Map<number, CardFile>([
    [TOKEN_FILE_ID, openFile(tokenInfo(profile.tokenName))],
    [CERTIFICATE_FLAGS_FILE_ID, openFile(Uint8Array.of(CERTIFICATE_PRESENT, CERTIFICATE_PRESENT, 0))],
    [CERTIFICATE_FILES.auth.efId, { kind: "data", content: padded(pki.authCertificate), openedBy: authNeeds }],
    [CERTIFICATE_FILES["auth-ca"].efId, openFile(padded(pki.authCaCertificate))],
    [CERTIFICATE_FILES.sign.efId, { kind: "data", content: padded(pki.signCertificate), openedBy: ["sign"] }],
    [CERTIFICATE_FILES["sign-ca"].efId, openFile(padded(pki.signCaCertificate))],
    [KEY_FILES.auth.efId, { kind: "key", key: privateKey(pki.authKey), pin: "auth" }],
    [KEY_FILES.sign.efId, { kind: "key", key: privateKey(pki.signKey), pin: "sign" }],
    [PIN_FILES.auth.efId, { kind: "pin", pin: "auth" }],
    [PIN_FILES.sign.efId, { kind: "pin", pin: "sign" }],
  ]);
}

function openFile(content: Uint8Array): CardFile {
  return { kind: "data", content, openedBy: [] };
}

function padded(der: Uint8Array): Uint8Array {
  const content = new Uint8Array(CERTIFICATE_FILE_BYTES).fill(FILLER);
  content.set(der);
  return content;
}

function privateKey(pkcs8: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
}

/** CK_TOKEN_INFO (PKCS #11 section 3.2), 160 bytes: four texts, eleven numbers of 4 bytes, two versions, the time. */
function tokenInfo(label: string): Uint8Array {
  const writer = new ByteWriter();
  const text = (value: string, length: number) => writer.bytes(utf8(value.padEnd(length)));
  text(label, 32);
  text("Virtual card for tests", 32);
  text("virtual", 16);
  text("0", 16);
  for (let number = 0; number < 11; number++) writer.u32(0);
  writer.u16(0x0100).u16(0x0100);
  text("", 16);
  return writer.finish();
}
