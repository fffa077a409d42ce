/** What `doctor` finds and what to do about it, in English. */

import { errorOf, type Fault } from "../../lib/agent-status.ts";
import type { FindingText, FindingTexts, HolderFact, OtherAgent } from "../doctor/finding.ts";
import type { DoctorTexts } from "./doctor-texts.ts";

const PINS: Readonly<Record<string, string>> = {
  auth: "authentication PIN",
  sign: "signature password",
  text: "text PIN",
};

const AGENTS: Readonly<Record<OtherAgent, string>> = {
  "gnome-keyring": "GNOME Keyring's agent",
  "gpg-agent": "gpg-agent",
  openssh: "OpenSSH's ssh-agent, or an agent forwarded from another machine",
  macos: "the agent of macOS",
  "1password": "1Password's agent",
  unknown: "another agent",
};

const englishFindings: FindingTexts = {
  "node-ok": ({ version }) => ({ text: `Node.js ${version}` }),
  "node-old": ({ version, needed }) => ({ text: `Node.js ${version} is too old`, mend: `install ${needed} or newer` }),
  "binding-loads": ({ binding }) => ({ text: `PC/SC library ${binding} loads` }),
  "binding-broken": ({ binding, fault }) => withFault(`PC/SC library ${binding} does not load`, fault),
  "binding-spare-broken": ({ binding, fault }) =>
    withFault(`PC/SC library ${binding} does not load; it is not needed while the other one does`, fault),
  "pcscd-runs": ({ version }) => ({
    text: `PC/SC service: runs${version === undefined ? "" : ` (pcsc-lite ${version})`}`,
  }),
  "pcscd-absent": ({ installed }) => ({
    text: installed ? "PC/SC service: does not run" : "PC/SC service: not installed",
    mend: installed
      ? "sudo systemctl enable --now pcscd.socket"
      : "sudo apt install pcscd libccid && sudo systemctl enable --now pcscd.socket",
  }),
  "pcscd-denied": ({ path }) => ({
    text: `PC/SC service: no right to connect to ${path}`,
    mend: `see ls -l ${path}; in a container or sandbox, let it through`,
  }),
  "pcscd-built-in": () => ({ text: "PC/SC service: part of this system" }),
  "pcsc-works": ({ binding }) => ({
    text: binding === undefined ? "PC/SC: not used (virtual card)" : `PC/SC: works (${binding})`,
  }),
  "pcsc-fault": ({ fault }) => withFault("PC/SC: cannot be used", fault),
  "polkit-refuses": ({ path, rule }) => ({
    text: "polkit: refuses this user; it lets only users at the screen use smart cards, not those of SSH sessions or services",
    mend: `as root, write this to ${path}:\n${rule}`,
  }),
  "polkit-allows": () => ({ text: "polkit: does not stand in the way" }),
  "polkit-unknown": () => ({ text: "polkit: cannot be told before PC/SC works" }),
  "driver-found": ({ drivers }) => ({ text: `reader drivers: ${drivers.join(", ")}` }),
  "driver-missing": ({ usbReaders }) => ({
    text: `reader drivers: none${usbReaders.length > 0 ? `, but a reader is plugged in: ${usbReaders.join(", ")}` : ""}`,
    mend: "sudo apt install libccid (fits most USB readers; some need their maker's driver)",
  }),
  "driver-built-in": () => ({ text: "reader drivers: part of this system" }),
  "holders-none": () => ({ text: "no other program is connected to the PC/SC service" }),
  "holders-some": ({ programs }) => {
    const mends = [...new Set(programs.flatMap(({ kind }) => HOLDER_MENDS[kind] ?? []))];
    return {
      text: `connected to the PC/SC service: ${programs.map(holder).join(", ")}`,
      mend: mends.length > 0 ? mends.join("\n") : undefined,
    };
  },
  "holders-unknown": () => ({ text: "who is connected to the PC/SC service cannot be told (no ss, or not Linux)" }),
  "reader-some": ({ readers }) => ({ text: `readers: ${readers.join(", ")}` }),
  "reader-none": ({ usbReaders }) =>
    usbReaders.length > 0
      ? {
          text: `no reader, but USB has one: ${usbReaders.join(", ")}`,
          mend: "install its driver (sudo apt install libccid), then: sudo systemctl restart pcscd",
        }
      : { text: "no reader", mend: "plug a reader in; a reader in a virtual machine must be passed through to it" },
  "reader-unknown": () => ({ text: "readers: cannot be told" }),
  "card-ready": ({ card, reader }) => ({ text: `${card}, on ${reader}` }),
  "card-hidden": ({ reader }) => ({
    text: `a phone on ${reader}, not seen before; it shows its key only after its PIN`,
    mend: "jpki-agent export-key",
  }),
  "card-foreign": ({ reader }) => ({
    text: `the card on ${reader} is not a My Number card`,
    mend: "put your My Number card there; with several cards stacked on a contactless reader, one alone",
  }),
  "card-mute": ({ reader }) => ({
    text: `the card on ${reader} does not answer`,
    mend: "turn it over or put it in again; clean its contacts; on a contactless reader, lay it flat in the middle",
  }),
  "card-unreadable": ({ reader, fault }) => withFault(`the card on ${reader} cannot be read`, fault),
  "card-none": () => ({ text: "no card on a reader", mend: "put your My Number card on the reader" }),
  "card-unknown": () => ({ text: "card: cannot be told" }),
  "tries-left": ({ pin, triesLeft, maxTries }) => ({ text: `${PINS[pin]}: ${triesLeft} of ${maxTries} tries left` }),
  "tries-low": ({ pin, triesLeft, maxTries }) => ({
    text: `${PINS[pin]}: only ${triesLeft} of ${maxTries} tries left`,
    mend: "the next right one sets the counter back; if you are not sure of it, do not guess",
  }),
  "tries-blocked": ({ pin }) => ({
    text: `${PINS[pin]}: BLOCKED`,
    mend: "your municipal office (or its app with a convenience store's terminal) can set a new one",
  }),
  "certificate-valid": ({ date, daysLeft }) => ({ text: `certificate: until ${date} (${daysLeft} days left)` }),
  "certificate-renewable": ({ date, daysLeft }) => ({
    text: `certificate: until ${date}, only ${daysLeft} days left`,
    mend:
      "renew it at your municipal office, which is possible from now on. The key changes with it: add a second key to " +
      "your servers before, and run export-key after",
  }),
  "certificate-expired": ({ date }) => ({
    text: `certificate: expired on ${date}`,
    mend: "renew it at your municipal office, then run export-key: the key is a new one",
  }),
  "certificate-early": ({ date }) => ({
    text: `certificate: not valid yet (until ${date})`,
    mend: "see whether this machine's clock is right: date",
  }),
  "prompt-way": ({ way, program }) => ({
    text: `the PIN would be asked for by ${way}${program === undefined ? "" : ` (${program})`}; --show-prompt shows it`,
  }),
  "prompt-none": ({ fault }) => withFault("the PIN cannot be asked for from here", fault),
  "prompt-agent-fault": ({ fault }) => withFault("the running agent could not ask for the PIN", fault),
  "prompt-shown": ({ answer }) => ({
    text: `the prompt was shown and ${answer}; nothing was sent to the card`,
  }),
  "prompt-broken": ({ fault }) => withFault("the prompt cannot be shown", fault),
  "keychain-works": () => ({ text: "keychain: can be used (--pin-cache keychain)" }),
  "keychain-fault": ({ fault }) => withFault("keychain: cannot be used; needed for --pin-cache keychain only", fault),
  "agent-runs": ({ pid, socket }) => ({ text: `agent: runs (process ${pid}) at ${socket}` }),
  "agent-locked": ({ socket }) => ({ text: `agent: locked, at ${socket}`, mend: "unlock it: ssh-add -X" }),
  "agent-absent": ({ socket }) => ({
    text: `agent: does not run (looked at ${socket})`,
    mend: "start it: jpki-agent agent",
  }),
  "agent-silent": ({ socket, fault }) => withFault(`agent: does not answer at ${socket}`, fault),
  "auth-sock-ours": ({ path }) => ({ text: `SSH_AUTH_SOCK leads to our agent (${path})` }),
  "auth-sock-config": ({ path }) => ({ text: `~/.ssh/config leads to our agent (IdentityAgent ${path})` }),
  "auth-sock-unset": ({ socket }) => ({
    text: "SSH_AUTH_SOCK is not set: ssh finds no agent",
    mend: `export SSH_AUTH_SOCK=${socket}\nor, in ~/.ssh/config: IdentityAgent ${socket}`,
  }),
  "auth-sock-dead": ({ path, socket }) => ({
    text: `SSH_AUTH_SOCK leads to ${path}, where no agent listens`,
    mend: `export SSH_AUTH_SOCK=${socket}\nor, in ~/.ssh/config: IdentityAgent ${socket}`,
  }),
  "auth-sock-other": ({ path, agent, socket }) => ({
    text: `SSH_AUTH_SOCK leads to ${AGENTS[agent]} (${path})`,
    mend:
      `export SSH_AUTH_SOCK=${socket}\nor, in ~/.ssh/config: IdentityAgent ${socket}\n` +
      `to keep the other agent's keys: jpki-agent agent --upstream ${path}`,
  }),
  "files-private": () => ({ text: "state folder and socket: only you can reach them" }),
  "files-open": ({ path, mode, wanted }) => ({
    text: `${path} is open to others (mode ${mode})`,
    mend: `chmod ${wanted} ${path}`,
  }),
  "server-modern": ({ server, software, algorithms }) => ({
    text: `${server} (${software}) takes the card's signatures: ${algorithms.join(", ")}`,
  }),
  "server-sha1-only": ({ server, software }) => ({
    text: `${server} (${software}) takes RSA signatures with SHA-1 only, which ssh and this agent refuse by default`,
    mend:
      "update the server (DSM: Control Panel, Update). Until then: jpki-agent agent --allow-sha1, and for this host " +
      "alone in ~/.ssh/config: PubkeyAcceptedAlgorithms +ssh-rsa (HostKeyAlgorithms +ssh-rsa if its host key is refused)",
  }),
  "server-no-rsa": ({ server, algorithms }) => ({
    text: `${server} takes no RSA key; it takes: ${algorithms.join(", ")}`,
    mend: "on the server, in sshd_config: PubkeyAcceptedAlgorithms +rsa-sha2-512,rsa-sha2-256",
  }),
  "server-silent-on-algorithms": ({ server, software }) => ({
    text: `${server} (${software}) does not tell which signatures it takes`,
    mend: "try a login; if it is refused, the server may know SHA-1 only: see --allow-sha1",
  }),
  "server-no-publickey": ({ server, methods }) => ({
    text: `${server} does not let keys log in; it takes: ${methods.join(", ")}`,
    mend: "on the server, in sshd_config: PubkeyAuthentication yes, then restart sshd",
  }),
  "server-too-old": ({ server, reason }) => ({
    text: `${server} speaks only what today's ssh has given up: ${reason}`,
    mend: "update the server; ssh's manual tells how to allow one old algorithm for one host (KexAlgorithms, Ciphers)",
  }),
  "server-unreachable": ({ server, reason }) => ({
    text: `${server} cannot be reached: ${reason}`,
    mend: "see whether the name, the port and the network are right, and whether SSH is on (DSM: Control Panel, Terminal & SNMP)",
  }),
  "server-no-ssh": () => ({
    text: "no ssh on this machine: the server was not asked",
    mend: "sudo apt install openssh-client",
  }),
  "server-permissions": ({ server }) => ({
    text: `what only ${server} itself knows: who may read your files there. sshd ignores keys that others could change`,
    mend:
      "on the server: chmod go-w ~ && chmod 700 ~/.ssh && chmod 600 ~/.ssh/authorized_keys\n" +
      "on a Synology NAS, besides: your user is in the group administrators, the user home service is on, and\n" +
      "chmod 755 ~ (DSM may have made it 777); File Station's permissions (ACL) on the home folder must not let others write",
  }),
};

