/** English. Errors are written in English where they are thrown, so they are passed on as they are. */

import { englishPrompts } from "../../lib/pin/words-en.ts";
import { englishCard } from "./card-en.ts";
import { englishCertificates } from "./certificates-en.ts";
import { englishDoctor } from "./doctor-en.ts";
import { englishDocuments } from "./documents-en.ts";
import type { Messages } from "./messages.ts";
import { englishPins } from "./pins-en.ts";
import { englishPkcs11 } from "./pkcs11-en.ts";
import { englishReport } from "./report-en.ts";
import { englishSetUp } from "./set-up-en.ts";
import { englishSignatures } from "./signatures-en.ts";
import { englishStatus } from "./status-en.ts";

export const en: Messages = {
  language: "en",
  hintLabel: "hint: ",
  help: {
    program: "An ssh-agent whose key is the authentication key inside your My Number card.",
    titles: {
      usage: "Usage:",
      arguments: "Arguments:",
      options: "Options:",
      globalOptions: "Global options:",
      commands: "Commands:",
    },
    commands: {
      agent: "serve the card's key to ssh, git and others over an agent socket",
      "export-key": "print the card's authentication public key, ready for authorized_keys",
      pin: "the card's PINs: tries left, a new one, what is remembered",
      "pin status": "show the tries left of every PIN; costs none",
      "pin change": "give a PIN a new value",
      "pin save": "check the authentication PIN and save it in the OS keychain, for agent --pin-cache keychain",
      "pin forget": "erase the PIN from running agents and from the OS keychain",
      cert: "show a certificate of the card, or save it",
      "verify-cert": "verify a certificate: chain to JPKI's CAs, dates, key usage, purpose, and revocation if asked",
      card: "what else is on the card: name and address, individual number, face, photo",
      "card attributes": "show name, address, birth date and sex, as text",
      "card number": "show the individual number (個人番号); only with --i-may",
      "card face": "show or save what is printed on the card's face: dates and sex, the rest as images (PNG)",
      "card photo": "save the photo: JPEG 2000, or PNG with --png",
      sign: "sign a file with the card: CMS (PKCS #7) or a raw RSA signature",
      verify: "verify a signature over a file: content, signer, certificate, and revocation if asked",
      status: "show agent, reader, card, tries left, certificate dates and the last failure; asks for nothing",
      doctor: "look for what stands in the way of a login, and say what to do about it",
      release: "make the running agent let go of the card now",
      env: "print what your shell, ~/.ssh/config and git need to use the agent, or write it there",
      service: "run the agent as a systemd or launchd service of yours",
      "service install": "install and enable the service; run again after an update",
      "service uninstall": "stop and remove the service, and all that env --write has added",
      "service status": "show whether the service is installed, listening and running",
      pkcs11: "the card in browsers, curl, VPNs and others, by PKCS#11",
      "pkcs11 env": "print what programs need to use the card, or write p11-kit's module file",
      "pkcs11 server-config": "print what lets this card, and no other, in at a server",
      log: "show what the card's key signed or refused to sign, for whom; the newest last",
      completion: "print what makes the shell complete commands and options with TAB",
      demo: "show a whole login with a built-in virtual card; needs no card and no reader",
    },
    shellName: "bash, zsh or fish",
    pinName: "auth (user authentication), sign (digital signature) or text (text information)",
    certificateName: "auth (user authentication), sign (digital signature), or the CA's: auth-ca, sign-ca",
    certificatePurpose: "auth (user authentication) or sign (digital signature)",
    server: "nginx, apache or sshd",
    documentToSign: "the file to sign; - for standard input",
    signedDocument: "the file that was signed (- for standard input), or a signature that holds it",
    signature: "the signature: CMS (DER or PEM) or raw (256 bytes, with --cert); - for standard input",
    command: "run this command with the agent in its environment, and end with it",
    options: {
      reader: "use only the reader with this name (or a part of it)",
      card: "where the card is: pcsc (a reader, the default) or virtual (built in, fictional holder)",
      "pcsc-binding": "PC/SC library: auto (default), pcsc-mini or pcsclite",
      config: "read this configuration file (default: ~/.config/jpki-agent/config.toml)",
      json: "print results and errors as JSON",
      verbose: "say more on stderr; twice: every exchange with the card",
      version: "print the version",
      help: "print this help",
      socket: "path of the agent's socket",
      background: "return to the shell once the socket is ready",
      csh: "print commands for csh",
      sh: "print commands for sh (the default)",
      kill: "end the agent in SSH_AGENT_PID, and print commands that unset its variables",
      "pin-prompt": "how the PIN is asked for: auto (default), pinentry, askpass, tty or none",
      pinentry: "the pinentry program (default: pinentry, or pinentry-mac, in the PATH)",
      "pin-cache":
        "remember the PIN: off, session (default: until the card leaves), timed (also after that) or keychain",
      "pin-cache-ttl": "forget a remembered PIN after this many seconds without use",
      "card-hold": "keep the card this long for the next request (default 3)",
      "wait-card": "wait this long for the card to be placed on a reader (default 30; 0: not at all)",
      "allow-sha1": "also sign with SHA-1 (ssh-rsa, PKCS#11), for servers that know nothing newer",
      "allow-any-data": "also sign data that is neither an SSH login nor an SSH signature; dangerous",
      confirm: "ask before each signature, also while the PIN is remembered",
      "allow-forwarded":
        "let a forwarded agent (ssh -A) log in to these hosts, names or patterns as in known_hosts, without asking; * for any",
      "require-binding":
        "refuse logins of clients that do not say which server they lead to (OpenSSH 8.9 and later do)",
      certificate: "also offer these SSH certificates (*-cert.pub) for the card's key",
      upstream: "offer the keys of the agent at this socket too, after the card's",
      "pkcs11-socket":
        "also serve PKCS#11 programs (browsers, curl, OpenVPN) through p11-kit-client.so at this socket (default: where that looks)",
      "pkcs11-signature-key": "offer them the digital signature key too; its password is asked for at each signature",
      "pkcs11-login-ttl": "a PKCS#11 program's login ends after this many seconds (default 3600)",
      "pkcs11-login-signatures": "a PKCS#11 program's login ends after this many signatures (default 1000)",
      "pkcs11-pss": "RSASSA-PSS, for TLS 1.3: auto (default: ask the card once), on or off",
      notify: "show a notice on the desktop after each signature",
      force: "also with one try left",
      server: "also ask this server, HOST[:PORT], which signatures it takes; without a login",
      "show-prompt": "show the PIN prompt for real; what is typed goes nowhere",
      report: "say instead what this card and reader really do, for the makers of this program; no personal data",
      n: "show this many entries (default 20)",
      shell: "bash, zsh or fish (default: the one in SHELL)",
      host: "use the card, and only the card, for these hosts: patterns as in ssh_config (default: all, beside your other keys)",
      write: "add it between marks to the shell's start file, ~/.ssh/config and git's global configuration",
      remove: "take out again what --write has added, for all shells",
      "pkcs11-socket-env":
        "path of the agent's PKCS#11 socket (default: p11-kit/pkcs11 in XDG_RUNTIME_DIR, where p11-kit looks by itself)",
      "write-module": "write the module file, so that programs that use p11-kit find the card",
      "remove-module": "take out again what --write has added",
      "server-cert": "let in the certificate in this file (PEM, and behind it its CA's) instead of the card's",
      format: "openssh (default), rfc4716, pkcs8 or jwk",
      "cert-format": "text (default), pem, der or json",
      "attributes-with": "what opens them: pin (the text PIN of 4 digits, the default) or b (照合番号B)",
      "face-with":
        "what opens it: b (照合番号B: birth date, year of expiry, security code; the default) or a (照合番号A: the individual number)",
      "i-may": "yes, this is my own card, or the law allows me to",
      "i-may-image": "also read the image of the individual number (with --with a)",
      item: "only this image: name, address, security-code or number",
      "face-output": "write the images into this folder; with --item into this file, or - for a pipe",
      "photo-output": "write into this file, or - for a pipe",
      png: "decode the photo and write PNG",
      output: "write into this file (sign: readable by you alone), - for a pipe",
      cert: "verify the certificate in this file (PEM or DER) instead of the card's",
      key: "sign (digital signature, the default) or auth (user authentication, which is for logins)",
      "verify-key": "whose key must have signed: sign (digital signature, the default) or auth (user authentication)",
      "signature-format": "cms (default) or raw: RSA-SHA256 over the file, for openssl dgst -verify",
      attached: "put the file itself into the signature",
      "signature-output":
        "write the signature into this file (with your signature certificate: readable by you alone) or to standard output (-, the default)",
      "signer-cert": "the signer's certificate (PEM or DER), where the signature does not hold it; no other counts",
      "content-output": "write what the signature holds into this file, if it is valid; - for standard output",
      ca: "trust the CA certificates in this file too (PEM or DER)",
      crl: "look the certificate up in this revocation list: a file or an http URL",
      ocsp: "ask this OCSP responder (http URL), which learns the certificate's serial number",
      stapled: "read an OCSP response (DER) from this file",
      comment: "comment of the key, instead of the card's own",
      options: "options to stand before the key in authorized_keys, such as restrict,pty",
    },
  },
  prompts: englishPrompts,
  agent: {
    serving: (path, pkcs11Path) =>
      `serving ${path}${pkcs11Path === undefined ? "" : ` and, for PKCS#11, ${pkcs11Path}`}; stop with Ctrl-C`,
    serviceReady: (path) => `serving ${path}`,
    serviceStopping: "letting go of the card",
    killed: (pid) => `ended the agent, process ${pid}`,
    anyDataWarning:
      "--allow-any-data is on: whoever reaches the socket can have anything signed in your name, " +
      "also the login of a government portal",
  },
  signatures: englishSignatures,
  status: englishStatus,
  doctor: englishDoctor,
  report: englishReport,
  setUp: englishSetUp,
  pkcs11: englishPkcs11,
  pin: englishPins,
  certificate: englishCertificates,
  cardData: englishCard,
  document: englishDocuments,
  demo: {
    intro:
      "A login with a virtual My Number card: everything below is real (agent, SSH, signature), only the card and " +
      "its holder are made up.",
    cardReady: (comment) => `A virtual card is on the virtual reader: ${comment}`,
    agentReady: (socket) => `The agent serves it on ${socket}`,
    keyExported: (key) => `Its public key, as it would stand in ~/.ssh/authorized_keys:\n   ${key}`,
    serverReady: (host, port) => `An SSH server on ${host} port ${port} lets in exactly this key`,
    greeting: (user) => `welcome, ${user}; your card has signed you in`,
    loggingIn: (command) => `Logging in: ${command}`,
    pinEntered: (pin, triesLeft) =>
      `The card wants its PIN${triesLeft === undefined ? "" : ` (${triesLeft} tries left)`}; ` +
      `the demo enters the fictional ${pin} for you`,
    loggedIn: (greeting) => `The server says: ${greeting}`,
    end: "Done. With a real card: jpki-agent export-key, then jpki-agent agent (see README.md).",
    failed: (reason) => `the login failed: ${reason} (jpki-agent -v demo says more)`,
  },
  error: (error) => ({ message: error.message, hint: error.hint }),
};
