/**
 * Which ways there are to ask a person now, the best first. Pure: what the machine has is given in.
 *
 * SSH_ASKPASS_REQUIRE is read as ssh(1) says: `force` uses askpass whatever else there is, `never` never does, `prefer`
 * puts it first, other values count as not set.
 */

import { assertNever } from "../errors.ts";

/** `--pin-prompt`. */
export type PromptMode = "auto" | "pinentry" | "askpass" | "tty" | "none";

/** What is read of the environment; an empty value counts as not set. */
export interface PromptEnvironment {
  readonly SSH_ASKPASS?: string | undefined;
  readonly SSH_ASKPASS_REQUIRE?: string | undefined;
  readonly DISPLAY?: string | undefined;
  readonly WAYLAND_DISPLAY?: string | undefined;
}

export interface PromptSurroundings {
  readonly env: PromptEnvironment;
  /** The program that the user named, or one that was found. */
  readonly pinentry: string | undefined;
  /** The system's own askpass program, where there is one: {@link DEFAULT_ASKPASS}. */
  readonly defaultAskpass: string | undefined;
  /** systemd-ask-password, where somebody would answer it. */
  readonly systemdAsk: string | undefined;
  /** Whether pinentry can draw on a terminal now. */
  readonly ttyForPinentry: boolean;
  /** Whether we can ask on the terminal now. */
  readonly ttyUsable: boolean;
}

export type PromptWay =
  | { readonly kind: "pinentry"; readonly program: string; readonly windowOnly: boolean }
  | { readonly kind: "askpass"; readonly program: string }
  | { readonly kind: "tty" }
  | { readonly kind: "systemd"; readonly program: string };

/** Why there is no way to ask. */
export type PromptProblem =
  | "turned-off"
  | "forced-without-askpass"
  | "no-terminal"
  | "no-pinentry"
  | "askpass-never"
  | "no-askpass"
  | "no-display"
  | "no-program";

export type PromptChoice =
  /** At least one, to be tried in this order. */
  | { readonly kind: "ways"; readonly ways: readonly PromptWay[] }
  | {
      readonly kind: "none";
      /** For messages in other languages. */
      readonly problem: PromptProblem;
      readonly reason: string;
      readonly hint: string;
      /** Environment variables whose absence is the reason. */
      readonly missing?: readonly string[] | undefined;
    };

/** Where OpenSSH's packages put it when SSH_ASKPASS is not set. */
export const DEFAULT_ASKPASS = "/usr/bin/ssh-askpass";

const SET_ASKPASS = "set SSH_ASKPASS to an askpass program, or ask on the terminal with --pin-prompt tty";

/** The ways to ask; `none` with its reason and the person's next step where there is none. */
export function selectPrompt(mode: PromptMode, surroundings: PromptSurroundings): PromptChoice {
  const { env, pinentry, ttyUsable } = surroundings;
  const require = env.SSH_ASKPASS_REQUIRE?.toLowerCase();
  const askpass = env.SSH_ASKPASS || surroundings.defaultAskpass;
  if (mode === "none") return none("turned-off", "prompts are turned off", "choose another --pin-prompt");
  if (require === "force")
    return askpass
      ? ways({ kind: "askpass", program: askpass })
      : none("forced-without-askpass", "SSH_ASKPASS_REQUIRE=force without SSH_ASKPASS", SET_ASKPASS);
  switch (mode) {
    case "tty":
      return ttyUsable
        ? ways({ kind: "tty" })
        : none("no-terminal", "no terminal", "start this in the foreground of a terminal");
    case "pinentry":
      return pinentry
        ? ways({ kind: "pinentry", program: pinentry, windowOnly: false })
        : none(
            "no-pinentry",
            "no pinentry in the PATH",
            "install one (Debian: apt install pinentry-gnome3), or name it with --pinentry",
          );
    case "askpass":
      if (require === "never") return none("askpass-never", "SSH_ASKPASS_REQUIRE=never", "unset SSH_ASKPASS_REQUIRE");
      return askpass
        ? ways({ kind: "askpass", program: askpass })
        : none("no-askpass", "no askpass program", SET_ASKPASS);
    case "auto":
      return selectAny(surroundings, require === "never" ? undefined : askpass, require === "prefer");
    default:
      return assertNever(mode);
  }
}

/** Windows before terminals: who sits at the screen need not look for the terminal that this was started on. */
function selectAny(
  { env, pinentry, ttyForPinentry, ttyUsable, systemdAsk }: PromptSurroundings,
  askpass: string | undefined,
  prefersAskpass: boolean,
): PromptChoice {
  const display = hasDisplay(env);
  const byAskpass: readonly PromptWay[] = display && askpass ? [{ kind: "askpass", program: askpass }] : [];
  const byPinentry = (possible: boolean, windowOnly: boolean): readonly PromptWay[] =>
    possible && pinentry ? [{ kind: "pinentry", program: pinentry, windowOnly }] : [];
  const found: readonly PromptWay[] = [
    ...(prefersAskpass ? byAskpass : []),
    ...byPinentry(display || isForMac(pinentry), true),
    ...(prefersAskpass ? [] : byAskpass),
    ...byPinentry(ttyForPinentry, false),
    ...(ttyUsable ? [{ kind: "tty" } as const] : []),
    ...(systemdAsk ? [{ kind: "systemd", program: systemdAsk } as const] : []),
  ];
  if (found.length > 0) return { kind: "ways", ways: found };
  return display || !(askpass || pinentry) ? noProgram() : noDisplay();
}

function noDisplay(): PromptChoice {
  const missing = ["DISPLAY", "WAYLAND_DISPLAY"];
  return {
    kind: "none",
    problem: "no-display",
    reason: `neither ${missing.join(" nor ")} is set, and there is no terminal`,
    hint:
      `for a systemd user service run: systemctl --user import-environment ${missing.join(" ")} XAUTHORITY && ` +
      "systemctl --user restart jpki-agent.service",
    missing,
  };
}

function noProgram(): PromptChoice {
  return none(
    "no-program",
    "no pinentry, no askpass program and no terminal",
    "install a pinentry (Debian: apt install pinentry-gnome3), or set SSH_ASKPASS to an askpass program",
  );
}

function hasDisplay(env: PromptEnvironment): boolean {
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

/** Its windows need neither X nor Wayland. */
function isForMac(pinentry: string | undefined): boolean {
  return pinentry !== undefined && /(?:^|\/)pinentry-mac$/.test(pinentry);
}

function ways(...found: readonly PromptWay[]): PromptChoice {
  return { kind: "ways", ways: found };
}

function none(problem: PromptProblem, reason: string, hint: string): PromptChoice {
  return { kind: "none", problem, reason, hint };
}
