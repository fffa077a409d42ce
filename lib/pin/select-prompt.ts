/**
 * Which way a person is asked. Pure: what the machine has is given in.
 *
 * SSH_ASKPASS_REQUIRE is read as ssh(1) says: `force` uses askpass whatever else there is, `never` never does, `prefer`
 * is what `auto` does anyway, other values count as not set.
 */

import { assertNever, PinError } from "../errors.ts";
import type { Prompt } from "./prompt.ts";

/** `--pin-prompt`. */
export type PromptMode = "auto" | "askpass" | "tty" | "none";

/** What is read of the environment; an empty value counts as not set. */
export interface PromptEnvironment {
  readonly SSH_ASKPASS?: string | undefined;
  readonly SSH_ASKPASS_REQUIRE?: string | undefined;
  readonly DISPLAY?: string | undefined;
  readonly WAYLAND_DISPLAY?: string | undefined;
}

export interface PromptSurroundings {
  readonly env: PromptEnvironment;
  /** The system's own askpass program, where there is one: {@link DEFAULT_ASKPASS}. */
  readonly defaultAskpass: string | undefined;
  /** Whether the terminal can be asked on now. */
  readonly ttyUsable: boolean;
}

export type PromptChoice =
  | { readonly kind: "askpass"; readonly program: string }
  | { readonly kind: "tty" }
  | { readonly kind: "none"; readonly reason: string; readonly hint: string };

/** Where OpenSSH's packages put it when SSH_ASKPASS is not set. */
export const DEFAULT_ASKPASS = "/usr/bin/ssh-askpass";

const SET_ASKPASS = "set SSH_ASKPASS to an askpass program, or ask on the terminal with --pin-prompt tty";

/** The way to ask; `none` with its reason and the person's next step where there is none. */
export function selectPrompt(mode: PromptMode, surroundings: PromptSurroundings): PromptChoice {
  const { env, ttyUsable } = surroundings;
  const require = env.SSH_ASKPASS_REQUIRE?.toLowerCase();
  const program = env.SSH_ASKPASS || surroundings.defaultAskpass;
  if (mode === "none") return none("prompts are turned off", "choose another --pin-prompt");
  if (require === "force")
    return program ? { kind: "askpass", program } : none("SSH_ASKPASS_REQUIRE=force without SSH_ASKPASS", SET_ASKPASS);
  switch (mode) {
    case "tty":
      return ttyUsable ? { kind: "tty" } : noTerminal();
    case "askpass":
      if (require === "never") return none("SSH_ASKPASS_REQUIRE=never", "unset SSH_ASKPASS_REQUIRE");
      return program ? { kind: "askpass", program } : none("no askpass program", SET_ASKPASS);
    case "auto":
      if (require !== "never" && program && hasDisplay(env)) return { kind: "askpass", program };
      return ttyUsable ? { kind: "tty" } : noneFound(require === "never", program, env);
    default:
      return assertNever(mode);
  }
}

/** A {@link Prompt} for the choice `none`: every question fails at once with `PIN_NO_PROMPT`, the reason and the hint. */
export function createNoPrompt({ reason, hint }: { readonly reason: string; readonly hint: string }): Prompt {
  const refuse = async (_: unknown, signal: AbortSignal) => {
    signal.throwIfAborted();
    throw new PinError("PIN_NO_PROMPT", `ask for the PIN: ${reason}`, { hint });
  };
  return { name: "none", askPin: refuse, confirm: refuse };
}

function noneFound(never: boolean, program: string | undefined, env: PromptEnvironment): PromptChoice {
  if (never) return none("SSH_ASKPASS_REQUIRE=never and no terminal", "unset it, or start this on a terminal");
  if (program && !hasDisplay(env))
    return none(
      "neither DISPLAY nor WAYLAND_DISPLAY is set, and there is no terminal",
      "run: systemctl --user import-environment DISPLAY WAYLAND_DISPLAY (or set SSH_ASKPASS_REQUIRE=force)",
    );
  return none("no askpass program and no terminal", SET_ASKPASS);
}

function noTerminal(): PromptChoice {
  return none("no terminal", "start this in the foreground of a terminal");
}

function hasDisplay(env: PromptEnvironment): boolean {
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

function none(reason: string, hint: string): PromptChoice {
  return { kind: "none", reason, hint };
}
