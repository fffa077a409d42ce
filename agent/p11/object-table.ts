/**
 * Objects by their handles. Handles stay the same as long as the card stays in its reader; a handle of a card that left
 * is never given to another.
 */

import { JpkiError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { type CertificateValues, certificateValues } from "./certificate-values.ts";
import { makeObjects, type ObjectKind, type ObjectSources, type P11Object } from "./objects.ts";
import type { P11Slot, P11Token } from "./token.ts";

export interface HandledObject {
  readonly handle: number;
  readonly object: P11Object;
}

interface TokenObjects {
  readonly firstHandle: number;
  /**
   * By the certificate that they were made of, as the token gave it: the card may show it later, after a login, and who
   * drops it (the holder's name and address are in the signature certificate) drops what was made of it.
   */
  readonly made: WeakMap<Uint8Array, Made>;
}

/** DER. */
interface Sources extends Pick<ObjectSources, "key" | "asksEachTime"> {
  readonly certificate: Uint8Array;
  readonly caCertificate: Uint8Array | undefined;
}

interface Made {
  readonly caCertificate: Uint8Array | undefined;
  readonly objects: readonly HandledObject[];
}

/** Each kind has its place from the token's first handle on, so that one that comes later moves no other. */
const PLACES: readonly ObjectKind[] = ["certificate", "private-key", "public-key", "ca-certificate"];

/** One for all programs: what a token holds is the same for each, but for what its login shows. */
export class ObjectTable {
  readonly #log: Logger;
  readonly #tokens = new WeakMap<P11Token, TokenObjects>();
  #nextHandle = 1;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The token's objects, private ones too; none while its certificate is not seen. */
  list(key: P11Slot["key"], token: P11Token): readonly HandledObject[] {
    const { firstHandle, made } = this.#entry(token);
    const certificate = token.certificate();
    const caCertificate = token.caCertificate();
    if (certificate === undefined) return [];
    const known = made.get(certificate);
    if (known !== undefined && known.caCertificate === caCertificate) return known.objects;
    const objects = this.#make({ key, certificate, caCertificate, asksEachTime: token.asksEachTime }, firstHandle);
    made.set(certificate, { caCertificate, objects });
    return objects;
  }

  #entry(token: P11Token): TokenObjects {
    const known = this.#tokens.get(token);
    if (known !== undefined) return known;
    const entry = { firstHandle: this.#nextHandle, made: new WeakMap() };
    this.#nextHandle += PLACES.length;
    this.#tokens.set(token, entry);
    return entry;
  }

  #make({ key, asksEachTime, ...from }: Sources, firstHandle: number): readonly HandledObject[] {
    const certificate = this.#read(from.certificate);
    if (certificate === undefined) return [];
    const objects = makeObjects({ key, certificate, caCertificate: this.#read(from.caCertificate), asksEachTime });
    return objects.map((object) => ({ handle: firstHandle + PLACES.indexOf(object.kind), object }));
  }

  /** A certificate that cannot be read is as if it were not there: the others are of use without it. */
  #read(der: Uint8Array | undefined): CertificateValues | undefined {
    if (der === undefined) return undefined;
    try {
      return certificateValues(der);
    } catch (error) {
      if (!(error instanceof JpkiError)) throw error;
      this.#log.warn("a certificate of the card cannot be offered", { event: "p11-objects", text: error.message });
      return undefined;
    }
  }
}
