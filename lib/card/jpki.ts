/**
 * The JPKI application (公的個人認証AP) of one card in one session: PINs, certificates, signatures.
 *
 * Works on a channel that is alone with the card; what it knows (the verified PINs) holds until that session ends.
 */

import { CardStatusError, KeyError, MalformedError } from "../errors.ts";
import { INS_PERFORM_SECURITY_OPERATION } from "../iso7816/command.ts";
import type { ResponseApdu } from "../iso7816/response.ts";
import { SW_DONE, SW_SECURITY_STATUS } from "../iso7816/status-word.ts";
import { derLength } from "../iso7816/tlv.ts";
import { CardApplication, referenceOf, selectApplication } from "./application.ts";
import { CardPin } from "./card-pin.ts";
import type { CardChannel } from "./exchange.ts";
import { type CardFeatures, featuresBeside } from "./features.ts";
import {
  CERTIFICATE_FILES,
  type CertificateName,
  JPKI_AID,
  KEY_FILES,
  type KeyName,
  PIN_FILES,
  TEXT_AID,
  TEXT_PIN_FILE,
} from "./files.ts";
import { readFile } from "./read-file.ts";

export type JpkiPinName = keyof typeof PIN_FILES;

export type CertificateOutcome =
  /** DER without the file's filler, owned by the caller. */
  | { readonly kind: "certificate"; readonly der: Uint8Array }
  | { readonly kind: "needs-pin" }
  | { readonly kind: "absent" };

/** Longest DigestInfo: PKCS #1 v1.5 needs 11 bytes of the modulus for its padding (RFC 8017, 9.2). */
export const MAX_DIGEST_INFO_BYTES = 245;
/** RSA-2048. */
const SIGNATURE_BYTES = 256;
/** What {@link JpkiApplication.signPss} takes: SHA-256. */
export const PSS_HASH_BYTES = 32;

/** P1 of COMPUTE DIGITAL SIGNATURE (card.md, "its schemes in P1"); all but the first may be missing. */
const SCHEME_PKCS1 = 0x00;
const SCHEME_PSS = 0x04;
const FILLER = 0xff;

export class JpkiApplication {
  readonly #app: CardApplication;
  readonly #pins: Readonly<Record<JpkiPinName, CardPin>>;
  #selected = true;

  private constructor(app: CardApplication) {
    this.#app = app;
    this.#pins = { auth: new CardPin(app, "auth", PIN_FILES.auth), sign: new CardPin(app, "sign", PIN_FILES.sign) };
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

  /** The way to the card itself, for what this class does not know: probe.ts. */
  get channel(): CardChannel {
    return this.#app.channel;
  }

  pin(name: JpkiPinName): CardPin {
    return this.#pins[name];
  }

  /** Whether this application is still the selected one: without that, the session serves no other job. */
  get selected(): boolean {
    return this.#selected;
  }

  /**
   * Leaves this application for the text application (券面事項入力補助AP): nothing else here may be used afterwards.
   *
   * @returns its PIN; undefined for a card that has no such application (a phone).
   */
  async leaveForTextPin(): Promise<CardPin | undefined> {
    const app = await this.leaveFor(TEXT_AID, "select the text application");
    return app === undefined ? undefined : new CardPin(app, "text", TEXT_PIN_FILE);
  }

  /**
   * Leaves this application for another of the card's: nothing else here may be used afterwards.
   *
   * @param what for errors: `select the text application`.
   * @returns undefined for a card that has no such application (a phone).
   */
  async leaveFor(aid: Uint8Array, what: string): Promise<CardApplication | undefined> {
    const { channel, features } = this.#app;
    this.#selected = false;
    const sw = await selectApplication(channel, aid);
    if (sw === SW_DONE) return new CardApplication(channel, featuresBeside(features));
    if (isCheckingError(sw)) return undefined;
    throw new CardStatusError(what, sw);
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
    return signatureOf(await this.#compute(key, SCHEME_PKCS1, digestInfo));
  }

  /**
   * An RSASSA-PSS signature of 256 bytes, owned by the caller: SHA-256, MGF1 with it, a salt of 32 bytes that the card
   * chooses (RFC 8017, 8.1).
   *
   * @param hash SHA-256 of the message.
   * @throws KeyError `ALGORITHM_UNSUPPORTED` for another length, and for a card that does not know the scheme;
   * CardStatusError, 6982 where the PIN is not verified; MALFORMED.
   */
  async signPss(key: KeyName, hash: Uint8Array): Promise<Uint8Array> {
    if (hash.length !== PSS_HASH_BYTES)
      throw new KeyError("ALGORITHM_UNSUPPORTED", `sign: a hash of ${hash.length} bytes, not ${PSS_HASH_BYTES}`);
    const response = await this.#compute(key, SCHEME_PSS, hash);
    if (refusesScheme(response.sw))
      throw new KeyError("ALGORITHM_UNSUPPORTED", "sign: this card makes no RSASSA-PSS signatures", {
        cause: new CardStatusError("sign", response.sw),
      });
    return signatureOf(response);
  }

  /**
   * Whether the card knows RSASSA-PSS: asked for a signature without a PIN, one that does wants the PIN first. Ask it
   * before the PIN is verified: afterwards it would be a signature. A card that looks at the PIN before the scheme
   * answers yes whatever it knows; {@link signPss} tells.
   *
   * @returns undefined if the answer says neither.
   */
  async knowsPss(): Promise<boolean | undefined> {
    if (this.pin("auth").isVerified) return undefined;
    const { sw } = await this.#compute("auth", SCHEME_PSS, new Uint8Array(PSS_HASH_BYTES));
    // Done: another program has left the PIN verified. What came of it is dropped.
    if (sw === SW_SECURITY_STATUS || sw === SW_DONE) return true;
    return refusesScheme(sw) ? false : undefined;
  }

  #compute(key: KeyName, scheme: number, data: Uint8Array): Promise<ResponseApdu> {
    return this.#app.withFile("sign", KEY_FILES[key].efId, (shortEf) =>
      this.#app.channel.transmit({
        cla: 0x80,
        ins: INS_PERFORM_SECURITY_OPERATION,
        p1: scheme,
        p2: referenceOf(shortEf),
        data,
        maxResponse: SIGNATURE_BYTES,
      }),
    );
  }
}

/** @throws CardStatusError; MALFORMED for a signature of another length. */
function signatureOf({ sw, data }: ResponseApdu): Uint8Array {
  if (sw !== SW_DONE) throw new CardStatusError("sign", sw);
  if (data.length !== SIGNATURE_BYTES)
    throw new MalformedError(`sign: ${data.length} bytes, a signature has ${SIGNATURE_BYTES}`);
  return data;
}

/** ISO/IEC 7816-4, table 6: the command was refused as such, 67xx to 6Exx. 6F00 and 64xx say that the card failed. */
function isCheckingError(sw: number): boolean {
  return sw >= 0x6700 && sw < 0x6f00;
}

/** Not 698x: that says that the command is not allowed now, as with a blocked PIN, and nothing of its parameters. */
function refusesScheme(sw: number): boolean {
  return isCheckingError(sw) && (sw & 0xfff0) !== 0x6980;
}

/** Bytes of the certificate that the file begins with; 0 for a file of filler alone. @throws MALFORMED */
function certificateSize(firstBlock: Uint8Array): number {
  const size = derLength(firstBlock);
  if (size !== undefined) return size;
  if (firstBlock.every((byte) => byte === FILLER)) return 0;
  throw new MalformedError("read a certificate: the file does not begin with one");
}
