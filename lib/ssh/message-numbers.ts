/** The numbers of the agent protocol (RFC 9987 section 8), under the names the RFC and OpenSSH give them. */

export const SSH_AGENT_FAILURE = 5;
export const SSH_AGENT_SUCCESS = 6;
export const SSH_AGENTC_REQUEST_IDENTITIES = 11;
export const SSH_AGENT_IDENTITIES_ANSWER = 12;
export const SSH_AGENTC_SIGN_REQUEST = 13;
export const SSH_AGENT_SIGN_RESPONSE = 14;
export const SSH_AGENTC_ADD_IDENTITY = 17;
export const SSH_AGENTC_REMOVE_IDENTITY = 18;
export const SSH_AGENTC_REMOVE_ALL_IDENTITIES = 19;
export const SSH_AGENTC_ADD_SMARTCARD_KEY = 20;
export const SSH_AGENTC_REMOVE_SMARTCARD_KEY = 21;
export const SSH_AGENTC_LOCK = 22;
export const SSH_AGENTC_UNLOCK = 23;
export const SSH_AGENTC_ADD_ID_CONSTRAINED = 25;
export const SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED = 26;
export const SSH_AGENTC_EXTENSION = 27;
export const SSH_AGENT_EXTENSION_FAILURE = 28;
export const SSH_AGENT_EXTENSION_RESPONSE = 29;
/** Failure codes of old agents: read as failure, never sent. */
export const SSH2_AGENT_FAILURE = 30;
export const SSH_COM_AGENT2_FAILURE = 102;

export const SSH_AGENT_CONSTRAIN_LIFETIME = 1;
export const SSH_AGENT_CONSTRAIN_CONFIRM = 2;
export const SSH_AGENT_CONSTRAIN_EXTENSION = 255;

/** Names of extensions: of RFC 9987, ours, OpenSSH's (PROTOCOL.agent). */
export const EXTENSION_QUERY = "query";
/** No contents; answered SUCCESS: PINs are forgotten and the card is let go of. */
export const EXTENSION_FORGET = "forget@jpki-agent";
/** No contents; answered SUCCESS when the card has no power: it is let go of, PINs stay remembered. */
export const EXTENSION_RELEASE = "release@jpki-agent";
/** No contents; answered by a JSON document, see lib/agent-status.ts. */
export const EXTENSION_STATUS = "status@jpki-agent";
/** Never passed on to another agent. */
export const OWN_EXTENSIONS: readonly string[] = [EXTENSION_FORGET, EXTENSION_RELEASE, EXTENSION_STATUS];
export const EXTENSION_SESSION_BIND = "session-bind@openssh.com";
export const CONSTRAINT_RESTRICT_DESTINATION = "restrict-destination-v00@openssh.com";
export const CONSTRAINT_ASSOCIATED_CERTS = "associated-certs-v00@openssh.com";
export const CONSTRAINT_SK_PROVIDER = "sk-provider@openssh.com";
