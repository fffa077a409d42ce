/** OpenSSH's patterns of host and user names (ssh_config(5), "PATTERNS"): `*`, `?`, and lists with `!`. */

/** Whether `pattern` can match more than one name. */
export function hasWildcard(pattern: string): boolean {
  return /[*?]/.test(pattern);
}

/**
 * Whether the whole of `text` matches: `*` any run of characters, `?` any one. Takes time proportional to the product
 * of the lengths at worst, whatever the pattern.
 */
export function matchPattern(text: string, pattern: string): boolean {
  let t = 0;
  let p = 0;
  /** Where to go on when what follows the last `*` does not fit: the star takes one character more. */
  let retry: { text: number; pattern: number } | undefined;
  while (t < text.length) {
    if (pattern[p] === "*") {
      p++;
      retry = { text: t, pattern: p };
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (retry !== undefined) {
      retry = { text: retry.text + 1, pattern: retry.pattern };
      t = retry.text;
      p = retry.pattern;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

/**
 * Whether a host name matches a list, letters of either case being the same: at least one pattern fits, and none that
 * stands after a `!`.
 */
export function matchHostList(host: string, patterns: readonly string[]): boolean {
  const name = host.toLowerCase();
  const fits = (pattern: string) => matchPattern(name, pattern.toLowerCase());
  if (patterns.some((pattern) => pattern.startsWith("!") && fits(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith("!") && fits(pattern));
}
