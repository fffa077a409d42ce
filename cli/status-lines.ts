/** `status` in words, line by line; the words are in messages/. */

import { type CardStatus, type DeviceStatus, errorOf, type Fault, type Pkcs11Status } from "../lib/agent-status.ts";
import { assertNever } from "../lib/errors.ts";
import { printable } from "../lib/printable.ts";
import { localDate, localTime } from "./local-time.ts";
import type { Messages } from "./messages/messages.ts";
import { certificateState, runningOf, type StatusReport } from "./status-report.ts";

export function statusLines(report: StatusReport, messages: Messages, now: Date): readonly string[] {
  const { status: texts } = messages;
  const { devices, lastRefusal } = report;
  return [
    ...agentLines(report, messages),
    ...(devices === undefined ? [] : deviceLines(devices, messages, now)),
    ...(lastRefusal === undefined
      ? []
      : [texts.lastRefusal(localTime(new Date(lastRefusal.time)), messages.signatures.entry(lastRefusal))]),
  ];
}

function agentLines({ agent }: StatusReport, messages: Messages): readonly string[] {
  const { status: texts } = messages;
  const socket = texts.socket(printable(agent.socket));
  switch (agent.kind) {
    case "absent":
      return [texts.agentAbsent, socket];
    case "silent":
      return [texts.agentSilent, socket, ...faultLines(agent.error, messages)];
    case "found": {
      const running = runningOf(agent);
      if (running === undefined) return [texts.agentLocked, socket];
      const { pid, version, uptimeSeconds, pkcs11, promptFault } = running;
      return [
        texts.agentRunning(pid, printable(version), uptimeSeconds),
        socket,
        ...(pkcs11 === undefined ? [] : pkcs11Lines(pkcs11, messages)),
        ...(promptFault === undefined ? [] : faultLines(promptFault, messages)),
      ];
    }
    default:
      return assertNever(agent);
  }
}

function pkcs11Lines({ socket, logins }: Pkcs11Status, { status: texts }: Messages): readonly string[] {
  const lines = logins.map(({ program, card, ...login }) => {
    const shown = program === undefined ? undefined : printable(program);
    return `  ${texts.pkcs11Login({ ...login, card: printable(card), program: shown })}`;
  });
  return [texts.pkcs11Socket(printable(socket)), ...lines];
}

function deviceLines({ binding, fault, readers, cards }: DeviceStatus, messages: Messages, now: Date): string[] {
  const { status: texts } = messages;
  if (fault !== undefined) return [texts.pcscFault, ...faultLines(fault, messages)];
  const present = cards.some(({ state }) => state !== "away");
  return [
    texts.pcsc(binding),
    ...(readers.length === 0 ? [texts.noReader] : []),
    ...readers.map(({ name, state }) => texts.reader(printable(name), state)),
    ...(present || readers.length === 0 ? [] : [texts.noCard]),
    ...cards.flatMap((card) => cardLines(card, messages, now)),
  ];
}

function cardLines(card: CardStatus, messages: Messages, now: Date): readonly string[] {
  const { status: texts } = messages;
  const { state, comment, reader, fingerprint, triesLeft, notAfter, pinRemembered, fault } = card;
  const certificate = certificateState(card, now);
  const details = [
    ...(fingerprint === undefined ? [] : [texts.key(printable(fingerprint))]),
    ...(triesLeft === undefined ? [] : [texts.triesLeft(triesLeft)]),
    ...(certificate === undefined || notAfter === undefined
      ? []
      : [texts.certificate(certificate, localDate(new Date(notAfter)))]),
    ...(pinRemembered === undefined || state !== "ready" ? [] : [texts.pinRemembered(pinRemembered)]),
    ...(fault === undefined ? [] : faultLines(fault, messages)),
  ];
  const name = comment === undefined ? undefined : printable(comment);
  const place = reader === undefined ? undefined : printable(reader);
  return [texts.card(state, name, place), ...details.map((line) => `  ${line}`)];
}

/** The error, and under it what to do. */
function faultLines(fault: Fault, { error, hintLabel }: Messages): readonly string[] {
  const { message, hint } = error(errorOf(fault));
  return [`  ${message}`, ...(hint === undefined ? [] : [`  ${hintLabel}${hint}`])];
}
