import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { concatBytes, equalBytes, fromHex } from "../../../lib/bytes.ts";
import {
  CKA_ALLOWED_MECHANISMS,
  CKA_ALWAYS_AUTHENTICATE,
  CKA_CERTIFICATE_CATEGORY,
  CKA_CERTIFICATE_TYPE,
  CKA_CLASS,
  CKA_DECRYPT,
  CKA_DERIVE,
  CKA_EXTRACTABLE,
  CKA_ID,
  CKA_ISSUER,
  CKA_KEY_TYPE,
  CKA_LABEL,
  CKA_LOCAL,
  CKA_MODULUS,
  CKA_MODULUS_BITS,
  CKA_NEVER_EXTRACTABLE,
  CKA_PRIVATE,
  CKA_PUBLIC_EXPONENT,
  CKA_PUBLIC_KEY_INFO,
  CKA_SENSITIVE,
  CKA_SERIAL_NUMBER,
  CKA_SIGN,
  CKA_SUBJECT,
  CKA_TOKEN,
  CKA_TRUSTED,
  CKA_UNWRAP,
  CKA_UNWRAP_TEMPLATE,
  CKA_VALUE,
  CKC_X_509,
  CKK_RSA,
  CKO_CERTIFICATE,
  CKO_PRIVATE_KEY,
  CKO_PUBLIC_KEY,
  CKR_ATTRIBUTE_SENSITIVE,
  CKR_ATTRIBUTE_TYPE_INVALID,
  CKR_BUFFER_TOO_SMALL,
  CKR_OBJECT_HANDLE_INVALID,
  CKR_OK,
  CKR_OPERATION_ACTIVE,
  CKR_OPERATION_NOT_INITIALIZED,
} from "../../../lib/p11/constants.ts";
import type { Attribute, AttributeValue } from "../../../lib/p11/values.ts";
import { makeCertificate } from "../../helpers/certificates.ts";
import { type FakeProgram, setUpFace } from "../../helpers/fake-p11-program.ts";
import { FakeSlots, FakeToken } from "../../helpers/fake-p11-tokens.ts";
import { testPki } from "../../helpers/pki.ts";
import { recordingLogger } from "../../helpers/recording-logger.ts";

const pki = await testPki();
const x509 = new X509Certificate(pki.authCertificate);
const CKA_PRIVATE_EXPONENT = 0x123;
const CKA_COEFFICIENT = 0x128;

async function setUp() {
  const token = new FakeToken(pki);
  const slots = new FakeSlots(token);
  const log = recordingLogger();
  const { program: start } = setUpFace(slots, { log });
  const program = start();
  return { token, slots, log, start, program, session: await program.open() };
}

async function attribute(program: FakeProgram, session: number, object: number, type: number) {
  const [[read], rv] = await program.call("C_GetAttributeValue", session, object, [{ type, room: 0 }]);
  return rv === CKR_OK ? read?.value : rv;
}

async function bytes(program: FakeProgram, session: number, object: number, type: number): Promise<Uint8Array> {
  const value = await attribute(program, session, object, type);
  if (!(value instanceof Uint8Array)) throw new Error(`attribute ${type} has no bytes`);
  return value;
}

