/** English for `env` and `service`. */

import type { SetUpTexts } from "./set-up-texts.ts";

export const englishSetUp: SetUpTexts = {
  noKey: "no card's key is known yet; put the card on the reader and run: jpki-agent export-key",
  nothing: "there was nothing to take out",
  change: {
    written: (path) => `written: ${path}`,
    unchanged: (path) => `as it should be: ${path}`,
    removed: (path) => `taken out: ${path}`,
    kept: (path) => `left alone, for it has other values of yours: ${path}`,
  },
  installed: (socket) => `the service is installed; the first use of ${socket} starts it`,
  startedAtLogin: (socket) => `the service is installed and runs; its socket: ${socket}`,
  uninstalled: "the service is not installed any more",
  byHand: (program, commands) => `${program} could not be reached; what is still to be run:\n${lines(commands)}`,
  status: ({ files, active, running, status }) =>
    [
      `files:   ${{ current: "installed", different: "of another version; run: jpki-agent service install", absent: "not installed" }[files]}`,
      `socket:  ${active ? "listening" : "not listening"}`,
      `agent:   ${running ? `running${status === "" ? "" : ` (${status})`}` : "not running"}`,
      "",
    ].join("\n"),
};

function lines(commands: readonly string[]): string {
  return commands.map((command) => `  ${command}`).join("\n");
}
