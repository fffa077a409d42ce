/** What a prompt says, in English. */

import { assertNever } from "../errors.ts";
import type { SignPurpose } from "../keys.ts";
import { printable } from "../printable.ts";
import type { CodePart } from "./card-code.ts";
import type { PinName } from "./pin.ts";
import type { Hop, PinRequest, PromptTexts, UseRequest } from "./prompt.ts";

const PIN_WORDS: Readonly<Record<PinName, string>> = {
  auth: "PIN of the user authentication certificate (4 digits)",
  sign: "password of the digital signature certificate (6 to 16 of A-Z and 0-9)",
  text: "PIN of the text information application (4 digits)",
  "code-a": "照合番号A, which is your individual number (12 digits)",
  "code-b": "照合番号B (14 digits, of what is printed on the card)",
};

interface PartWords {
  readonly label: string;
  readonly words: string;
  readonly help: readonly string[];
}

const PARTS: Readonly<Record<CodePart, PartWords>> = {
  "birth-date": {
    label: "Birth date",
    words: "birth date as printed on the card (part 1 of 3 of 照合番号B)",
    help: [
      "Six digits, year month day. The year has two digits, that of the era on the",
      "card: 昭和60年4月1日 is 600401, 平成元年1月8日 (1989-01-08) is 010108. Also",
      "S60.4.1 or 昭和60年4月1日. Or all 14 digits of 照合番号B at once.",
    ],
  },
  "expiry-year": {
    label: "Year",
    words: "year until which the card is valid (part 2 of 3 of 照合番号B)",
    help: ["Four digits, as printed on the card; not that of the certificates."],
  },
  "security-code": {
    label: "Security code",
    words: "security code (part 3 of 3 of 照合番号B)",
    help: ["Four digits, on the card's front."],
  },
};

export const englishPrompts: PromptTexts = {
  title: "jpki-agent",
  buttons: { ok: "OK", cancel: "Cancel", yes: "Yes", no: "No" },
  pin: (request) => ({
    warning: [...previousLines(request), ...(request.triesLeft === 1 ? [LAST_TRY] : [])].join("\n"),
    text: [
      `My Number card: ${roleWords(request.role)}${partOf(request)?.words ?? PIN_WORDS[request.pin]}`,
      ...(partOf(request)?.help ?? []),
      ...requestLines(request),
      ...(isNew(request)
        ? newLines(request)
        : [`Tries left: ${request.triesLeft ?? "unknown (the card does not tell)"}`]),
    ].join("\n"),
  }),
  pinLabel: (request) => {
    if (request.pin === "code-a") return "Individual number";
    if (request.pin === "code-b") return partOf(request)?.label ?? "照合番号B";
    return `${roleWords(request.role)}${request.pin === "sign" ? "password" : "PIN"}`.replace(/^p/, "P");
  },
  confirm: (question) => {
    switch (question.kind) {
      case "last-try": {
        const { request } = question;
        const lines = [`My Number card: ${PIN_WORDS[request.pin]}`, ...requestLines(request), "Use the last try?"];
        return { warning: LAST_TRY, text: lines.join("\n") };
      }
      case "forwarded":
        return {
          warning: "A REQUEST THROUGH A FORWARDED AGENT",
          text: [pathLine(question.hops), ...useLines(question), "Let this connection use your My Number card?"].join(
            "\n",
          ),
        };
      case "use":
        return { warning: "", text: [...useLines(question), "Use your My Number card for this?"].join("\n") };
      default:
        return assertNever(question);
    }
  },
  placeCard: (request) => ({
    warning: request.otherCard ? "Another card is on the reader. No PIN is sent to it." : "",
    text: ["Place your My Number card on a reader.", ...useLines(request)].join("\n"),
  }),
};

/** In lines that fit a terminal: pinentry-curses cuts what stands out at its window's edge (observed with 1.2.1). */
const LAST_TRY =
  "WARNING: ONE TRY LEFT. If it is wrong, the card locks this PIN,\n" +
  "and only the counter of your municipal office can set it again.";

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
      return "Present ";
    case "new":
      return "New ";
    case "repeat":
      return "Once more: new ";
    default:
      return assertNever(role);
  }
}

/** The tries left are those of the old one. */
function isNew({ role }: PinRequest): boolean {
  return role === "new" || role === "repeat";
}

function newLines({ pin }: PinRequest): string[] {
  return pin === "sign" ? ["Letters and digits mixed; lower case is taken as upper case."] : [];
}

function previousLines(request: PinRequest): string[] {
  switch (request.previous) {
    case undefined:
      return [];
    case "wrong":
      return [isCode(request) ? "The numbers were wrong." : "The PIN was wrong."];
    case "malformed":
      return ["This cannot be the PIN; it was not sent to the card, so no try was used."];
    default:
      return assertNever(request.previous);
  }
}

/** The way a request came, nearest server first. */
function pathLine(hops: readonly Hop[]): string {
  return `By way of: ${hops.map(({ names, fingerprint }) => printable(names.join(", ") || fingerprint)).join(" -> ")}`;
}

function useLines({ card, purpose, program }: Pick<UseRequest, "card" | "purpose" | "program">): string[] {
  return [
    `Card: ${printable(card)}`,
    `For: ${purposeWords(purpose)}`,
    ...(program === undefined ? [] : [`Program: ${printable(program)}`]),
  ];
}

function requestLines(request: PinRequest): string[] {
  return [
    ...(request.card === "" ? [] : [`Card: ${printable(request.card)}`]),
    `Reader: ${printable(request.reader)}`,
    `For: ${purposeWords(request.purpose)}`,
    ...(request.program === undefined ? [] : [`Program: ${printable(request.program)}`]),
  ];
}

function purposeWords(purpose: SignPurpose): string {
  switch (purpose.kind) {
    case "ssh-login": {
      const user = printable(purpose.user);
      const host = purpose.hosts.length > 0 ? printable(purpose.hosts.join(", ")) : purpose.hostKeyFingerprint;
      const login = host === undefined ? `SSH login as ${user}` : `SSH login as ${user}@${host}`;
      return purpose.forwarded ? `${login}, asked for through a forwarded agent` : login;
    }
    case "sshsig":
      return purpose.namespace === "git"
        ? "signature of a git commit or tag"
        : `SSH signature (${printable(purpose.namespace)})`;
    case "any-data":
      return `signature of other data: ${printable(purpose.description)}`;
    case "pkcs11-login": {
      const limit = `up to ${purpose.maxSignatures} signatures within ${minutes(purpose.seconds)} min`;
      return purpose.key === "auth"
        ? `PKCS#11 login (TLS and the like): the program may have anything signed, ${limit}`
        : `PKCS#11 login with the DIGITAL SIGNATURE key: shows the program your name, address, date of birth and sex; ${limit}, each asked for`;
    }
    case "pkcs11-sign":
      return `${purpose.key === "auth" ? "signature" : "DIGITAL SIGNATURE"} for a program (PKCS#11, ${printable(purpose.mechanism)})`;
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
