import { describe, expect, test } from "vitest";
import { configFile, defaultPkcs11Socket, defaultSocket, stateFolder } from "../../lib/paths.ts";

const home = "/home/hanako";

describe("paths", () => {
  test("nothing set: folders below the home folder, the socket in the state folder", () => {
    expect(stateFolder({ env: {}, home })).toBe("/home/hanako/.local/state/jpki-agent");
    expect(configFile({ env: {}, home })).toBe("/home/hanako/.config/jpki-agent/config.toml");
    expect(defaultSocket({ env: {}, home })).toBe("/home/hanako/.local/state/jpki-agent/agent.sock");
  });

  test("all set", () => {
    const env = { XDG_STATE_HOME: "/s/", XDG_CONFIG_HOME: "/c", XDG_RUNTIME_DIR: "/run/user/1000" };
    expect(stateFolder({ env, home })).toBe("/s/jpki-agent");
    expect(configFile({ env, home })).toBe("/c/jpki-agent/config.toml");
    expect(defaultSocket({ env, home })).toBe("/run/user/1000/jpki-agent/agent.sock");
  });

  test.each(["", "relative/folder", "~/state", "./x"])("a value that is not absolute is ignored: %j", (value) => {
    const env = { XDG_STATE_HOME: value, XDG_CONFIG_HOME: value, XDG_RUNTIME_DIR: value };
    expect(stateFolder({ env, home })).toBe(stateFolder({ env: {}, home }));
    expect(configFile({ env, home })).toBe(configFile({ env: {}, home }));
    expect(defaultSocket({ env, home })).toBe(defaultSocket({ env: {}, home }));
  });

  test("the PKCS#11 socket lies where p11-kit's client looks", () => {
    const env = { XDG_RUNTIME_DIR: "/run/user/1000", XDG_CACHE_HOME: "/cache" };
    expect(defaultPkcs11Socket({ env, home })).toBe("/run/user/1000/p11-kit/pkcs11");
    expect(defaultPkcs11Socket({ env: { XDG_CACHE_HOME: "/cache" }, home })).toBe("/cache/p11-kit/pkcs11");
    expect(defaultPkcs11Socket({ env: { XDG_RUNTIME_DIR: "run" }, home })).toBe("/home/hanako/.cache/p11-kit/pkcs11");
  });

  test("the socket follows XDG_STATE_HOME where there is no runtime folder", () => {
    expect(defaultSocket({ env: { XDG_STATE_HOME: "/s" }, home })).toBe("/s/jpki-agent/agent.sock");
  });
});
