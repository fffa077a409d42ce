/** C_FindObjectsInit to C_FindObjectsFinal, for one session. */

import { CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED } from "../../lib/p11/constants.ts";
import type { Attribute } from "../../lib/p11/values.ts";
import { matchesTemplate } from "./attributes.ts";
import { CkError } from "./ck-error.ts";
import type { HandledObject } from "./object-table.ts";
import type { Session } from "./sessions.ts";

/** @param visible what the program may see now. @throws CkError. */
export function beginSearch(
  session: Session,
  template: readonly Attribute[],
  visible: () => readonly HandledObject[],
): void {
  if (session.found !== undefined) throw new CkError(CKR_OPERATION_ACTIVE);
  const fitting = visible().filter(({ object }) => matchesTemplate(object, template));
  session.found = fitting.map(({ handle }) => handle);
}

/** The next handles, each once; none at the end. @throws CkError. */
export function nextFound(session: Session, room: number): readonly number[] {
  if (session.found === undefined) throw new CkError(CKR_OPERATION_NOT_INITIALIZED);
  const told = session.found.slice(0, room);
  session.found = session.found.slice(room);
  return told;
}

/** @throws CkError. */
export function endSearch(session: Session): void {
  if (session.found === undefined) throw new CkError(CKR_OPERATION_NOT_INITIALIZED);
  session.found = undefined;
}
