/** Every sentence this program says to a person. Both languages implement it, so a missing twin is a type error. */

import type { PinState, ProbeStep } from "../../agent/main.ts";
import type { CardStatus, Pkcs11Login, ReaderStatus, TriesLeft } from "../../lib/agent-status.ts";
import type { BeliefId, Observation } from "../../lib/card/probe-notes.ts";
import type { Sex } from "../../lib/card/tagged-file.ts";
import type { JpkiError } from "../../lib/errors.ts";
import type { ChosenPinName } from "../../lib/pin/pin.ts";
import type { PromptTexts } from "../../lib/pin/prompt.ts";
import type { NoticeText, SignatureEntry } from "../../lib/signature-entry.ts";
import type { Check } from "../../lib/x509/checks.ts";
import type { BirthDate, Holder } from "../../lib/x509/holder.ts";
import type { ValidityState } from "../../lib/x509/validity.ts";
import type { FindingTexts, Level } from "../doctor/finding.ts";
import type { Pkcs11Program } from "../set-up/pkcs11-plan.ts";
import type { ServiceState } from "../set-up/service.ts";
import type { FileChange } from "../set-up/write.ts";
import type { DocumentTexts } from "./document-texts.ts";

export type CommandName =
  | "agent"
  | "export-key"
  | "pin"
  | "pin status"
  | "pin change"
  | "pin save"
  | "pin forget"
  | "cert"
  | "verify-cert"
  | "card"
  | "card attributes"
  | "card number"
  | "card face"
  | "card photo"
  | "sign"
  | "verify"
  | "status"
  | "release"
  | "doctor"
  | "env"
  | "service"
  | "service install"
  | "service uninstall"
  | "service status"
  | "pkcs11"
  | "pkcs11 env"
  | "pkcs11 server-config"
  | "log"
  | "completion"
  | "demo";

export type OptionName =
  | "reader"
  | "card"
  | "pcsc-binding"
  | "config"
  | "json"
  | "verbose"
  | "version"
  | "help"
  | "socket"
  | "background"
  | "csh"
  | "sh"
  | "kill"
  | "pin-prompt"
  | "pinentry"
  | "pin-cache"
  | "pin-cache-ttl"
  | "card-hold"
  | "wait-card"
  | "allow-sha1"
  | "allow-any-data"
  | "confirm"
  | "allow-forwarded"
  | "require-binding"
  | "certificate"
  | "upstream"
  | "pkcs11-socket"
  | "pkcs11-signature-key"
  | "pkcs11-login-ttl"
  | "pkcs11-login-signatures"
  | "pkcs11-pss"
  | "notify"
  | "server"
  | "show-prompt"
  | "report"
  | "n"
  | "force"
  | "shell"
  | "host"
  | "write"
  | "remove"
  | "pkcs11-socket-env"
  | "write-module"
  | "remove-module"
  | "server-cert"
  | "format"
  | "cert-format"
  | "output"
  | "attributes-with"
  | "face-with"
  | "i-may"
  | "i-may-image"
  | "item"
  | "face-output"
  | "photo-output"
  | "png"
  | "cert"
  | "key"
  | "verify-key"
  | "signature-format"
  | "attached"
  | "signature-output"
  | "signer-cert"
  | "content-output"
  | "ca"
  | "crl"
  | "ocsp"
  | "stapled"
  | "comment"
  | "options";

export interface HelpTexts {
  /** What the program is, one sentence. */
  readonly program: string;
  /** What stands before the list of commands and so on. */
  readonly titles: {
    readonly usage: string;
    readonly arguments: string;
    readonly options: string;
    readonly globalOptions: string;
    readonly commands: string;
  };
  readonly commands: Readonly<Record<CommandName, string>>;
  readonly options: Readonly<Record<OptionName, string>>;
  /** The command that `agent` runs. */
  readonly command: string;
  /** Which PIN `pin change` changes. */
  readonly pinName: string;
  /** The shell that `completion` writes for. */
  readonly shellName: string;
  /** Which certificate `cert` shows. */
  readonly certificateName: string;
  /** Which kind of certificate `verify-cert` looks at. */
  readonly certificatePurpose: string;
  /** For which server `pkcs11 server-config` is. */
  readonly server: string;
  /** The file that `sign` signs. */
  readonly documentToSign: string;
  /** The file that `verify` looks at. */
  readonly signedDocument: string;
  /** The signature that `verify` looks at. */
  readonly signature: string;
}

