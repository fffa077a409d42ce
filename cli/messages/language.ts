/** The messages in a person's language. */

import { languageOf } from "../../lib/language.ts";
import type { Environment } from "../deps.ts";
import { en } from "./en.ts";
import { ja } from "./ja.ts";
import type { Messages } from "./messages.ts";

/** The messages for a person with this environment, see lib/language.ts. */
export function messagesFor(env: Environment): Messages {
  return languageOf(env) === "ja" ? ja : en;
}
