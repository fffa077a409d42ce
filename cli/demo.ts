/** The steps of `demo`. Everything but the card is what a real login uses. */

import { join } from "node:path";
import { type AgentParts, exportCardKeys, type RunningAgent, startAgent } from "../agent/main.ts";
import { utf8 } from "../lib/bytes.ts";
import { messageOf } from "../lib/errors.ts";
import { formatPublicKey } from "../lib/key-format.ts";
import type { Logger } from "../lib/log.ts";
import { openKnownKeys, openTransport } from "../lib/node.ts";
import { pinFromBytes } from "../lib/pin/pin.ts";
import type { Prompt } from "../lib/pin/prompt.ts";
import { encodeRsaBlob } from "../lib/ssh/public-key.ts";
import { loginWithSystemSsh } from "./demo-login.ts";
import { type DemoServer, loginWithSsh2, startDemoServer } from "./demo-ssh.ts";
import type { Deps, TextOutput } from "./deps.ts";
import type { DemoTexts } from "./messages/demo-texts.ts";

export interface DemoOptions {
  /** Private and empty; removed afterwards by the caller. */
  readonly folder: string;
  readonly deps: Deps;
  /** Where the steps are told. */
  readonly output: TextOutput;
  readonly texts: DemoTexts;
  readonly log: Logger;
}

/** The virtual card's own. It guards nothing: the card is made for the demo and thrown away after it. */
const FICTIONAL_PIN = "1234";
const USER = "demo";
const LOGIN_TIMEOUT_MS = 30_000;

/**
 * Tells each step.
 *
 * @returns undefined after a login, else why there was none.
 */
export async function runDemo(options: DemoOptions): Promise<string | undefined> {
  const { folder, deps, output, texts } = options;
  const tell = numberedSteps(output, texts);
  const openParts = () => openDemoParts(options, answeringPrompt(texts, tell));
  const [key] = await exportCardKeys(await openParts(), deps.signal);
  if (key === undefined) throw new TypeError("exportCardKeys returns at least one key");
  tell(texts.cardReady(key.comment));
  const publicKey = await formatPublicKey(key.publicKey, { format: "openssh", comment: key.comment });
  tell(texts.keyExported(publicKey.trimEnd()));
  const agent = await startAgent(await openParts(), {
    socketPath: join(folder, "agent.sock"),
    pinCache: { mode: "off", ttlMs: 0 },
    cardHoldMs: 0,
    waitCardMs: 0,
    policy: { allowSha1: false, allowAnyData: false },
  });
  try {
    tell(texts.agentReady(agent.socketPath));
    const keyBlob = encodeRsaBlob(key.publicKey);
    const server = await startDemoServer({ user: USER, keyBlob, greeting: texts.greeting(USER) });
    try {
      tell(texts.serverReady(server.host, server.port));
      tell(texts.loggedIn(await logIn(options, server, agent, publicKey, tell)));
    } finally {
      await server.close();
    }
  } catch (error) {
    if (deps.signal.aborted) throw deps.signal.reason;
    return messageOf(error);
  } finally {
    await agent.close();
  }
  output.write(`\n${texts.end}\n`);
  return undefined;
}

type Tell = (text: string) => void;

function numberedSteps(output: TextOutput, { intro }: DemoTexts): Tell {
  output.write(`${intro}\n\n`);
  let step = 0;
  return (text) => output.write(`${++step}. ${text}\n`);
}

/** The state folder of the demo is `folder`: the card made there is a new one. */
async function openDemoParts({ folder, log }: DemoOptions, prompt: Prompt): Promise<AgentParts> {
  const paths = { env: {}, home: folder };
  return {
    transport: await openTransport("virtual", "auto", paths, { log }),
    known: await openKnownKeys(paths, log),
    prompt,
    log,
    now: () => performance.now(),
  };
}

/** Plays the person: says what is asked, and types the fictional PIN. */
function answeringPrompt(texts: DemoTexts, tell: Tell): Prompt {
  return {
    name: "none",
    askPin: async ({ triesLeft }) => {
      tell(texts.pinEntered(FICTIONAL_PIN, triesLeft));
      return pinFromBytes("auth", utf8(FICTIONAL_PIN));
    },
    confirm: async () => false,
    askForCard: async () => "cancelled",
  };
}

/** By the system's `ssh`, or by ssh2's client where there is none. @returns what the server said. */
async function logIn(
  { folder, deps, texts }: DemoOptions,
  server: DemoServer,
  { socketPath }: RunningAgent,
  publicKey: string,
  tell: Tell,
): Promise<string> {
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(LOGIN_TIMEOUT_MS)]);
  const login = { server, user: USER, socketPath, signal };
  const onStart = (command: string) => tell(texts.loggingIn(command));
  const said = await loginWithSystemSsh({ ...login, folder, publicKey, env: deps.env, onStart });
  if (said !== undefined) return said;
  onStart(`ssh2: ${USER}@${server.host}:${server.port}`);
  return loginWithSsh2(login);
}
