/** Every sentence this program says to a person. Both languages implement it, so a missing twin is a type error. */

import type { JpkiError } from "../../lib/errors.ts";
import type { PromptTexts } from "../../lib/pin/prompt.ts";
import type { AgentTexts, SignatureTexts, StatusTexts } from "./agent-texts.ts";
import type { CardTexts, PinTexts } from "./card-texts.ts";
import type { CertificateTexts } from "./certificate-texts.ts";
import type { DemoTexts } from "./demo-texts.ts";
import type { DoctorTexts, ReportTexts } from "./doctor-texts.ts";
import type { DocumentTexts } from "./document-texts.ts";
import type { HelpTexts } from "./help-texts.ts";
import type { Pkcs11Texts, SetUpTexts } from "./set-up-texts.ts";

/** An error in words. */
export interface ErrorText {
  readonly message: string;
  /** The next step. */
  readonly hint?: string | undefined;
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
