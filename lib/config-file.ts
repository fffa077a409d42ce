/** The configuration file's text: TOML, every key known, every value checked. The one importing file of smol-toml. */

import { parse } from "smol-toml";
import {
  type AgentConfig,
  CARD_SOURCES,
  type Config,
  MAX_SECONDS,
  MIN_PKCS11_LOGIN_TTL,
  PCSC_BINDINGS,
  PIN_CACHES,
  PIN_PROMPTS,
  PSS_CHOICES,
} from "./config.ts";
import { ConfigError, messageOf } from "./errors.ts";
import { z } from "./schema.ts";

const seconds = z.number().min(0).max(MAX_SECONDS);

const absolutePath = z.string().startsWith("/", "must be an absolute path");

const agentSchema = z.strictObject({
  socket: absolutePath.optional(),
  "pin-prompt": z.enum(PIN_PROMPTS).optional(),
  pinentry: z.string().min(1).optional(),
  "pin-cache": z.enum(PIN_CACHES).optional(),
  "pin-cache-ttl": seconds.optional(),
  "card-hold": seconds.optional(),
  "wait-card": seconds.optional(),
  "allow-sha1": z.boolean().optional(),
  "allow-any-data": z.boolean().optional(),
  confirm: z.boolean().optional(),
  "require-binding": z.boolean().optional(),
  "allow-forwarded": z.array(z.string().min(1)).optional(),
  certificate: z.array(absolutePath).optional(),
  upstream: absolutePath.optional(),
  "pkcs11-socket": z.union([z.boolean(), absolutePath]).optional(),
  "pkcs11-signature-key": z.boolean().optional(),
  "pkcs11-login-ttl": seconds.min(MIN_PKCS11_LOGIN_TTL).optional(),
  "pkcs11-login-signatures": z.int().min(1).optional(),
  "pkcs11-pss": z.enum(PSS_CHOICES).optional(),
  notify: z.boolean().optional(),
});

const configSchema = z.strictObject({
  reader: z.string().min(1).optional(),
  card: z.enum(CARD_SOURCES).optional(),
  "pcsc-binding": z.enum(PCSC_BINDINGS).optional(),
  agent: agentSchema.optional(),
});

/**
 * @param file the text's path, for messages.
 * @throws ConfigError naming the key; `details.problem` is `syntax`, `unknown-key` or `bad-value`.
 */
export function parseConfig(text: string, file: string): Config {
  const result = configSchema.safeParse(parseToml(text, file));
  if (!result.success) throw schemaError(result.error, file);
  const { reader, card, "pcsc-binding": pcscBinding, agent = {} } = result.data;
  return { reader, card, pcscBinding, agent: agentConfig(agent) };
}

function agentConfig(agent: z.infer<typeof agentSchema>): AgentConfig {
  return {
    socket: agent.socket,
    pinPrompt: agent["pin-prompt"],
    pinentry: agent.pinentry,
    pinCache: agent["pin-cache"],
    pinCacheTtl: agent["pin-cache-ttl"],
    cardHold: agent["card-hold"],
    waitCard: agent["wait-card"],
    allowSha1: agent["allow-sha1"],
    allowAnyData: agent["allow-any-data"],
    confirm: agent.confirm,
    requireBinding: agent["require-binding"],
    allowForwarded: agent["allow-forwarded"],
    certificate: agent.certificate,
    upstream: agent.upstream,
    pkcs11Socket: agent["pkcs11-socket"],
    pkcs11SignatureKey: agent["pkcs11-signature-key"],
    pkcs11LoginTtl: agent["pkcs11-login-ttl"],
    pkcs11LoginSignatures: agent["pkcs11-login-signatures"],
    pkcs11Pss: agent["pkcs11-pss"],
    notify: agent.notify,
  };
}

function parseToml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    // The parser's message goes on with a picture of the place, over several lines.
    const [reason = ""] = messageOf(cause).split("\n");
    throw new ConfigError(`read the configuration ${file}: ${reason}`, {
      details: { problem: "syntax", file, reason },
      cause,
    });
  }
}

/** The first fault is enough: the person mends one and tries again. */
function schemaError(error: z.ZodError, file: string): ConfigError {
  const [issue] = error.issues;
  const path = issue?.path.join(".") ?? "";
  if (issue?.code === "unrecognized_keys") {
    const key = [path, issue.keys[0]].filter(Boolean).join(".");
    return new ConfigError(`read the configuration ${file}: unknown key "${key}"`, {
      details: { problem: "unknown-key", file, key },
    });
  }
  const reason = issue?.message ?? "invalid";
  return new ConfigError(`read the configuration ${file}: "${path}": ${reason}`, {
    details: { problem: "bad-value", file, key: path, reason },
  });
}
