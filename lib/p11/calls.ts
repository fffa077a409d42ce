/**
 * The calls of p11-kit's RPC protocol: their numbers, and the letters that say what a request and its response are made
 * of (p11-kit, as observed on the wire with versions 0.24 to 0.26). All codecs and the types of all handlers follow
 * from this one table.
 *
 * | letters | request | response |
 * | --- | --- | --- |
 * | `y` | byte | |
 * | `u` | CK_ULONG | CK_ULONG |
 * | `v` | | CK_VERSION |
 * | `s` | | text, padded with spaces to the size that the table gives |
 * | `ay` | bytes, one or more; undefined: none, or no pointer | bytes, or their number only |
 * | `au` | | CK_ULONGs, or their number only |
 * | `fy` `fu` | room in bytes, in elements; 0: a size question | |
 * | `fA` | attributes asked for | |
 * | `aA` | attributes | attributes |
 * | `M` | mechanism; undefined: no pointer | |
 *
 * `z` (text that ends in a NUL) and `P` (update of a mechanism's parameter) are in calls alone that no token of ours
 * has. Nor has it those of PKCS #11 3.0 from 68 to 87, which are not listed.
 */

import type { Attribute, AttributeRoom, Mechanism, SizeOnly, Version } from "./values.ts";

/** One line of the table. */
export interface Call {
  readonly id: number;
  readonly request: string;
  readonly response: string;
  /** Sizes of the response's `s` fields in order, bytes. */
  readonly textSizes?: readonly number[];
}

export const CALLS = {
  C_Initialize: { id: 1, request: "ayyay", response: "" },
  C_Finalize: { id: 2, request: "", response: "" },
  /** Cryptoki version, manufacturer, flags, description, library version. */
  C_GetInfo: { id: 3, request: "", response: "vsusv", textSizes: [32, 32] },
  C_GetSlotList: { id: 4, request: "yfu", response: "au" },
  /** Description, manufacturer, flags, hardware version, firmware version. */
  C_GetSlotInfo: { id: 5, request: "u", response: "ssuvv", textSizes: [64, 32] },
  /**
   * Label, manufacturer, model, serial number, flags, most sessions, sessions, most read-write sessions, read-write
   * sessions, longest PIN, shortest PIN, public memory, free of that, private memory, free of that, hardware version,
   * firmware version, time.
   */
  C_GetTokenInfo: { id: 6, request: "u", response: "ssssuuuuuuuuuuuvvs", textSizes: [32, 32, 16, 16, 16] },
  C_GetMechanismList: { id: 7, request: "ufu", response: "au" },
  /** Shortest key, longest key, flags. */
  C_GetMechanismInfo: { id: 8, request: "uu", response: "uuu" },
  C_InitToken: { id: 9, request: "uayz", response: "" },
  C_OpenSession: { id: 10, request: "uu", response: "u" },
  C_CloseSession: { id: 11, request: "u", response: "" },
  C_CloseAllSessions: { id: 12, request: "u", response: "" },
  /** Slot, state, flags, device error. */
  C_GetSessionInfo: { id: 13, request: "u", response: "uuuu" },
  C_InitPIN: { id: 14, request: "uay", response: "" },
  C_SetPIN: { id: 15, request: "uayay", response: "" },
  C_GetOperationState: { id: 16, request: "ufy", response: "ay" },
  C_SetOperationState: { id: 17, request: "uayuu", response: "" },
  C_Login: { id: 18, request: "uuay", response: "" },
  C_Logout: { id: 19, request: "u", response: "" },
  C_CreateObject: { id: 20, request: "uaA", response: "u" },
  C_CopyObject: { id: 21, request: "uuaA", response: "u" },
  C_DestroyObject: { id: 22, request: "uu", response: "" },
  C_GetObjectSize: { id: 23, request: "uu", response: "u" },
  /** The response ends with a CK_RV of its own: see {@link Result}. */
  C_GetAttributeValue: { id: 24, request: "uufA", response: "aAu" },
  C_SetAttributeValue: { id: 25, request: "uuaA", response: "" },
  C_FindObjectsInit: { id: 26, request: "uaA", response: "" },
  C_FindObjects: { id: 27, request: "ufu", response: "au" },
  C_FindObjectsFinal: { id: 28, request: "u", response: "" },
  C_EncryptInit: { id: 29, request: "uMu", response: "" },
  C_Encrypt: { id: 30, request: "uayfy", response: "ay" },
  C_EncryptUpdate: { id: 31, request: "uayfy", response: "ay" },
  C_EncryptFinal: { id: 32, request: "ufy", response: "ay" },
  C_DecryptInit: { id: 33, request: "uMu", response: "" },
  C_Decrypt: { id: 34, request: "uayfy", response: "ay" },
  C_DecryptUpdate: { id: 35, request: "uayfy", response: "ay" },
  C_DecryptFinal: { id: 36, request: "ufy", response: "ay" },
  C_DigestInit: { id: 37, request: "uM", response: "" },
  C_Digest: { id: 38, request: "uayfy", response: "ay" },
  C_DigestUpdate: { id: 39, request: "uay", response: "" },
  C_DigestKey: { id: 40, request: "uu", response: "" },
  C_DigestFinal: { id: 41, request: "ufy", response: "ay" },
  C_SignInit: { id: 42, request: "uMu", response: "" },
  C_Sign: { id: 43, request: "uayfy", response: "ay" },
  C_SignUpdate: { id: 44, request: "uay", response: "" },
  C_SignFinal: { id: 45, request: "ufy", response: "ay" },
  C_SignRecoverInit: { id: 46, request: "uMu", response: "" },
  C_SignRecover: { id: 47, request: "uayfy", response: "ay" },
  C_VerifyInit: { id: 48, request: "uMu", response: "" },
  C_Verify: { id: 49, request: "uayay", response: "" },
  C_VerifyUpdate: { id: 50, request: "uay", response: "" },
  C_VerifyFinal: { id: 51, request: "uay", response: "" },
  C_VerifyRecoverInit: { id: 52, request: "uMu", response: "" },
  C_VerifyRecover: { id: 53, request: "uayfy", response: "ay" },
  C_DigestEncryptUpdate: { id: 54, request: "uayfy", response: "ay" },
  C_DecryptDigestUpdate: { id: 55, request: "uayfy", response: "ay" },
  C_SignEncryptUpdate: { id: 56, request: "uayfy", response: "ay" },
  C_DecryptVerifyUpdate: { id: 57, request: "uayfy", response: "ay" },
  C_GenerateKey: { id: 58, request: "uMaA", response: "u" },
  C_GenerateKeyPair: { id: 59, request: "uMaAaA", response: "uu" },
  C_WrapKey: { id: 60, request: "uMuufy", response: "ay" },
  C_UnwrapKey: { id: 61, request: "uMuayaA", response: "u" },
  C_DeriveKey: { id: 62, request: "uMuaA", response: "u" },
  C_SeedRandom: { id: 63, request: "uay", response: "" },
  C_GenerateRandom: { id: 64, request: "ufy", response: "ay" },
  C_WaitForSlotEvent: { id: 65, request: "u", response: "u" },
  C_LoginUser: { id: 66, request: "uuayay", response: "" },
  C_SessionCancel: { id: 67, request: "uu", response: "" },
  C_InitToken2: { id: 88, request: "uays", response: "" },
  C_DeriveKey2: { id: 89, request: "uMuaA", response: "uPu" },
} as const satisfies Readonly<Record<string, Call>>;

