import { describe, expect, test } from "vitest";
import {
  type PromptChoice,
  type PromptEnvironment,
  type PromptMode,
  type PromptSurroundings,
  selectPrompt,
} from "../../../lib/pin/select-prompt.ts";

const X = { DISPLAY: ":0" };
const WAYLAND = { WAYLAND_DISPLAY: "wayland-0" };
const A = { SSH_ASKPASS: "/a" };
const require = (value: string) => ({ SSH_ASKPASS_REQUIRE: value });

const NOTHING: PromptSurroundings = {
  env: {},
  pinentry: undefined,
  defaultAskpass: undefined,
  systemdAsk: undefined,
  ttyForPinentry: false,
  ttyUsable: false,
};
const TTY = { ttyForPinentry: true, ttyUsable: true };
const PINENTRY = { pinentry: "/p" };

/** The ways in short: `window` and `curses` by pinentry, the path of askpass, `tty`, `systemd`; `none`. */
function choose(mode: PromptMode, env: PromptEnvironment, rest: Partial<PromptSurroundings> = {}): string {
  return inShort(selectPrompt(mode, { ...NOTHING, env, ...rest }));
}

function inShort(choice: PromptChoice): string {
  if (choice.kind === "none") return "none";
  return choice.ways
    .map((way) => {
      if (way.kind === "pinentry") return way.windowOnly ? "window" : "curses";
      return way.kind === "askpass" ? way.program : way.kind;
    })
    .join(" ");
}