const HOLDER_MENDS: Readonly<Record<HolderFact["kind"], string | undefined>> = {
  scdaemon:
    "scdaemon (GnuPG) takes cards for itself: gpgconf --kill scdaemon; to share, write into ~/.gnupg/scdaemon.conf: " +
    "disable-ccid and pcsc-shared",
  opensc: "OpenSC may keep the card open: ssh-add -e its module (ssh-agent), or close the program",
  browser: "a browser with a card module holds cards while it runs: close it if the card is in use",
  "jpki-agent": undefined,
  other: "if the card is in use, close it",
};

function holder({ name, pid, kind }: HolderFact): string {
  if (kind === "jpki-agent") return `our agent (${pid})`;
  return pid === undefined ? "another user's program" : `${name} (${pid})`;
}

function withFault(text: string, fault: Fault): FindingText {
  const { message, hint } = errorOf(fault);
  return { text: `${text}: ${message}`, mend: hint };
}

export const englishDoctor: DoctorTexts = {
  levels: { ok: "ok  ", warn: "WARN", fail: "FAIL", skipped: "--  " },
  indent: "      ",
  findings: englishFindings,
  summary: (failed, warned) => {
    if (failed > 0) return `\nproblems: ${failed}; begin with the first`;
    return warned > 0 ? `\nlogins can work; worth a look: ${warned}` : "\nall is well";
  },
};
