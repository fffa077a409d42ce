/**
 * The JPKI application (公的個人認証AP) of one card in one session: PINs, certificates, signatures.
 *
 * Works on a channel that is alone with the card; what it knows (the verified PINs) holds until that session ends.
 */

import { CardStatusError, KeyError, MalformedError } from "../errors.ts";
import { INS_PERFORM_SECURITY_OPERATION } from "../iso7816/command.ts";
import {
  SW_DONE,
  SW_FILE_NOT_FOUND,
  SW_SECURITY_STATUS,
  type TriesOutcome,
  type VerifyOutcome,
} from "../iso7816/status-word.ts";
import { derLength } from "../iso7816/tlv.ts";
import type { Pin } from "../pin/pin.ts";
import { CardApplication, referenceOf, selectApplication } from "./application.ts";
import type { CardChannel } from "./exchange.ts";
import type { CardFeatures } from "./features.ts";
import {
  CERTIFICATE_FILES,
  type CertificateName,
  JPKI_AID,
  KEY_FILES,
  type KeyName,
  PIN_FILES,
  TOKEN_FILE_ID,
} from "./files.ts";
import { readFile } from "./read-file.ts";

export type JpkiPinName = keyof typeof PIN_FILES;

export type CertificateOutcome =
  /** DER without the file's filler, owned by the caller. */
  | { readonly kind: "certificate"; readonly der: Uint8Array }
  | { readonly kind: "needs-pin" }
  | { readonly kind: "absent" };

export interface Token {
  /** Printable ASCII, without the padding: `JPKIAPICCTOKEN2`. */
  readonly name: string;
  readonly kind: "card" | "phone" | "other";
}

/** Longest DigestInfo: PKCS #1 v1.5 needs 11 bytes of the modulus for its padding (RFC 8017, 9.2). */
export const MAX_DIGEST_INFO_BYTES = 245;
/** RSA-2048. */
const SIGNATURE_BYTES = 256;
const TOKEN_NAME_BYTES = 32;
const FILLER = 0xff;

/** card.md, "Telling the card". */
const TOKEN_KINDS: ReadonlyMap<string, Token["kind"]> = new Map([
  ["JPKIAPICCTOKEN", "card"],
  ["JPKIAPICCTOKEN2", "card"],
  ["JPKIAPGPSETOKEN", "phone"],
  ["JPKIAPIOSTOKEN", "phone"],
]);

export class JpkiApplication {
  readonly #app: CardApplication;
  readonly #verified = new Set<JpkiPinName>();

  private constructor(app: CardApplication) {
    this.#app = app;
  }

  /**
   * SELECTs the application: what tells a JPKI card from any other.
   *
   * @throws CardStatusError `NOT_JPKI` for a card that knows no such application, `CARD_STATUS` for one that fails.
   */
  static async select(channel: CardChannel, features: CardFeatures): Promise<JpkiApplication> {
    const sw = await selectApplication(channel, JPKI_AID);
    if (sw === SW_DONE) return new JpkiApplication(new CardApplication(channel, features));
    const command = "select the JPKI application";
    if (!isCheckingError(sw)) throw new CardStatusError(command, sw);
    throw new CardStatusError(command, sw, { code: "NOT_JPKI", hint: "put a My Number card on the reader" });
  }

  /** Costs no try. @throws CardStatusError if the card does not say. */
  triesLeft(pin: JpkiPinName): Promise<TriesOutcome> {
    return this.#app.triesLeft(PIN_FILES[pin].efId);
  }

  /**
   * Spends a try of the PIN unless it is right. Does not wipe `value`. Read {@link triesLeft} right before: it also
   * teaches the shortest form of this command.
   *
   * @throws PinError `PIN_FORMAT` for an empty PIN; CardStatusError for an answer that is none to a PIN.
   */
  async verify(pin: JpkiPinName, value: Pin): Promise<VerifyOutcome> {
    this.#verified.delete(pin);
    const outcome = await this.#app.verify(PIN_FILES[pin].efId, value);
    if (outcome.kind === "verified") this.#verified.add(pin);
    return outcome;
  }

