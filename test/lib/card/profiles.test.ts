/** The card layer against the virtual card's four profiles: what comes out, and every command that it took. */

import { publicDecrypt, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { fromHex, utf8 } from "../../../lib/bytes.ts";
import { createCardFeatures } from "../../../lib/card/features.ts";
import type { JpkiApplication } from "../../../lib/card/jpki.ts";
import { CardSession } from "../../../lib/card/session.ts";
import { Pin } from "../../../lib/pin/pin.ts";
import { DEFAULT_AUTH_PIN, DEFAULT_SIGN_PASSWORD, VirtualCard } from "../../../lib/virtual-card/card.ts";
import type { ProfileName } from "../../../lib/virtual-card/profiles.ts";
import { createVirtualTransport } from "../../../lib/virtual-card/transport.ts";
import { testPki } from "../../helpers/pki.ts";

const pki = await testPki();
const DIGEST_INFO = fromHex("3009300506032B0E030203003000");

/** A virtual card on a reader, and a session that knows nothing of it yet. */
function reader(profile: ProfileName) {
  const card = new VirtualCard({ pki, profile });
  const transport = createVirtualTransport({ slots: [{ reader: "Virtual", card }] });
  const [slot] = transport.slots();
  if (slot === undefined) throw new Error("the reader has no slot");
  return { card, session: new CardSession({ transport, slot, features: createCardFeatures() }) };
}

async function login(jpki: JpkiApplication) {
  expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "left", triesLeft: 3 });
  expect(await jpki.pin("auth").verify(new Pin(utf8(DEFAULT_AUTH_PIN)))).toEqual({ kind: "verified" });
  await sign(jpki);
}

const readAuth = (jpki: JpkiApplication) => jpki.readCertificate("auth");
const sign = (jpki: JpkiApplication) => jpki.sign("auth", DIGEST_INFO);

/** INS of each command in turn, with the status word where it is not 9000. */
function commandsSince(card: VirtualCard, start: number): string {
  return card.log
    .slice(start)
    .map(({ command, sw }) => command.slice(3, 5) + (sw === 0x9000 ? "" : `:${sw.toString(16).toUpperCase()}`))
    .join(" ");
}

/** Commands for each of: the certificate, the same again, a login, a second one that holds, one more signature. */
test.each<[ProfileName, readonly string[]]>([
  ["card", ["A4:6F00 A4 B0", "A4:6F00 A4 B0", "A4:6F00 A4 20:63C3 20 2A", "A4:6F00 A4 20:63C3 20 2A", "2A"]],
  [
    "old",
    [
      "A4 B0:6700 B0:6A86 A4 B0 B0 B0 B0 B0",
      "A4 A4 B0 B0 B0 B0 B0",
      "A4 A4 20:63C3 20 A4 2A",
      "A4 A4 20:63C3 20 A4 2A",
      "2A",
    ],
  ],
  ["phone", ["A4:6F00 A4 B0:6982", "A4:6F00 A4 B0:6982", "A4:6F00 A4 20:63C3 20 2A", "A4:6F00 A4 20:63C3 20 2A", "2A"]],
  [
    "t0",
    ["A4 B0 B0 B0 B0 B0", "A4 B0 B0 B0 B0 B0", "A4 20:63C3 20 2A:6100 C0", "A4 20:63C3 20 2A:6100 C0", "2A:6100 C0"],
  ],
])("%s: the commands of each job", async (profile, expected) => {
  const { card, session } = reader(profile);
  const taken: string[] = [];
  const take = async (job: (jpki: JpkiApplication) => Promise<unknown>, hold = false) => {
    const start = card.log.length;
    await session.run("test", job, { hold });
    expect(card.powered).toBe(hold);
    taken.push(commandsSince(card, start));
  };
  await take(readAuth);
  await take(readAuth);
  await take(login);
  await take(login, true);
  await take(sign);
  expect(taken).toEqual(expected);
  expect(card.pinAttempts).toBe(2);
});

test.each<ProfileName>(["card", "old", "phone", "t0"])("%s: certificates and signatures", async (profile) => {
  const { session } = reader(profile);
  await session.run("test", async (jpki) => {
    expect(await jpki.readCertificate("sign")).toEqual({ kind: "needs-pin" });
    await login(jpki);
    const found = await jpki.readCertificate("auth");
    if (found.kind !== "certificate") throw new Error(found.kind);
    const { publicKey } = new X509Certificate(found.der);
    expect(publicDecrypt(publicKey, await sign(jpki))).toEqual(Buffer.from(DIGEST_INFO));

    expect(await jpki.pin("sign").verify(new Pin(utf8(DEFAULT_SIGN_PASSWORD)))).toEqual({ kind: "verified" });
    const qualified = await jpki.readCertificate("sign");
    if (qualified.kind !== "certificate") throw new Error(qualified.kind);
    const signature = await jpki.sign("sign", DIGEST_INFO);
    expect(publicDecrypt(new X509Certificate(qualified.der).publicKey, signature)).toEqual(Buffer.from(DIGEST_INFO));

    for (const name of ["auth-ca", "sign-ca"] as const)
      expect(await jpki.readCertificate(name)).toMatchObject({ kind: "certificate" });
  });
});

test.each<ProfileName>(["card", "old", "phone", "t0"])("%s: a wrong PIN, then a blocked one", async (profile) => {
  const { card, session } = reader(profile);
  await session.run("test", async (jpki) => {
    for (const triesLeft of [2, 1]) {
      expect(await jpki.pin("auth").verify(new Pin(utf8("9999")))).toEqual({ kind: "wrong", triesLeft });
      expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "left", triesLeft });
    }
    expect(await jpki.pin("auth").verify(new Pin(utf8("9999")))).toEqual({ kind: "blocked" });
    expect(await jpki.pin("auth").triesLeft()).toEqual({ kind: "blocked" });
    await expect(sign(jpki)).rejects.toMatchObject({ code: "CARD_STATUS", statusWord: 0x6982 });
  });
  expect(card.triesLeft).toEqual({ auth: 0, sign: 5, text: 3 });
});
