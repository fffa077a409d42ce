/** What a PKCS #11 program may send: calls as they should be, with some bytes changed, and bytes of no form. */

import { SERVED_CALLS } from "../../agent/p11/application.ts";
import { ByteWriter, utf8 } from "../../lib/bytes.ts";
import { CALLS, type CallName } from "../../lib/p11/calls.ts";
import {
  CKA_CLASS,
  CKA_ID,
  CKA_LABEL,
  CKA_MODULUS,
  CKA_VALUE,
  CKA_WRAP_TEMPLATE,
  CKF_DONT_BLOCK,
  CKF_SERIAL_SESSION,
  CKM_RSA_PKCS,
  CKM_RSA_PKCS_PSS,
  CKM_SHA256,
  CKM_SHA256_RSA_PKCS,
  CKO_CERTIFICATE,
  CKO_PRIVATE_KEY,
  CKU_USER,
} from "../../lib/p11/constants.ts";
import type { Attribute, Mechanism } from "../../lib/p11/values.ts";
import { HANDSHAKE } from "../helpers/rpc-client.ts";
import { encodeRpcRequest, type RpcStyle } from "../helpers/rpc-wire.ts";
import type { Random } from "./random.ts";

/** Of the objects that are there: two certificates, a public and a private key. */
const MAX_OBJECT = 6;
const LONGEST_RANDOM = 600;
const ANSWERED = ["C_Initialize", "C_Finalize", ...SERVED_CALLS] as const;
const MECHANISMS: readonly [Mechanism, ...Mechanism[]] = [
  { type: CKM_RSA_PKCS, parameter: { kind: "none" } },
  { type: CKM_SHA256_RSA_PKCS, parameter: { kind: "none" } },
  { type: CKM_RSA_PKCS_PSS, parameter: { kind: "pss", hash: CKM_SHA256, mgf: 2, saltLength: 32 } },
];

export interface RpcTarget {
  readonly style: RpcStyle;
  /** A session of the connection that the requests are for. */
  readonly session: number;
}

/** A body. It may wait for ever (C_WaitForSlotEvent) until C_Finalize. */
export function anyRpcBody(random: Random, target: RpcTarget): Uint8Array {
  switch (random.int(10)) {
    case 0:
      return random.bytes(random.int(LONGEST_RANDOM));
    case 1:
      return anyNumber(random);
    case 2:
      return tooMuch(random, target.session);
    case 3:
    case 4:
    case 5:
      return anyCall(random, target);
    default:
      return random.mutated(anyCall(random, target));
  }
}

/** Any call of the table, and any number, with letters of their own before whatever follows. */
function anyNumber(random: Random): Uint8Array {
  const [first = "C_GetInfo", ...others] = Object.keys(CALLS).filter((name): name is CallName => name in CALLS);
  const { id, request } = CALLS[random.pick([first, ...others])];
  const writer = new ByteWriter().u32(random.int(5) === 0 ? random.int(100) : id).string(request);
  return writer.bytes(random.bytes(random.int(80))).finish();
}

/** Counts, lengths and depths of which nothing follows, or too much. */
function tooMuch(random: Random, session: number): Uint8Array {
  const call = (name: CallName) =>
    new ByteWriter().u32(CALLS[name].id).string(CALLS[name].request).u64(BigInt(session));
  const huge = random.pick([0xffffffff, 0xfffffffe, 0x7fffffff, 0x00ffffff, 257]);
  switch (random.int(5)) {
    case 0:
      return call("C_FindObjectsInit").u32(huge).bytes(random.bytes(100)).finish();
    case 1:
      return call("C_GetAttributeValue").u64(1n).u32(huge).bytes(new Uint8Array(4096)).finish();
    case 2:
      return call("C_SignUpdate").bool(true).u32(huge).bytes(random.bytes(100)).finish();
    case 3: {
      const writer = call("C_GetAttributeValue").u64(1n);
      for (let depth = random.int(300); depth > 0; depth--) writer.u32(1).u32(CKA_WRAP_TEMPLATE).u32(24);
      return writer.u32(0).finish();
    }
    default: {
      const writer = call("C_FindObjectsInit");
      for (let depth = random.int(300); depth > 0; depth--) writer.u32(1).u32(CKA_WRAP_TEMPLATE).bool(true).u32(24);
      return writer.u32(0).finish();
    }
  }
}

