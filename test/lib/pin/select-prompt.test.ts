import { describe, expect, test } from "vitest";
import {
  createNoPrompt,
  type PromptEnvironment,
  type PromptMode,
  type PromptSurroundings,
  selectPrompt,
} from "../../../lib/pin/select-prompt.ts";

const never = new AbortController().signal;
const purpose = { kind: "ssh-login", user: "git", hosts: [], forwarded: false } as const;
const request = { pin: "auth", card: "C", reader: "R", purpose, triesLeft: 3 } as const;

const X = { DISPLAY: ":0" };
const WAYLAND = { WAYLAND_DISPLAY: "wayland-0" };
const A = { SSH_ASKPASS: "/a" };
const require = (value: string) => ({ SSH_ASKPASS_REQUIRE: value });

function choose(mode: PromptMode, env: PromptEnvironment, rest: Partial<Omit<PromptSurroundings, "env">> = {}): string {
  const choice = selectPrompt(mode, { env, ttyUsable: true, defaultAskpass: undefined, ...rest });
  return choice.kind === "askpass" ? choice.program : choice.kind;
}

describe("selectPrompt", () => {
  const table: readonly (readonly [PromptMode, PromptEnvironment, string, string])[] = [
    // mode, environment, with a terminal, without
    ["auto", {}, "tty", "none"],
    ["auto", X, "tty", "none"],
    ["auto", A, "tty", "none"],
    ["auto", { ...A, ...X }, "/a", "/a"],
    ["auto", { ...A, ...WAYLAND }, "/a", "/a"],
    ["auto", { ...A, DISPLAY: "", WAYLAND_DISPLAY: "" }, "tty", "none"],
    ["auto", { ...X, SSH_ASKPASS: "" }, "tty", "none"],
    ["auto", { ...A, ...X, ...require("prefer") }, "/a", "/a"],
    ["auto", { ...A, ...require("prefer") }, "tty", "none"],
    ["auto", { ...A, ...X, ...require("never") }, "tty", "none"],
    ["auto", { ...A, ...X, ...require("NEVER") }, "tty", "none"],
    ["auto", { ...A, ...require("force") }, "/a", "/a"],
    ["auto", { ...A, ...require("Force") }, "/a", "/a"],
    ["auto", { ...X, ...require("force") }, "none", "none"],
    ["auto", { ...A, ...X, ...require("maybe") }, "/a", "/a"],
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
    ["none", { ...A, ...X }, "none", "none"],
    ["none", { ...A, ...X, ...require("force") }, "none", "none"],
  ];

  test.each(table)("%s with %j: %s on a terminal, %s without", (mode, env, withTty, withoutTty) => {
    expect(choose(mode, env)).toBe(withTty);
    expect(choose(mode, env, { ttyUsable: false })).toBe(withoutTty);
  });

  test("the system's own askpass program is used where SSH_ASKPASS is not set, by the same rules", () => {
    const rest = { defaultAskpass: "/d" };
    expect(choose("auto", X, rest)).toBe("/d");
    expect(choose("auto", { ...X, SSH_ASKPASS: "" }, rest)).toBe("/d");
    expect(choose("auto", { ...X, ...A }, rest)).toBe("/a");
    expect(choose("auto", {}, rest)).toBe("tty");
    expect(choose("askpass", {}, rest)).toBe("/d");
    expect(choose("tty", require("force"), rest)).toBe("/d");
    expect(choose("auto", { ...X, ...require("never") }, rest)).toBe("tty");
  });

  test("no way to ask: the reason and the mend are told apart", () => {
    const env = [{}, A, { ...A, ...X, ...require("never") }, require("force")];
    const choices = [
      ...env.map((each) => selectPrompt("auto", { env: each, ttyUsable: false, defaultAskpass: undefined })),
      selectPrompt("tty", { env: {}, ttyUsable: false, defaultAskpass: undefined }),
      selectPrompt("none", { env: {}, ttyUsable: false, defaultAskpass: undefined }),
      selectPrompt("askpass", { env: { ...A, ...require("never") }, ttyUsable: false, defaultAskpass: undefined }),
    ];
    const reasons = choices.map((choice) => (choice.kind === "none" ? choice.reason : choice.kind));
    expect(new Set(reasons).size).toBe(choices.length);
    for (const choice of choices) expect(choice).toMatchObject({ kind: "none", hint: expect.stringMatching(/./) });
  });
});

describe("createNoPrompt", () => {
  const prompt = createNoPrompt({ reason: "no display", hint: "import it" });

  test("every question fails with the reason and the hint", async () => {
    const expected = { code: "PIN_NO_PROMPT", hint: "import it", message: expect.stringContaining("no display") };
    await expect(prompt.askPin(request, never)).rejects.toMatchObject(expected);
    await expect(prompt.confirm({ kind: "last-try", request }, never)).rejects.toMatchObject(expected);
    expect(prompt.name).toBe("none");
  });

  test("a client that hung up before gets its own reason", async () => {
    const reason = new Error("hung up");
    await expect(prompt.askPin(request, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
