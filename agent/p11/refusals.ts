/** What programs get for calls that are not answered: our tokens are written by a municipal office alone. */

import type { CallName } from "../../lib/p11/calls.ts";
import { CKR_FUNCTION_NOT_SUPPORTED, CKR_RANDOM_NO_RNG, CKR_TOKEN_WRITE_PROTECTED } from "../../lib/p11/constants.ts";

const REFUSALS: Partial<Readonly<Record<CallName, number>>> = {
  C_InitToken: CKR_TOKEN_WRITE_PROTECTED,
  C_InitToken2: CKR_TOKEN_WRITE_PROTECTED,
  C_InitPIN: CKR_TOKEN_WRITE_PROTECTED,
  C_SetPIN: CKR_TOKEN_WRITE_PROTECTED,
  C_CreateObject: CKR_TOKEN_WRITE_PROTECTED,
  C_CopyObject: CKR_TOKEN_WRITE_PROTECTED,
  C_DestroyObject: CKR_TOKEN_WRITE_PROTECTED,
  C_SetAttributeValue: CKR_TOKEN_WRITE_PROTECTED,
  C_GenerateKey: CKR_TOKEN_WRITE_PROTECTED,
  C_GenerateKeyPair: CKR_TOKEN_WRITE_PROTECTED,
  C_UnwrapKey: CKR_TOKEN_WRITE_PROTECTED,
  C_SeedRandom: CKR_RANDOM_NO_RNG,
  C_GenerateRandom: CKR_RANDOM_NO_RNG,
};

/** @param call undefined: a number that p11-kit's table does not have. @returns CKR_*. */
export function refusalOf(call: CallName | undefined): number {
  return (call === undefined ? undefined : REFUSALS[call]) ?? CKR_FUNCTION_NOT_SUPPORTED;
}