/** One of the calls that are answered, with values that make sense. */
function anyCall(random: Random, { style, session }: RpcTarget): Uint8Array {
  const slot = random.int(3);
  const object = random.int(MAX_OBJECT);
  const room = random.pick([0, 16, 256, 512]);
  const data = random.int(3) === 0 ? undefined : random.bytes(1 + random.int(100));
  const template: readonly Attribute[] = [
    { type: CKA_CLASS, value: random.pick([CKO_CERTIFICATE, CKO_PRIVATE_KEY]) },
    { type: CKA_ID, value: random.bytes(1 + random.int(3)) },
    { type: CKA_LABEL, value: utf8("label") },
  ].slice(random.int(3));
  const wanted = [CKA_CLASS, CKA_ID, CKA_VALUE, CKA_MODULUS].map((type) => ({ type, room: random.int(3000) }));
  const mechanism = random.pick(MECHANISMS);
  switch (random.pick(ANSWERED)) {
    case "C_Initialize":
      return encodeRpcRequest("C_Initialize", [HANDSHAKE, 0, Uint8Array.of(0)], style);
    case "C_Finalize":
      // A rare one: all that follows would be refused.
      return encodeRpcRequest(random.int(20) === 0 ? "C_Finalize" : "C_GetInfo", [], style);
    case "C_GetInfo":
      return encodeRpcRequest("C_GetInfo", [], style);
    case "C_GetSlotList":
      return encodeRpcRequest("C_GetSlotList", [random.int(2), random.int(3)], style);
    case "C_GetSlotInfo":
      return encodeRpcRequest("C_GetSlotInfo", [slot], style);
    case "C_GetTokenInfo":
      return encodeRpcRequest("C_GetTokenInfo", [slot], style);
    case "C_GetMechanismList":
      return encodeRpcRequest("C_GetMechanismList", [slot, random.int(20)], style);
    case "C_GetMechanismInfo":
      return encodeRpcRequest("C_GetMechanismInfo", [slot, mechanism.type], style);
    case "C_OpenSession":
      return encodeRpcRequest("C_OpenSession", [slot, CKF_SERIAL_SESSION | random.int(4)], style);
    case "C_CloseSession":
      return encodeRpcRequest("C_CloseSession", [session + random.int(4)], style);
    case "C_CloseAllSessions":
      return encodeRpcRequest("C_CloseAllSessions", [random.int(10) === 0 ? slot : 7], style);
    case "C_GetSessionInfo":
      return encodeRpcRequest("C_GetSessionInfo", [session], style);
    case "C_Login":
      return encodeRpcRequest("C_Login", [session, random.pick([CKU_USER, 0, 2]), wrongPin(random)], style);
    case "C_Logout":
      return encodeRpcRequest("C_Logout", [session], style);
    case "C_GetAttributeValue":
      return encodeRpcRequest("C_GetAttributeValue", [session, object, wanted], style);
    case "C_FindObjectsInit":
      return encodeRpcRequest("C_FindObjectsInit", [session, template], style);
    case "C_FindObjects":
      return encodeRpcRequest("C_FindObjects", [session, random.int(5)], style);
    case "C_FindObjectsFinal":
      return encodeRpcRequest("C_FindObjectsFinal", [session], style);
    case "C_SignInit":
      return encodeRpcRequest("C_SignInit", [session, random.int(9) === 0 ? undefined : mechanism, object], style);
    case "C_Sign":
      return encodeRpcRequest("C_Sign", [session, data, room], style);
    case "C_SignUpdate":
      return encodeRpcRequest("C_SignUpdate", [session, data], style);
    case "C_SignFinal":
      return encodeRpcRequest("C_SignFinal", [session, room], style);
    case "C_WaitForSlotEvent":
      return encodeRpcRequest("C_WaitForSlotEvent", [random.int(4) === 0 ? 0 : CKF_DONT_BLOCK], style);
  }
}

/** None, which makes the agent ask, or one that has no digit of the right one. */
function wrongPin(random: Random): Uint8Array | undefined {
  return random.pick([undefined, utf8("0000"), utf8("111111"), utf8("0"), random.bytes(4)]);
}
