/** Japanese for `env` and `service`. */

import type { SetUpTexts } from "./set-up-texts.ts";

export const japaneseSetUp: SetUpTexts = {
  noKey: "カードの鍵がまだ登録されていません。カードをリーダーに置いて jpki-agent export-key を実行してください",
  nothing: "取り除くものはありませんでした",
  change: {
    written: (path) => `書き込みました: ${path}`,
    unchanged: (path) => `変更不要です: ${path}`,
    removed: (path) => `取り除きました: ${path}`,
    kept: (path) => `別の設定があるため変更しませんでした: ${path}`,
  },
  installed: (socket) => `サービスを設定しました。${socket} が最初に使われたときに起動します`,
  startedAtLogin: (socket) => `サービスを設定し、起動しました（ソケット: ${socket}）`,
  uninstalled: "サービスの設定を取り除きました",
  byHand: (program, commands) =>
    `${program} に接続できませんでした。次のコマンドを実行してください:\n${lines(commands)}`,
  status: ({ files, active, running, status }) =>
    [
      `設定ファイル: ${{ current: "設定済み", different: "別のバージョンのもの（jpki-agent service install で更新できます）", absent: "未設定" }[files]}`,
      `ソケット:     ${active ? "待ち受け中" : "待ち受けていません"}`,
      `エージェント: ${running ? `動作中${status === "" ? "" : `（${status}）`}` : "停止中"}`,
      "",
    ].join("\n"),
};

function lines(commands: readonly string[]): string {
  return commands.map((command) => `  ${command}`).join("\n");
}
