/**
 * What is on the card beside certificates, for `card`: one login with the PIN that opens it, one reading, and the card
 * without power. Nothing is remembered, kept or logged.
 */

import { type Attributes, TextApplication, type TextPinName } from "../lib/card/attributes.ts";
import type { CardPin } from "../lib/card/card-pin.ts";
import type { JpkiApplication } from "../lib/card/jpki.ts";
import type { ReadProgress } from "../lib/card/read-file.ts";
import { type Face, SurfaceApplication, type SurfacePinName } from "../lib/card/surface.ts";
import { CardStatusError } from "../lib/errors.ts";
import { SW_FILE_NOT_FOUND } from "../lib/iso7816/status-word.ts";
import type { CardLogin } from "./card-login.ts";
import type { CardRegistry } from "./card-registry.ts";
import type { PinPlace } from "./login-attempts.ts";
import { oneCard } from "./one-card.ts";
import { commentOf } from "./pin-commands.ts";

export interface CardDataParts {
  readonly registry: CardRegistry;
  readonly newLogin: (pin: PinPlace) => CardLogin;
}

/** With what a person opens the data; `command` is what they are told who are asked. */
export interface OpenWith<Name> {
  readonly pin: Name;
  readonly command: string;
}

/** A face, and the number's image where that was asked for. */
export interface FaceAndNumber extends Face {
  /** PNG, 1 bit for a pixel. */
  readonly number?: Uint8Array | undefined;
}

export interface FaceReading extends OpenWith<SurfacePinName> {
  /** Also the individual number's image, which 照合番号A alone opens. */
  readonly withNumber: boolean;
  readonly onProgress?: ReadProgress | undefined;
}

/** 基本4情報 as text. @throws as `oneCard` and {@link CardLogin.run}; CardStatusError; MALFORMED. */
export function readAttributes(
  parts: CardDataParts,
  options: OpenWith<TextPinName>,
  signal: AbortSignal,
): Promise<Attributes> {
  return readWith(parts, TEXT, options, signal, (app) => app.readAttributes());
}

/** The individual number, 12 digits. @throws as {@link readAttributes}. */
export function readNumber(parts: CardDataParts, options: OpenWith<TextPinName>, signal: AbortSignal): Promise<string> {
  return readWith(parts, TEXT, options, signal, (app) => app.readNumber());
}

/** What is printed on the card, as images. @throws as {@link readAttributes}. */
export function readFace(parts: CardDataParts, options: FaceReading, signal: AbortSignal): Promise<FaceAndNumber> {
  return readWith(parts, SURFACE, options, signal, async (app) => {
    const face = await app.readFace(options.onProgress);
    return options.withNumber ? { ...face, number: await app.readNumberImage() } : face;
  });
}

/** One of the card's other applications. */
interface Place<Name, App> {
  readonly what: string;
  readonly open: (jpki: JpkiApplication) => Promise<App | undefined>;
  readonly pin: (app: App, name: Name) => CardPin;
}

const TEXT: Place<TextPinName, TextApplication> = {
  what: "select the text application",
  open: TextApplication.open,
  pin: (app, name) => app.pin(name),
};

const SURFACE: Place<SurfacePinName, SurfaceApplication> = {
  what: "select the surface application",
  open: SurfaceApplication.open,
  pin: (app, name) => app.pin(name),
};

async function readWith<Name extends PinPlace["name"], App, T>(
  { registry, newLogin }: CardDataParts,
  { what, open, pin: pinOf }: Place<Name, App>,
  { pin, command }: OpenWith<Name>,
  signal: AbortSignal,
  read: (app: App) => Promise<T>,
): Promise<T> {
  const card = await oneCard(registry);
  let opened: App | undefined;
  const place: PinPlace = {
    name: pin,
    open: async (jpki) => {
      opened = await open(jpki);
      if (opened === undefined) throw noApplication(what);
      return pinOf(opened, pin);
    },
  };
  const request = { card: commentOf(card), purpose: { kind: "command", command } } as const;
  return newLogin(place).run(card, request, signal, () => {
    if (opened === undefined) throw new TypeError("a login opens the application of its PIN");
    return read(opened);
  });
}

function noApplication(what: string): CardStatusError {
  return new CardStatusError(what, SW_FILE_NOT_FOUND, {
    hint: "a phone has certificates only; put the card itself on the reader",
    details: { problem: "no-application" },
  });
}