export type CallName = keyof typeof CALLS;

/** The values of a request, in order: `uuay` is `readonly [number, number, Uint8Array | undefined]`. */
export type Args<C extends CallName> = Extract<
  Values<(typeof CALLS)[C]["request"], RequestValues>,
  readonly RequestValues[keyof RequestValues][]
>;

/**
 * The values of a successful response, in order. C_GetAttributeValue's last one is CKR_OK, CKR_ATTRIBUTE_SENSITIVE,
 * CKR_ATTRIBUTE_TYPE_INVALID or CKR_BUFFER_TOO_SMALL: what can be told is told with each of them.
 */
export type Result<C extends CallName> = Extract<
  Values<(typeof CALLS)[C]["response"], ResponseValues>,
  readonly ResponseValues[keyof ResponseValues][]
>;

/** What the letters stand for, where a token of ours has a call with them. */
export interface RequestValues {
  readonly y: number;
  readonly u: number;
  readonly ay: Uint8Array | undefined;
  readonly fy: number;
  readonly fu: number;
  readonly fA: readonly AttributeRoom[];
  readonly aA: readonly Attribute[];
  readonly M: Mechanism | undefined;
}

export interface ResponseValues {
  readonly u: number;
  readonly v: Version;
  readonly s: string;
  readonly ay: Uint8Array | SizeOnly;
  readonly au: readonly number[] | SizeOnly;
  readonly aA: readonly Attribute[];
}

/** `a` and `f` are the first of two letters. */
type Values<S extends string, L> = S extends ""
  ? readonly []
  : S extends `${infer First extends "a" | "f"}${infer Second}${infer Rest}`
    ? readonly [Value<`${First}${Second}`, L>, ...Values<Rest, L>]
    : S extends `${infer Letter}${infer Rest}`
      ? readonly [Value<Letter, L>, ...Values<Rest, L>]
      : never;

type Value<S extends string, L> = S extends keyof L ? L[S] : never;
