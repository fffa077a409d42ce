/** Which language: LC_ALL, then LC_MESSAGES, then LANG; an empty one counts as unset (POSIX.1-2017, XBD 8.2). */

/** Japanese for `ja`, `ja_JP.UTF-8` and so on, else English. */
export function languageOf(env: Readonly<Record<string, string | undefined>>): "en" | "ja" {
  const { LC_ALL, LC_MESSAGES, LANG } = env;
  const locale = LC_ALL || LC_MESSAGES || LANG || "C";
  return /^ja(?![a-z])/i.test(locale) ? "ja" : "en";
}