/** An error in words. */
export interface ErrorText {
  readonly message: string;
  /** The next step. */
  readonly hint?: string | undefined;
}

export interface AgentTexts {
  /** The socket is served from now on, and the one for PKCS#11 if there is one. */
  serving(path: string, pkcs11Path: string | undefined): string;
  /** For `systemctl status`, one line each. */
  serviceReady(path: string): string;
  readonly serviceStopping: string;
  /** `-k` has ended it. */
  killed(pid: number): string;
  /** Said at the start when `--allow-any-data` is on. */
  readonly anyDataWarning: string;
}

export interface PinTexts {
  /** `card` is empty for a phone. */
  card(card: string, reader: string): string;
  /** One line. */
  state(pin: PinState): string;
  changed(pin: ChosenPinName): string;
  saved(card: string): string;
  /** So many agents have forgotten. */
  forgotten(agents: number): string;
  /** So many were erased from the keychain. */
  erased(count: number): string;
  /** The PIN is changed, but the keychain's copy of the old one may still be there. */
  notErased(reason: string): string;
}

export interface DemoTexts {
  readonly intro: string;
  cardReady(comment: string): string;
  agentReady(socket: string): string;
  /** `key` is the line of authorized_keys. */
  keyExported(key: string): string;
  serverReady(host: string, port: number): string;
  /** What the server says to who logged in; one line. */
  greeting(user: string): string;
  /** Before the login: what runs. */
  loggingIn(command: string): string;
  pinEntered(pin: string, triesLeft: number | undefined): string;
  /** What the server said to the user who logged in. */
  loggedIn(greeting: string): string;
  readonly end: string;
  /** The login failed; `reason` is what the client said. */
  failed(reason: string): string;
}

/** `cert` and `verify-cert`. */
export interface CertificateTexts {
  /** Before the signature certificate is read to be shown: what is in it. */
  readonly disclosure: string;
  /** Before it is read to be verified. */
  readonly disclosureToVerify: string;
  /** Before revocation is looked up. */
  readonly revocationLaw: string;
  readonly labels: Readonly<Record<CertificateLabel, string>>;
  /** After the last day. */
  validity(state: ValidityState): string;
  /** Of a CA: the generation of the pinned one; undefined if it is none. */
  pinned(generation: number | undefined): string;
  readonly sexes: Readonly<Record<NonNullable<Holder["sex"]>, string>>;
  birthDate(date: BirthDate): string;
  /** One line. */
  check(check: Check): string;
  readonly verdicts: Readonly<Record<"valid" | "valid-so-far" | "not-valid", string>>;
}

/** `card`. */
export interface CardTexts {
  readonly labels: Readonly<Record<CardLabel, string>>;
  readonly sexes: Readonly<Record<Sex, string>>;
  /** A day; `era` as it is told, or as the calendar has it. */
  date(date: BirthDate): string;
  /** Of an image that is not written anywhere. */
  image(bytes: number): string;
  /** Before the individual number is read. */
  readonly numberLaw: string;
  /** While the card's face is read; for one line with the share that is done. */
  readonly reading: string;
}

export type CardLabel = "name" | "address" | "birthDate" | "sex" | "expires" | "securityCode" | "number" | "photo";
export type CertificateLabel =
  | "subject"
  | "issuer"
  | "serial"
  | "notBefore"
  | "notAfter"
  | "key"
  | "keyUsage"
  | "extendedKeyUsage"
  | "policies"
  | "pinned"
  | "name"
  | "nameSubstitutes"
  | "birthDate"
  | "sex"
  | "address"
  | "addressSubstitutes";

/** The record of signatures; everything in an entry comes from outside. */
export interface SignatureTexts {
  /** There is no entry. */
  readonly none: string;
  /** One line, without the time. */
  entry(entry: SignatureEntry): string;
  notice(entry: SignatureEntry): NoticeText;
}