describe("selectPrompt", () => {
  const table: readonly (readonly [PromptMode, PromptEnvironment, string, string])[] = [
    // mode, environment, with a terminal, without
    ["auto", {}, "tty", "none"],
    ["auto", X, "tty", "none"],
    ["auto", A, "tty", "none"],
    ["auto", { ...A, ...X }, "/a tty", "/a"],
    ["auto", { ...A, ...WAYLAND }, "/a tty", "/a"],
    ["auto", { ...A, DISPLAY: "", WAYLAND_DISPLAY: "" }, "tty", "none"],
    ["auto", { ...X, SSH_ASKPASS: "" }, "tty", "none"],
    ["auto", { ...A, ...X, ...require("prefer") }, "/a tty", "/a"],
    ["auto", { ...A, ...require("prefer") }, "tty", "none"],
    ["auto", { ...A, ...X, ...require("never") }, "tty", "none"],
    ["auto", { ...A, ...X, ...require("NEVER") }, "tty", "none"],
    ["auto", { ...A, ...require("force") }, "/a", "/a"],
    ["auto", { ...A, ...require("Force") }, "/a", "/a"],
    ["auto", { ...X, ...require("force") }, "none", "none"],
    ["auto", { ...A, ...X, ...require("maybe") }, "/a tty", "/a"],
    ["auto", { ...A, ...require("") }, "tty", "none"],
    ["askpass", A, "/a", "/a"],
    ["askpass", X, "none", "none"],
    ["askpass", { ...A, ...X, ...require("never") }, "none", "none"],
    ["askpass", { ...A, ...require("force") }, "/a", "/a"],
    ["tty", { ...A, ...X }, "tty", "none"],
    ["tty", { ...A, ...X, ...require("never") }, "tty", "none"],
    ["tty", { ...A, ...X, ...require("prefer") }, "tty", "none"],
    ["tty", { ...A, ...require("force") }, "/a", "/a"],
    ["tty", require("force"), "none", "none"],
    ["pinentry", { ...A, ...X }, "none", "none"],
    ["none", { ...A, ...X }, "none", "none"],
    ["none", { ...A, ...X, ...require("force") }, "none", "none"],
  ];

  test.each(table)("%s with %j and no pinentry: %s on a terminal, %s without", (mode, env, withTty, withoutTty) => {
    expect(choose(mode, env, TTY)).toBe(withTty);
    expect(choose(mode, env)).toBe(withoutTty);
  });

  const withPinentry: readonly (readonly [PromptMode, PromptEnvironment, string, string])[] = [
    ["auto", {}, "curses tty", "none"],
    ["auto", X, "window curses tty", "window"],
    ["auto", { ...A, ...X }, "window /a curses tty", "window /a"],
    ["auto", { ...A, ...WAYLAND }, "window /a curses tty", "window /a"],
    ["auto", { ...A, ...X, ...require("prefer") }, "/a window curses tty", "/a window"],
    ["auto", { ...A, ...X, ...require("never") }, "window curses tty", "window"],
    ["auto", { ...A, ...X, ...require("force") }, "/a", "/a"],
    ["pinentry", {}, "curses", "curses"],
    ["pinentry", { ...A, ...X, ...require("never") }, "curses", "curses"],
    ["pinentry", { ...A, ...X, ...require("force") }, "/a", "/a"],
    ["askpass", { ...A, ...X }, "/a", "/a"],
    ["tty", { ...A, ...X }, "tty", "none"],
    ["none", { ...A, ...X }, "none", "none"],
  ];

  test.each(withPinentry)("%s with %j and pinentry: %s on a terminal, %s without", (mode, env, withTty, withoutTty) => {
    expect(choose(mode, env, { ...PINENTRY, ...TTY })).toBe(withTty);
    expect(choose(mode, env, PINENTRY)).toBe(withoutTty);
  });

  test("GPG_TTY lets pinentry draw on a terminal that we cannot read", () => {
    expect(choose("auto", {}, { ...PINENTRY, ttyForPinentry: true })).toBe("curses");
  });

  test("pinentry-mac has its window without DISPLAY", () => {
    expect(choose("auto", {}, { pinentry: "/opt/homebrew/bin/pinentry-mac" })).toBe("window");
    expect(choose("auto", {}, { pinentry: "pinentry-mac" })).toBe("window");
    expect(choose("auto", {}, { pinentry: "/usr/bin/pinentry-macabre" })).toBe("none");
  });

  test("systemd is the last way, and only of auto", () => {
    const rest = { systemdAsk: "/s" };
    expect(choose("auto", {}, rest)).toBe("systemd");
    expect(choose("auto", { ...A, ...X }, { ...rest, ...PINENTRY, ...TTY })).toBe("window /a curses tty systemd");
    for (const mode of ["pinentry", "askpass", "tty", "none"] as const) expect(choose(mode, {}, rest)).toBe("none");
  });

  test("the system's own askpass program is used where SSH_ASKPASS is not set, by the same rules", () => {
    const rest = { defaultAskpass: "/d", ...TTY };
    expect(choose("auto", X, rest)).toBe("/d tty");
    expect(choose("auto", { ...X, SSH_ASKPASS: "" }, rest)).toBe("/d tty");
    expect(choose("auto", { ...X, ...A }, rest)).toBe("/a tty");
    expect(choose("auto", {}, rest)).toBe("tty");
    expect(choose("askpass", {}, rest)).toBe("/d");
    expect(choose("tty", require("force"), rest)).toBe("/d");
    expect(choose("auto", { ...X, ...require("never") }, rest)).toBe("tty");
  });

  test("no way to ask: the reason and the mend are told apart", () => {
    const choices = [
      ...[{}, A, require("force")].map((env) => selectPrompt("auto", { ...NOTHING, env })),
      ...(["pinentry", "askpass", "tty", "none"] as const).map((mode) => selectPrompt(mode, NOTHING)),
      selectPrompt("askpass", { ...NOTHING, env: { ...A, ...require("never") } }),
    ];
    for (const part of ["reason", "problem"] as const) {
      const told = choices.map((choice) => (choice.kind === "none" ? choice[part] : choice.kind));
      expect(new Set(told).size).toBe(choices.length);
    }
    for (const choice of choices) expect(choice).toMatchObject({ kind: "none", hint: expect.stringMatching(/./) });
  });

  test("a service without a display: which variables are missing, and the command that imports them", () => {
    expect(selectPrompt("auto", { ...NOTHING, ...PINENTRY })).toMatchObject({
      missing: ["DISPLAY", "WAYLAND_DISPLAY"],
      hint: expect.stringContaining("systemctl --user import-environment DISPLAY WAYLAND_DISPLAY"),
    });
    expect(selectPrompt("auto", NOTHING)).not.toHaveProperty("missing");
  });
});
