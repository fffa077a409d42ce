import { describe, expect, it } from "vitest";
import { takeServiceVariables } from "../../cli/service-variables.ts";

const PID = 4711;

describe("LISTEN_FDS", () => {
  it.each([
    ["counts for the process it was set for", { LISTEN_PID: "4711", LISTEN_FDS: "1" }, 1],
    ["is passed on as it is, for others to judge", { LISTEN_PID: "4711", LISTEN_FDS: "2" }, 2],
    ["does not count for a child of that process", { LISTEN_PID: "4710", LISTEN_FDS: "1" }, undefined],
    ["does not count without LISTEN_PID", { LISTEN_FDS: "1" }, undefined],
    ["of 0 is none", { LISTEN_PID: "4711", LISTEN_FDS: "0" }, undefined],
    ["that is no number is none", { LISTEN_PID: "4711", LISTEN_FDS: "1x" }, undefined],
    ["is not there", {}, undefined],
  ])("%s", (_what, variables, listenFds) => {
    expect(takeServiceVariables({ ...variables }, PID)).toEqual({ listenFds, notifySocket: undefined });
  });
});

it("nothing is left for the programs that we start", () => {
  const env = {
    ...{ LISTEN_PID: "1", LISTEN_FDS: "1", LISTEN_FDNAMES: "x", LISTEN_PIDFDID: "1", NOTIFY_SOCKET: "@/x", HOME: "/h" },
  };
  expect(takeServiceVariables(env, PID).notifySocket).toBe("@/x");
  expect(env).toEqual({ HOME: "/h" });
});
