/** What a prompt says, in Japanese. */

import { assertNever } from "../errors.ts";
import type { SignPurpose } from "../keys.ts";
import { printable } from "../printable.ts";
import type { CodePart } from "./card-code.ts";
import type { PinName } from "./pin.ts";
import type { Hop, PinRequest, PromptTexts, UseRequest } from "./prompt.ts";

/** The names that the municipal offices' own leaflets use. */
const PIN_WORDS: Readonly<Record<PinName, string>> = {
  auth: "利用者証明用電子証明書の暗証番号（数字4桁）",
  sign: "署名用電子証明書の暗証番号（英大文字と数字、6〜16文字）",
  text: "券面事項入力補助用の暗証番号（数字4桁）",
  "code-a": "照合番号A（個人番号12桁）",
  "code-b": "照合番号B（券面の記載から成る14桁）",
};

interface PartWords {
  readonly label: string;
  readonly words: string;
  readonly help: readonly string[];
}

const PARTS: Readonly<Record<CodePart, PartWords>> = {
  "birth-date": {
    label: "生年月日",
    words: "券面に記載された生年月日（照合番号B 1/3）",
    help: [
      "年月日を6桁の数字で。年は券面の元号の年2桁です。",
      "昭和60年4月1日は 600401、平成元年1月8日（1989年）は 010108。",
      "S60.4.1 や 昭和60年4月1日 とも入力できます。",
      "照合番号B の14桁をまとめて入力してもかまいません。",
    ],
  },
  "expiry-year": {
    label: "有効期限の年",
    words: "カードの有効期限の年（照合番号B 2/3）",
    help: ["券面に記載された西暦4桁。電子証明書の有効期限ではありません。"],
  },
  "security-code": {
    label: "セキュリティコード",
    words: "セキュリティコード（照合番号B 3/3）",
    help: ["カードの表面に記載された数字4桁。"],
  },
};

export const japanesePrompts: PromptTexts = {
  title: "jpki-agent",
  buttons: { ok: "OK", cancel: "キャンセル", yes: "はい", no: "いいえ" },
  pin: (request) => ({
    warning: [...previousLines(request), ...(request.triesLeft === 1 ? [LAST_TRY] : [])].join("\n"),
    text: [
      `マイナンバーカード: ${roleWords(request.role)}${partOf(request)?.words ?? PIN_WORDS[request.pin]}を入力してください`,
      ...(partOf(request)?.help ?? []),
      ...requestLines(request),
      ...(isNew(request) ? newLines(request) : [triesLine(request)]),
    ].join("\n"),
  }),
  pinLabel: (request) => {
    if (request.pin === "code-a") return "個人番号";
    if (request.pin === "code-b") return partOf(request)?.label ?? "照合番号B";
    return `${roleWords(request.role)}暗証番号`;
  },
  confirm: (question) => {
    switch (question.kind) {
      case "last-try": {
        const { request } = question;
        const lines = [
          `マイナンバーカード: ${PIN_WORDS[request.pin]}`,
          ...requestLines(request),
          "最後の1回を使いますか？",
        ];
        return { warning: LAST_TRY, text: lines.join("\n") };
      }
      case "forwarded":
        return {
          warning: "【注意】転送されたエージェント経由の要求です",
          text: [
            pathLine(question.hops),
            ...useLines(question),
            "この接続にマイナンバーカードの鍵の使用を許可しますか？",
          ].join("\n"),
        };
      case "use":
        return { warning: "", text: [...useLines(question), "マイナンバーカードの鍵を使いますか？"].join("\n") };
      default:
        return assertNever(question);
    }
  },
  placeCard: (request) => ({
    warning: request.otherCard ? "別のカードが置かれています（暗証番号は送りません）。" : "",
    text: ["マイナンバーカードをリーダーに置いてください。", ...useLines(request)].join("\n"),
  }),
};

/** In lines that fit a terminal: pinentry-curses cuts what stands out at its window's edge (observed with 1.2.1). */
const LAST_TRY =
  "【警告】残り1回です。間違えると暗証番号がロックされ、\n" +
  "お住まいの市区町村窓口で再設定するまで使えなくなります。";

