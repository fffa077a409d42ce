/**
 * What lets one card in at a TLS server or sshd, and no other: its exact certificate or key. JPKI's CA vouches for every
 * card in the country, so its signature alone says nothing of who may come in; servers need it for the handshake.
 */

import { TooLargeError } from "../../lib/errors.ts";
import { encodePem } from "../../lib/x509/pem.ts";
import type { ServerTexts } from "../messages/set-up-texts.ts";
import type { FileLines } from "./plan.ts";

export const SERVERS = ["nginx", "apache", "sshd"] as const;
export type Server = (typeof SERVERS)[number];

/** The card's certificate and its CA's, DER. */
export interface CardCertificates {
  readonly certificate: Uint8Array;
  readonly ca: Uint8Array;
}

/** nginx reads its configuration through a buffer of 4096 bytes: no longer value fits (NGX_CONF_BUFFER). */
const MAX_NGINX_VALUE = 4000;

/**
 * For a `server` block. The certificate is compared as a whole: nginx's other variables are its SHA-1, its serial number
 * and its names, which are the CA's word.
 *
 * @throws TooLargeError for a certificate that does not fit into a line of nginx's.
 */
export function nginxFiles({ certificate, ca }: CardCertificates, texts: ServerTexts): readonly FileLines[] {
  const folder = "/etc/nginx";
  const caFile = `${folder}/jpki-agent-ca.pem`;
  const pinned = escapedCertificate(certificate);
  if (pinned.length > MAX_NGINX_VALUE)
    throw new TooLargeError(`write nginx's configuration: the certificate takes ${pinned.length} characters`);
  const text = [
    ...comment(texts.nginx.intro),
    `ssl_client_certificate ${caFile};`,
    "ssl_verify_client on;",
    "ssl_verify_depth 1;",
    'set $jpki_agent_card "";',
    ...comment(texts.oneLineEach),
    `if ($ssl_client_escaped_cert = "${pinned}") { set $jpki_agent_card "1"; }`,
    'if ($jpki_agent_card = "") { return 403; }',
    ...comment(texts.nginx.protocols),
    "",
  ].join("\n");
  return [
    { path: `${folder}/jpki-agent.conf`, text },
    { path: caFile, text: encodePem(ca, "CERTIFICATE") },
  ];
}

/** For a `VirtualHost`: in one of its folders, browsers would have to show their certificate in a second handshake. */
export function apacheFiles({ certificate, ca }: CardCertificates, texts: ServerTexts): readonly FileLines[] {
  const folder = "/etc/apache2";
  const [caFile, certificateFile] = [`${folder}/jpki-agent-ca.pem`, `${folder}/jpki-agent.pem`];
  const text = [
    ...comment(texts.apache.intro),
    "SSLVerifyClient require",
    "SSLVerifyDepth 1",
    `SSLCACertificateFile ${caFile}`,
    '<Location "/">',
    ...comment(texts.oneLineEach).map((line) => `    ${line}`),
    `    Require expr "%{SSL_CLIENT_CERT} == file('${certificateFile}')"`,
    "</Location>",
    ...comment(texts.apache.protocols),
    "",
  ].join("\n");
  return [
    { path: `${folder}/jpki-agent.conf`, text },
    { path: caFile, text: encodePem(ca, "CERTIFICATE") },
    { path: certificateFile, text: encodePem(certificate, "CERTIFICATE") },
  ];
}

/** @param publicKey the line of authorized_keys, with its line end. */
export function sshdFiles(publicKey: string, texts: ServerTexts): readonly FileLines[] {
  const settings = [
    ...comment(texts.sshd.intro),
    "PubkeyAuthentication yes",
    "AuthorizedKeysFile .ssh/authorized_keys",
    "PubkeyAcceptedAlgorithms +rsa-sha2-512,rsa-sha2-256",
    "",
  ].join("\n");
  return [
    { path: "/etc/ssh/sshd_config.d/jpki-agent.conf", text: settings },
    { path: "~/.ssh/authorized_keys", text: publicKey },
  ];
}

/**
 * As `$ssl_client_escaped_cert` has it: PEM as OpenSSL writes it, with all but RFC 3986's unreserved characters as
 * percent signs (nginx 1.13.5 and later).
 */
function escapedCertificate(der: Uint8Array): string {
  return encodeURIComponent(encodePem(der, "CERTIFICATE"));
}

function comment(text: string): readonly string[] {
  return text.split("\n").map((line) => `# ${line}`);
}
