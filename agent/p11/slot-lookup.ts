/** The slot that a program names, and the token in it. */

import { CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT } from "../../lib/p11/constants.ts";
import { CkError } from "./ck-error.ts";
import type { P11Slot, P11Slots, P11Token } from "./token.ts";

/** A slot with a card in it. */
export interface FilledSlot extends P11Slot {
  readonly token: P11Token;
}

export function findSlot(slots: P11Slots, slotId: number): P11Slot | undefined {
  return slots.list().find(({ id }) => id === slotId);
}

/** @throws CkError CKR_SLOT_ID_INVALID. */
export function requireSlot(slots: P11Slots, slotId: number): P11Slot {
  const slot = findSlot(slots, slotId);
  if (slot === undefined) throw new CkError(CKR_SLOT_ID_INVALID);
  return slot;
}

/** The slot as it is now: its token may leave it. @throws CkError CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT. */
export function requireToken(slots: P11Slots, slotId: number): FilledSlot {
  const { id, key, token } = requireSlot(slots, slotId);
  if (token === undefined) throw new CkError(CKR_TOKEN_NOT_PRESENT);
  return { id, key, token };
}