describe("the objects of a token", () => {
  it("before login: certificate, public key, the CA's certificate; after it the private key too", async () => {
    const { program, session } = await setUp();
    const before = await program.find(session);
    expect(before).toHaveLength(3);
    await program.login(session);
    const after = await program.find(session);
    expect(after).toHaveLength(4);
    expect(after).toEqual(expect.arrayContaining([...before]));
    const classes = await Promise.all(after.map((object) => attribute(program, session, object, CKA_CLASS)));
    expect(classes).toEqual([CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE]);
  });

  it("the certificate's values are those of its DER", async () => {
    const { program, session } = await setUp();
    const [certificate = 0] = await program.findClass(session, CKO_CERTIFICATE);
    const read = (type: number) => attribute(program, session, certificate, type);
    expect(await read(CKA_VALUE)).toEqual(pki.authCertificate);
    expect(await read(CKA_CERTIFICATE_TYPE)).toBe(CKC_X_509);
    expect(await read(CKA_CERTIFICATE_CATEGORY)).toBe(1);
    expect(await read(CKA_TRUSTED)).toBe(false);
    expect(await read(CKA_TOKEN)).toBe(true);
    expect(await read(CKA_PRIVATE)).toBe(false);
    const serial = await bytes(program, session, certificate, CKA_SERIAL_NUMBER);
    expect(serial.subarray(0, 2)).toEqual(Uint8Array.of(0x02, serial.length - 2));
    expect(BigInt(`0x${Buffer.from(serial.subarray(2)).toString("hex")}`)).toBe(BigInt(`0x${x509.serialNumber}`));
    // Each stands in the certificate as it is: version, serial, algorithm, issuer, validity, subject.
    const der = Buffer.from(pki.authCertificate);
    const places = [];
    for (const type of [CKA_SERIAL_NUMBER, CKA_ISSUER, CKA_SUBJECT, CKA_PUBLIC_KEY_INFO])
      places.push(der.indexOf(await bytes(program, session, certificate, type)));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it("certificate and keys have one ID and one label; the CA's certificate others", async () => {
    const { program, session } = await setUp();
    await program.login(session);
    const [certificate = 0, privateKey = 0, publicKey = 0, ca = 0] = await program.find(session);
    const id = await bytes(program, session, certificate, CKA_ID);
    const modulus = await bytes(program, session, privateKey, CKA_MODULUS);
    expect(Buffer.from(id)).toEqual(createHash("sha1").update(modulus).digest());
    const label = await bytes(program, session, certificate, CKA_LABEL);
    for (const other of [privateKey, publicKey]) {
      expect(await attribute(program, session, other, CKA_ID)).toEqual(id);
      expect(await attribute(program, session, other, CKA_LABEL)).toEqual(label);
    }
    expect(await attribute(program, session, ca, CKA_ID)).not.toEqual(id);
    expect(await attribute(program, session, ca, CKA_LABEL)).not.toEqual(label);
    expect(await attribute(program, session, ca, CKA_CERTIFICATE_CATEGORY)).toBe(2);
    expect(await attribute(program, session, ca, CKA_VALUE)).toEqual(pki.authCaCertificate);
  });

  it("the private key's attributes are those that programs ask for", async () => {
    const { program, session } = await setUp();
    await program.login(session);
    const key = await program.privateKey(session);
    const { n, e } = x509.publicKey.export({ format: "jwk" });
    const values: [number, unknown][] = [
      [CKA_PRIVATE, true],
      [CKA_KEY_TYPE, CKK_RSA],
      [CKA_MODULUS, new Uint8Array(Buffer.from(n ?? "", "base64url"))],
      [CKA_MODULUS_BITS, 2048],
      [CKA_PUBLIC_EXPONENT, new Uint8Array(Buffer.from(e ?? "", "base64url"))],
      [CKA_SIGN, true],
      [CKA_DECRYPT, false],
      [CKA_UNWRAP, false],
      [CKA_DERIVE, false],
      [CKA_SENSITIVE, true],
      [CKA_EXTRACTABLE, false],
      [CKA_NEVER_EXTRACTABLE, false],
      [CKA_LOCAL, false],
      [CKA_ALWAYS_AUTHENTICATE, false],
    ];
    for (const [type, value] of values) expect(await attribute(program, session, key, type)).toEqual(value);
    for (const type of [CKA_ALLOWED_MECHANISMS, CKA_UNWRAP_TEMPLATE, 0xcf534301, CKA_VALUE])
      expect(await attribute(program, session, key, type)).toBe(CKR_ATTRIBUTE_TYPE_INVALID);
    for (const type of [CKA_PRIVATE_EXPONENT, CKA_COEFFICIENT])
      expect(await attribute(program, session, key, type)).toBe(CKR_ATTRIBUTE_SENSITIVE);
  });

  it("have the same handles for as long as the card stays, for all programs", async () => {
    const { program, session, start, slots } = await setUp();
    await program.login(session);
    const handles = await program.find(session);
    expect(new Set(handles).size).toBe(4);
    await program.call("C_Logout", session);
    await program.login(session);
    expect(await program.find(session)).toEqual(handles);
    const other = start();
    expect(await other.find((await other.loggedIn()).session)).toEqual(handles);
    slots.put(1, new FakeToken(pki));
    const again = await program.loggedIn();
    expect((await program.find(again.session)).filter((handle) => handles.includes(handle))).toEqual([]);
  });

  it("come when the card shows its certificate, a phone after its login", async () => {
    const { program, session, token } = await setUp();
    const shown = token.shown;
    token.shown = { certificate: undefined, caCertificate: shown.caCertificate };
    expect(await program.find(session)).toEqual([]);
    token.shown = { certificate: shown.certificate, caCertificate: undefined };
    expect(await program.find(session)).toHaveLength(2);
    const handles = await program.find(session);
    token.shown = shown;
    expect((await program.find(session)).slice(0, 2)).toEqual(handles);
  });

  it("a certificate that cannot be read is said once, and is not there", async () => {
    const { program, session, token, log } = await setUp();
    token.shown = { ...token.shown, caCertificate: fromHex("3003020100") };
    for (let i = 0; i < 3; i++) expect(await program.find(session)).toHaveLength(2);
    token.shown = { certificate: Uint8Array.of(1), caCertificate: undefined };
    for (let i = 0; i < 3; i++) expect(await program.find(session)).toEqual([]);
    expect(log.lines.map(({ level, fields }) => [level, fields["event"]])).toEqual(
      Array(2).fill(["warn", "p11-objects"]),
    );
  });

  it("of the signature key are for a program that is logged in alone, the certificate too", async () => {
    const slots = new FakeSlots();
    slots.addSlot("sign", new FakeToken(pki, { key: "sign", asksEachTime: true }));
    const { program: start } = setUpFace(slots);
    const program = start();
    const { session, key } = await program.loggedIn();
    expect(await attribute(program, session, key, CKA_ALWAYS_AUTHENTICATE)).toBe(true);
    const handles = await program.find(session);
    expect(handles).toHaveLength(4);
    for (const handle of handles) expect(await attribute(program, session, handle, CKA_PRIVATE)).toBe(true);
    const other = start();
    const theirs = await other.open();
    expect(await other.find(theirs)).toEqual([]);
    for (const handle of handles)
      expect(await other.rv("C_GetAttributeValue", theirs, handle, [])).toBe(CKR_OBJECT_HANDLE_INVALID);
    await program.call("C_Logout", session);
    expect(await program.find(session)).toEqual([]);
  });
});

describe("C_GetAttributeValue", () => {
  it("answers each in order, the value also to a size question; what is wrong with one is no harm to others", async () => {
    const { program, session } = await setUp();
    const [certificate = 0] = await program.findClass(session, CKO_CERTIFICATE);
    const { length } = pki.authCertificate;
    const wanted = [
      { type: CKA_VALUE, room: 0 },
      { type: CKA_MODULUS, room: 1000 },
      { type: CKA_VALUE, room: length },
      { type: CKA_CLASS, room: 8 },
      { type: CKA_TOKEN, room: 1 },
    ];
    const [attributes, rv] = await program.call("C_GetAttributeValue", session, certificate, wanted);
    expect(rv).toBe(CKR_ATTRIBUTE_TYPE_INVALID);
    expect(attributes).toEqual([
      { type: CKA_VALUE, value: pki.authCertificate },
      { type: CKA_MODULUS, value: undefined },
      { type: CKA_VALUE, value: pki.authCertificate },
      { type: CKA_CLASS, value: CKO_CERTIFICATE },
      { type: CKA_TOKEN, value: true },
    ]);
  });

  it.each([
    [CKA_VALUE, pki.authCertificate.length - 1],
    [CKA_CLASS, 7],
    [CKA_LABEL, 1],
  ])("attribute %d does not go into %d bytes", async (type, room) => {
    const { program, session } = await setUp();
    const [certificate = 0] = await program.findClass(session, CKO_CERTIFICATE);
    expect(await program.call("C_GetAttributeValue", session, certificate, [{ type, room }])).toEqual([
      [{ type, value: undefined }],
      CKR_BUFFER_TOO_SMALL,
    ]);
  });

  it("of nothing is nothing; of no object, of one of another card, of a hidden one: CKR_OBJECT_HANDLE_INVALID", async () => {
    const { program, session, slots } = await setUp();
    slots.addSlot("auth", new FakeToken(pki));
    const elsewhere = await program.open(2);
    const [theirs = 0] = await program.find(elsewhere);
    const [certificate = 0] = await program.find(session);
    expect(await program.call("C_GetAttributeValue", session, certificate, [])).toEqual([[], CKR_OK]);
    await program.login(session);
    const key = await program.privateKey(session);
    await program.call("C_Logout", session);
    for (const object of [0, 999, theirs, key, Number.POSITIVE_INFINITY])
      expect(await program.rv("C_GetAttributeValue", session, object, [])).toBe(CKR_OBJECT_HANDLE_INVALID);
  });
});

describe("searches", () => {
  const match = async (...template: [number, AttributeValue | undefined][]) => {
    const { program, session } = await setUp();
    await program.login(session);
    const found = await program.find(
      session,
      template.map(([type, value]): Attribute => ({ type, value })),
    );
    const all = await program.find(session);
    return found.map((handle) => all.indexOf(handle));
  };
  const values = async (type: number) => {
    const { program, session } = await setUp();
    const [certificate = 0] = await program.find(session);
    return bytes(program, session, certificate, type);
  };

  it("all attributes of the template must be there, with the same value", async () => {
    expect(await match()).toEqual([0, 1, 2, 3]);
    expect(await match([CKA_CLASS, CKO_CERTIFICATE])).toEqual([0, 3]);
    expect(await match([CKA_CLASS, CKO_CERTIFICATE], [CKA_CERTIFICATE_TYPE, CKC_X_509], [CKA_TOKEN, true])).toEqual([
      0, 3,
    ]);
    expect(await match([CKA_CLASS, CKO_PRIVATE_KEY], [CKA_SIGN, true])).toEqual([1]);
    expect(await match([CKA_CLASS, CKO_PRIVATE_KEY], [CKA_SIGN, false])).toEqual([]);
    expect(await match([CKA_ID, await values(CKA_ID)])).toEqual([0, 1, 2]);
    expect(await match([CKA_CLASS, CKO_PRIVATE_KEY], [CKA_ID, await values(CKA_ID)])).toEqual([1]);
    expect(await match([CKA_ID, Uint8Array.of(0)])).toEqual([]);
    expect(await match([CKA_VALUE, pki.authCaCertificate])).toEqual([3]);
    expect(await match([CKA_SUBJECT, await values(CKA_SUBJECT)], [CKA_CLASS, CKO_CERTIFICATE])).toEqual([0]);
    expect(await match([CKA_TOKEN, false])).toEqual([]);
    for (const nssClass of [0xce534351, 0xce534353, 0xce534354, 9])
      expect(await match([CKA_CLASS, nssClass])).toEqual([]);
  });

  it("an attribute without a value, of another kind or unknown fits nothing", async () => {
    expect(await match([CKA_ID, undefined])).toEqual([]);
    expect(await match([CKA_ID, new Uint8Array()])).toEqual([]);
    expect(await match([CKA_CLASS, Uint8Array.of(1)])).toEqual([]);
    expect(await match([CKA_ALLOWED_MECHANISMS, []])).toEqual([]);
    expect(await match([0x80000001, new Uint8Array()])).toEqual([]);
  });

  it("the serial number with and without its tag and length", async () => {
    const serial = await values(CKA_SERIAL_NUMBER);
    const issuer = await values(CKA_ISSUER);
    for (const asked of [serial, serial.subarray(2)])
      expect(await match([CKA_ISSUER, issuer], [CKA_SERIAL_NUMBER, asked])).toEqual([0]);
    for (const asked of [serial.subarray(1), serial.subarray(3), concatBytes(serial, serial)])
      expect(await match([CKA_SERIAL_NUMBER, asked])).toEqual([]);
  });

  it("are told in pieces, each object once", async () => {
    const { program, session } = await setUp();
    const all = await program.find(session);
    expect(await program.rv("C_FindObjects", session, 1)).toBe(CKR_OPERATION_NOT_INITIALIZED);
    await program.call("C_FindObjectsInit", session, []);
    expect(await program.rv("C_FindObjectsInit", session, [])).toBe(CKR_OPERATION_ACTIVE);
    const told = [];
    for (const room of [0, 1, 1, 8192, 1]) told.push((await program.call("C_FindObjects", session, room))[0]);
    expect(told).toEqual([[], [all[0]], [all[1]], [all[2]], []]);
    await program.call("C_FindObjectsFinal", session);
    expect(await program.rv("C_FindObjectsFinal", session)).toBe(CKR_OPERATION_NOT_INITIALIZED);
    expect(await program.rv("C_FindObjects", session, 1)).toBe(CKR_OPERATION_NOT_INITIALIZED);
  });

  it("belong to their session, and go on beside others and a signature", async () => {
    const { program, session } = await setUp();
    const other = await program.open();
    await program.call("C_FindObjectsInit", session, []);
    await program.call("C_FindObjectsInit", other, [{ type: CKA_CLASS, value: CKO_PUBLIC_KEY }]);
    expect((await program.call("C_FindObjects", other, 10))[0]).toHaveLength(1);
    expect((await program.call("C_FindObjects", session, 10))[0]).toHaveLength(3);
  });
});

it("a certificate of another key has another ID", async () => {
  const { program, session, token } = await setUp();
  const [before = 0] = await program.find(session);
  const id = await bytes(program, session, before, CKA_ID);
  token.shown = { certificate: makeCertificate(pki), caCertificate: undefined };
  expect(await bytes(program, session, before, CKA_ID)).toEqual(id);
  token.shown = { certificate: pki.signCertificate, caCertificate: undefined };
  expect(equalBytes(await bytes(program, session, before, CKA_ID), id)).toBe(false);
});
