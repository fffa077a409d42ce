/** Which language: LC_ALL, then LC_MESSAGES, then LANG; an empty one counts as unset (POSIX.1-2017, XBD 8.2). */

import type { Environment } from "../deps.ts";
import { en } from "./en.ts";
import { ja } from "./ja.ts";
import type { Messages } from "./messages.ts";

/** The messages for a person with this environment: Japanese for `ja`, `ja_JP.UTF-8` and so on, else English. */
export function messagesFor(env: Environment): Messages {
  const { LC_ALL, LC_MESSAGES, LANG } = env;
  const locale = LC_ALL || LC_MESSAGES || LANG || "C";
  return /^ja(?![a-z])/i.test(locale) ? ja : en;
}
