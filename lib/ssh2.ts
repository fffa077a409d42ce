/**
 * The one importing file of ssh2: its server and client for the demonstration, its `BaseAgent` for programs that bring
 * their own client. ssh2 is CommonJS, so what it exports hangs on one value.
 */

import ssh2 from "ssh2";

export type {
  AuthContext,
  Connection,
  IdentityCallback,
  ParsedKey,
  PublicKeyAuthContext,
  Session,
  SignCallback,
  SigningRequestOptions,
} from "ssh2";
export { ssh2 };
