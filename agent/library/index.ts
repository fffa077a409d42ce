/**
 * The package's entry for programs: `import { openJpki } from "jpki-agent"`. What is exported here and in ssh2.ts is the
 * public interface; docs/library.md tells how to use it. Importing it runs nothing.
 */

export type { CardStatus, DeviceStatus, Fault, ReaderStatus, TriesLeft } from "../../lib/agent-status.ts";
export type { CertificateName, KeyName } from "../../lib/card/files.ts";
export type { CardKey } from "../../lib/card-key.ts";
export type { CardSource, PcscBinding, PinPromptChoice } from "../../lib/config.ts";
export {
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  JpkiError,
  type JpkiErrorOptions,
} from "../../lib/errors.ts";
export { formatPublicKey, KEY_FORMATS, type KeyFormat, type KeyFormatOptions } from "../../lib/key-format.ts";
export type { RsaPublicKey, SignPurpose } from "../../lib/keys.ts";
export type { LogFields, Logger } from "../../lib/log.ts";
export type { PinName } from "../../lib/pin/pin.ts";
export type { PinRequest } from "../../lib/pin/prompt.ts";
export { type CardChoice, type Jpki, openJpki, type SignInput, type SignOptions } from "./jpki.ts";
export type { JpkiOptions, PinSource } from "./options.ts";
