/**
 * A pinentry of a few lines of sh, which knows no command but those of the Pinentry manual and writes down all it hears.
 */

import { chmod, readFile, writeFile } from "node:fs/promises";

export interface PinentryScript {
  /** What GETINFO says it is. */
  readonly flavor?: string | undefined;
  /** Lines of sh in the place of the answer to GETPIN. `$n` counts the GETPINs of all its processes from 1. */
  readonly onPin?: string | undefined;
  /** The same for CONFIRM. */
  readonly onConfirm?: string | undefined;
  /** More lines for `case "$line" in`, before all others. */
  readonly cases?: string | undefined;
  /** In place of the greeting. */
  readonly greeting?: string | undefined;
}

export interface ScriptedPinentry {
  readonly program: string;
  /** Every line that its processes have heard. */
  heard(): Promise<readonly string[]>;
}

export async function scriptedPinentry(program: string, script: PinentryScript = {}): Promise<ScriptedPinentry> {
  const {
    flavor = "gnome3",
    onPin = "echo 'D 1234'; echo OK",
    onConfirm = "echo OK",
    cases = "",
    greeting = "echo 'OK Pleased to meet you'",
  } = script;
  const heard = `${program}.heard`;
  await writeFile(heard, "");
  await writeFile(
    program,
    `#!/bin/sh
${greeting}
while IFS= read -r line; do
  printf '%s\\n' "$line" >>'${heard}'
  n=$(grep -cx GETPIN '${heard}')
  case "$line" in
    ${cases}
    "GETINFO flavor") echo 'D ${flavor}'; echo OK ;;
    GETPIN) ${onPin} ;;
    CONFIRM) ${onConfirm} ;;
    BYE) echo 'OK closing connection'; exit 0 ;;
    "OPTION ttyname="* | "OPTION ttytype="* | "OPTION lc-ctype="* | "OPTION lc-messages="* | "OPTION display="*) echo OK ;;
    "SETTIMEOUT 0" | "SETKEYINFO --clear" | "SETTITLE "* | "SETOK "* | "SETCANCEL "* | "SETPROMPT "* | "SETDESC "* | "SETERROR "*) echo OK ;;
    *) echo 'ERR 83886355 Unknown IPC command <Pinentry>' ;;
  esac
done
`,
  );
  await chmod(program, 0o755);
  return {
    program,
    heard: async () => (await readFile(heard, "utf8")).split("\n").slice(0, -1),
  };
}
