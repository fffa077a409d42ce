/**
 * Adapter: a notice on the desktop after each signature, by `notify-send` (libnotify). For people who want to see at
 * once that their card was used; nothing waits for it.
 */

import { execFile } from "node:child_process";
import { messageOf } from "./errors.ts";
import type { Logger } from "./log.ts";
import type { NoticeText, SignatureEntry, SignatureRecord } from "./signature-entry.ts";

export interface DesktopNoticeOptions {
  /** For the desktop's address: DBUS_SESSION_BUS_ADDRESS, DISPLAY and so on; and PATH. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly text: (entry: SignatureEntry) => NoticeText;
  readonly log: Logger;
}

const PROGRAM = "notify-send";
const TIMEOUT_MS = 5000;
/** Notices under way at once; more are not shown, the record has them all. */
const MAX_NOTICES = 4;

/** @returns a record that shows what was signed and keeps nothing. */
export function createDesktopNotice({ env, text, log }: DesktopNoticeOptions): SignatureRecord {
  let underWay = 0;
  return {
    add: (entry) => {
      if (entry.result !== "signed" || underWay === MAX_NOTICES) return;
      underWay++;
      const { title, body } = text(entry);
      // The desktop reads the body as markup; `--` ends the options, for a title is not ours to trust either.
      const args = ["--app-name=jpki-agent", "--", title, escapeMarkup(body)];
      execFile(PROGRAM, args, { env, timeout: TIMEOUT_MS, killSignal: "SIGKILL" }, (error) => {
        underWay--;
        if (error !== null) log.debug("no notice could be shown", { program: PROGRAM, error: messageOf(error) });
      });
    },
  };
}

function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