function triesLine({ triesLeft }: PinRequest): string {
  return triesLeft === undefined ? "残り回数: 不明（カードから取得できません）" : `残り回数: ${triesLeft}回`;
}

/** What is printed on the card, not chosen. */
function isCode({ pin }: PinRequest): boolean {
  return pin === "code-a" || pin === "code-b";
}

function partOf({ part }: PinRequest): PartWords | undefined {
  return part === undefined ? undefined : PARTS[part];
}

function roleWords(role: PinRequest["role"]): string {
  switch (role) {
    case undefined:
      return "";
    case "old":
      return "現在の";
    case "new":
      return "新しい";
    case "repeat":
      return "（確認）もう一度、新しい";
    default:
      return assertNever(role);
  }
}

/** The tries left are those of the old one. */
function isNew({ role }: PinRequest): boolean {
  return role === "new" || role === "repeat";
}

function newLines({ pin }: PinRequest): string[] {
  return pin === "sign" ? ["英字と数字を両方使ってください。小文字は大文字として扱われます。"] : [];
}

function previousLines(request: PinRequest): string[] {
  switch (request.previous) {
    case undefined:
      return [];
    case "wrong":
      return [isCode(request) ? "照合番号が違います。" : "暗証番号が違います。"];
    case "malformed":
      return [
        isCode(request) ? "入力の形式が違います。" : "暗証番号の形式が違います。",
        "カードには送っていないため、残り回数は減っていません。",
      ];
    default:
      return assertNever(request.previous);
  }
}

/** The way a request came, nearest server first. */
function pathLine(hops: readonly Hop[]): string {
  return `経路: ${hops.map(({ names, fingerprint }) => printable(names.join(", ") || fingerprint)).join(" → ")}`;
}

function useLines({ card, purpose, program }: Pick<UseRequest, "card" | "purpose" | "program">): string[] {
  return [
    `カード: ${printable(card)}`,
    `用途: ${purposeWords(purpose)}`,
    ...(program === undefined ? [] : [`要求元のプログラム: ${printable(program)}`]),
  ];
}

function requestLines(request: PinRequest): string[] {
  return [
    ...(request.card === "" ? [] : [`カード: ${printable(request.card)}`]),
    `リーダー: ${printable(request.reader)}`,
    `用途: ${purposeWords(request.purpose)}`,
    ...(request.program === undefined ? [] : [`要求元のプログラム: ${printable(request.program)}`]),
  ];
}

function purposeWords(purpose: SignPurpose): string {
  switch (purpose.kind) {
    case "ssh-login": {
      const user = printable(purpose.user);
      const host = purpose.hosts.length > 0 ? printable(purpose.hosts.join(", ")) : purpose.hostKeyFingerprint;
      const login = host === undefined ? `ユーザー ${user} での SSH ログイン` : `${user}@${host} への SSH ログイン`;
      return purpose.forwarded ? `${login}（転送されたエージェント経由の要求）` : login;
    }
    case "sshsig":
      return purpose.namespace === "git"
        ? "git のコミットまたはタグへの署名"
        : `SSH 署名（${printable(purpose.namespace)}）`;
    case "any-data":
      return `その他のデータへの署名: ${printable(purpose.description)}`;
    case "pkcs11-login": {
      const limit = `${minutes(purpose.seconds)}分以内に最大${purpose.maxSignatures}回`;
      return purpose.key === "auth"
        ? `PKCS#11 でのログイン（TLS など）。このプログラムは、${limit}、どんなデータにも署名できるようになります`
        : `PKCS#11 での【署名用】の鍵の使用。このプログラムに氏名、住所、生年月日、性別が渡ります（署名は${limit}、毎回確認します）`;
    }
    case "pkcs11-sign":
      return `プログラムからの${purpose.key === "auth" ? "署名" : "【署名用】の鍵での署名"}の要求（PKCS#11、${printable(purpose.mechanism)}）`;
    case "command":
      return `jpki-agent ${purpose.command}`;
    default:
      return assertNever(purpose);
  }
}

/** Rounded up, so that no limit reads as none. */
function minutes(seconds: number): number {
  return Math.ceil(seconds / 60);
}
