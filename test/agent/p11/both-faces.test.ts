/** SSH and PKCS#11 at the same card, at the same time: nobody waits for ever, nobody is asked twice, no try is lost. */

import { createHash, publicDecrypt, X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { CardArrival } from "../../../agent/card-arrival.ts";
import { CardKeyStore } from "../../../agent/card-key-store.ts";
import { cardKeyOf } from "../../../lib/card-key.ts";
import type { SignContext } from "../../../lib/keys.ts";
import { silentLogger } from "../../../lib/log.ts";
import { VirtualCard } from "../../../lib/virtual-card/card.ts";
import { logIn, P11_READER, type P11Desk, p11Desk, tokenIn } from "../../helpers/p11-desk.ts";
import { testPki } from "../../helpers/pki.ts";

const ROUNDS = 200;
const pki = await testPki();
const { publicKey } = new X509Certificate(pki.authCertificate);
const keyId = createHash("sha256").update(pki.authCertificate).digest("hex");
const going = () => new AbortController().signal;
const context = (): SignContext => ({
  purpose: { kind: "ssh-login", user: "taro", hosts: [], forwarded: false },
  signal: going(),
});

function keyStore({ registry, broker, login, remembered, known, transport }: P11Desk): CardKeyStore {
  const fault = () => transport.fault();
  const arrival = new CardArrival({ registry, broker, waitMs: 0, fault, log: silentLogger });
  const store = { list: () => known, remember: async () => {} };
  return new CardKeyStore({ registry, known: store, login, remembered, arrival, log: silentLogger });
}

it("two hundred logins of each, with one question for the PIN", async () => {
  const card = new VirtualCard({ pki });
  const desk = await p11Desk({ cards: [card] });
  const ssh = keyStore(desk);
  const tls = await logIn(tokenIn(desk));
  const data = (n: number) => new TextEncoder().encode(`data ${n}`);
  const signatures = await Promise.all(
    Array.from({ length: 2 * ROUNDS }, (_, n) =>
      n % 2 === 0 ? ssh.sign(keyId, data(n), context()) : tls.sign("pkcs1", data(n), "CKM_RSA_PKCS", going()),
    ),
  );
  for (const [n, signature] of signatures.entries())
    expect(publicDecrypt(publicKey, signature)).toEqual(Buffer.from(data(n)));
  expect([desk.prompt.shown.length, desk.prompt.uses.length, card.pinAttempts]).toEqual([1, 0, 1]);
  await desk.close();
});

it("a program's login and an SSH login at the same moment: one PIN, and a yes for the program", async () => {
  const card = new VirtualCard({ pki });
  const desk = await p11Desk({ cards: [card] });
  const ssh = keyStore(desk);
  await Promise.all([ssh.sign(keyId, Uint8Array.of(1), context()), logIn(tokenIn(desk))]);
  expect([desk.prompt.shown.length, desk.prompt.uses.length, card.triesLeft.auth]).toEqual([1, 1, 3]);
  await desk.close();
});

it("a phone that has shown its key to SSH shows its certificate to programs after their login", async () => {
  const card = new VirtualCard({ pki, profile: "phone" });
  const desk = await p11Desk({ cards: [card], known: [cardKeyOf(pki.authCertificate, "phone")] });
  await keyStore(desk).sign(keyId, Uint8Array.of(1), context());
  const token = tokenIn(desk);
  expect([token.certificate(), token.label]).toEqual([undefined, `My Number phone ${keyId.slice(0, 8)}`]);
  const tls = await logIn(token);
  expect(token.certificate()).toEqual(pki.authCertificate);
  expect(await tls.sign("pkcs1", Uint8Array.of(1), "CKM_RSA_PKCS", going())).toHaveLength(256);
  expect([desk.prompt.shown.length, desk.prompt.uses.length]).toEqual([1, 1]);
  await desk.close();
});

it("a wrong PIN in one face is nothing to the other: the tries are read before each VERIFY", async () => {
  const card = new VirtualCard({ pki });
  const desk = await p11Desk({ cards: [card], typed: ["9999", "1234"] });
  const ssh = keyStore(desk);
  const tls = await logIn(tokenIn(desk));
  await ssh.sign(keyId, Uint8Array.of(1), context());
  await tls.sign("pkcs1", Uint8Array.of(1), "CKM_RSA_PKCS", going());
  expect([desk.prompt.shown.length, card.pinAttempts, card.triesLeft.auth]).toEqual([2, 2, 3]);
  desk.transport.remove(P11_READER);
  expect(tls.ended.aborted).toBe(true);
  await desk.close();
});