  /** Whether a {@link verify} of this session was right: the card's own word is not enough, it may be another's PIN. */
  isVerified(pin: JpkiPinName): boolean {
    return this.#verified.has(pin);
  }

  /**
   * A certificate as it lies on the card. `needs-pin` until the PIN of the file is verified (`sign`; a phone: `auth`).
   *
   * @throws CardStatusError; MALFORMED for a file that holds no certificate or not all of it.
   */
  async readCertificate(name: CertificateName): Promise<CertificateOutcome> {
    const found = await readFile(this.#app, CERTIFICATE_FILES[name].efId, { sizeOf: certificateSize });
    if (found.kind !== "data") return found;
    return found.bytes.length === 0 ? { kind: "absent" } : { kind: "certificate", der: found.bytes };
  }

  /** Which kind of holder this is: a card, a phone, something newer. @throws CardStatusError; MALFORMED. */
  async readToken(): Promise<Token> {
    const found = await readFile(this.#app, TOKEN_FILE_ID, {
      firstBytes: TOKEN_NAME_BYTES,
      sizeOf: () => TOKEN_NAME_BYTES,
    });
    if (found.kind !== "data")
      throw new CardStatusError("read the token", found.kind === "absent" ? SW_FILE_NOT_FOUND : SW_SECURITY_STATUS);
    if (!found.bytes.every((byte) => byte >= 0x20 && byte <= 0x7e))
      throw new MalformedError("read the token's name: it is not printable ASCII");
    const name = new TextDecoder().decode(found.bytes).trimEnd();
    return { name, kind: TOKEN_KINDS.get(name) ?? "other" };
  }

  /**
   * A PKCS #1 v1.5 signature of 256 bytes, owned by the caller, over `digestInfo` (1 to 245 bytes, DER).
   *
   * @throws KeyError `ALGORITHM_UNSUPPORTED` for another length; CardStatusError, 6982 where the PIN is not verified;
   * MALFORMED for a signature of another length.
   */
  async sign(key: KeyName, digestInfo: Uint8Array): Promise<Uint8Array> {
    const { length } = digestInfo;
    if (length < 1 || length > MAX_DIGEST_INFO_BYTES)
      throw new KeyError(
        "ALGORITHM_UNSUPPORTED",
        `sign: ${length} bytes, the card takes 1 to ${MAX_DIGEST_INFO_BYTES}`,
      );
    const { sw, data } = await this.#app.withFile("sign", KEY_FILES[key].efId, (shortEf) =>
      this.#app.channel.transmit({
        cla: 0x80,
        ins: INS_PERFORM_SECURITY_OPERATION,
        p1: 0x00,
        p2: referenceOf(shortEf),
        data: digestInfo,
        maxResponse: SIGNATURE_BYTES,
      }),
    );
    if (sw !== SW_DONE) throw new CardStatusError("sign", sw);
    if (data.length !== SIGNATURE_BYTES)
      throw new MalformedError(`sign: ${data.length} bytes, a signature has ${SIGNATURE_BYTES}`);
    return data;
  }
}

/** ISO/IEC 7816-4, table 6: the command was refused as such, 67xx to 6Exx. 6F00 and 64xx say that the card failed. */
function isCheckingError(sw: number): boolean {
  return sw >= 0x6700 && sw < 0x6f00;
}

/** Bytes of the certificate that the file begins with; 0 for a file of filler alone. @throws MALFORMED */
function certificateSize(firstBlock: Uint8Array): number {
  const size = derLength(firstBlock);
  if (size !== undefined) return size;
  if (firstBlock.every((byte) => byte === FILLER)) return 0;
  throw new MalformedError("read a certificate: the file does not begin with one");
}