/** What `status` and `release` say; one line each. */
export interface StatusTexts {
  agentRunning(pid: number, version: string, uptimeSeconds: number): string;
  readonly agentLocked: string;
  readonly agentAbsent: string;
  readonly agentSilent: string;
  socket(path: string): string;
  /** `binding` undefined: the virtual card. */
  pcsc(binding: string | undefined): string;
  readonly pcscFault: string;
  readonly noReader: string;
  reader(name: string, state: ReaderStatus["state"]): string;
  readonly noCard: string;
  card(state: CardStatus["state"], name: string | undefined, reader: string | undefined): string;
  key(fingerprint: string): string;
  triesLeft(tries: TriesLeft): string;
  /** `date` is its last day. */
  certificate(state: ValidityState, date: string): string;
  pinRemembered(remembered: boolean): string;
  pkcs11Socket(path: string): string;
  /** `program` is undefined where it could not be told. */
  pkcs11Login(login: Pkcs11Login): string;
  /** `entry` is the line of `log`. */
  lastRefusal(time: string, entry: string): string;
  readonly released: string;
  readonly nothingToRelease: string;
}

/** `env` and `service`. */
export interface SetUpTexts {
  /** No card has been seen yet, so there is no key to name. */
  readonly noKey: string;
  /** There was nothing to take out. */
  readonly nothing: string;
  /** What became of a file; one line each. */
  readonly change: Readonly<Record<FileChange["result"], (path: string) => string>>;
  /** The service starts when its socket is used. */
  installed(socket: string): string;
  /** The service has been started. */
  startedAtLogin(socket: string): string;
  readonly uninstalled: string;
  /** `program` could not be reached: the commands that are still to be run. */
  byHand(program: string, commands: readonly string[]): string;
  /** Whole lines. */
  status(state: ServiceState): string;
}

/** `pkcs11 env` and `pkcs11 server-config`. */
export interface Pkcs11Texts {
  /** p11-kit-client.so is not installed: what to install. */
  readonly noModule: string;
  /** Before the settings of each program; several lines. */
  readonly programs: Readonly<Record<Pkcs11Program | "module" | "p11Kit", string>>;
  readonly servers: ServerTexts;
}

/** Comments in a server's configuration; several lines each. */
export interface ServerTexts {
  /** Before the line that names the one certificate. */
  readonly oneLineEach: string;
  readonly nginx: TlsServerTexts;
  readonly apache: TlsServerTexts;
  readonly sshd: { readonly intro: string };
}

export interface TlsServerTexts {
  /** Where the lines belong, and who is let in. */
  readonly intro: string;
  /** Which versions of TLS. */
  readonly protocols: string;
}

export interface ReportTexts {
  readonly intro: string;
  readonly reader: string;
  readonly times: string;
  /** Of one width. */
  readonly verdicts: Readonly<Record<Observation["verdict"], string>>;
  /** What the holder is asked to agree to; after "doctor --report: ", 100 characters together. */
  readonly steps: Readonly<Record<ProbeStep, string>>;
  readonly beliefs: Readonly<Record<BeliefId, string>>;
}

export interface DoctorTexts {
  /** Before each finding, of one width. */
  readonly levels: Readonly<Record<Level, string>>;
  /** Of the lines under a finding: as wide as a level and two spaces. */
  readonly indent: string;
  readonly findings: FindingTexts;
  /** The last line. */
  summary(failed: number, warned: number): string;
}

export interface Messages {
  readonly language: "en" | "ja";
  /** Before a hint: `hint: `. */
  readonly hintLabel: string;
  readonly help: HelpTexts;
  readonly prompts: PromptTexts;
  readonly agent: AgentTexts;
  readonly signatures: SignatureTexts;
  readonly status: StatusTexts;
  readonly doctor: DoctorTexts;
  readonly report: ReportTexts;
  readonly setUp: SetUpTexts;
  readonly pkcs11: Pkcs11Texts;
  readonly pin: PinTexts;
  readonly certificate: CertificateTexts;
  readonly cardData: CardTexts;
  readonly document: DocumentTexts;
  readonly demo: DemoTexts;
  error(error: JpkiError): ErrorText;
}
