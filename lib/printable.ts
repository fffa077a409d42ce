/** Names that come from outside (a client's user name, a namespace, a reader) before a person sees them. */

const MAX_SHOWN = 100;

/**
 * `text` in one line without anything that moves the cursor, changes colours or turns the direction of writing:
 * a name must not be able to repaint the prompt it is shown in. Cut after `maxShown` characters, 100 by default.
 */
export function printable(text: string, maxShown = MAX_SHOWN): string {
  const characters = Array.from(text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\ufffd"));
  return characters.length <= maxShown ? characters.join("") : `${characters.slice(0, maxShown).join("")}…`;
}
