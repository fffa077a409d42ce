import { describe, expect, it } from "vitest";
import { checkServer, findingsOf, parseServer } from "../../../cli/doctor/server.ts";
import { fakeSystem } from "../../helpers/fake-system.ts";

describe("parseServer", () => {
  it.each([
    ["nas", "nas", undefined],
    ["nas.example.jp:2222", "nas.example.jp", 2222],
    ["admin@192.0.2.1:22", "admin@192.0.2.1", 22],
    ["[2001:db8::1]:2222", "2001:db8::1", 2222],
    ["2001:db8::1", "2001:db8::1", undefined],
    ["::1", "::1", undefined],
  ])("%s", (text, host, port) => {
    expect(parseServer(text)).toEqual({ host, port });
  });

  it.each(["", "-oProxyCommand=x", "[-x]:1", "nas:0", "nas:65536", "nas:x", "a b"])("refuses %j", (text) => {
    expect(() => parseServer(text)).toThrowError(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});

const VERSION = (software: string) => `debug1: Remote protocol version 2.0, remote software version ${software}\r\n`;
const ACCEPT = "debug1: SSH2_MSG_SERVICE_ACCEPT received\r\n";
const CONTINUE = (methods: string) => `debug1: Authentications that can continue: ${methods}\r\n`;
const ALGORITHMS = (names: string) => `debug1: kex_input_ext_info: server-sig-algs=<${names}>\r\n`;

describe("what ssh -v says", () => {
  it.each([
    [
      "a server of today",
      VERSION("OpenSSH_9.2p1 Debian-2") +
        ALGORITHMS("ssh-ed25519,rsa-sha2-256,rsa-sha2-512") +
        ACCEPT +
        CONTINUE("publickey,password"),
      ["server-modern"],
    ],
    [
      "DSM 6's OpenSSH 6.8",
      VERSION("OpenSSH_6.8p1-hpn14v6") + ACCEPT + CONTINUE("publickey,password"),
      ["server-sha1-only"],
    ],
    [
      "one that says ssh-rsa alone",
      VERSION("dropbear_2018.76") + ALGORITHMS("ssh-rsa") + ACCEPT + CONTINUE("publickey"),
      ["server-sha1-only"],
    ],
    [
      "one without RSA",
      VERSION("OpenSSH_9.9") + ALGORITHMS("ssh-ed25519") + ACCEPT + CONTINUE("publickey"),
      ["server-no-rsa"],
    ],
    [
      "one that does not tell",
      VERSION("dropbear_2022.83") + ACCEPT + CONTINUE("publickey"),
      ["server-silent-on-algorithms"],
    ],
    [
      "one that takes passwords only",
      VERSION("OpenSSH_9.2") + ALGORITHMS("rsa-sha2-512") + ACCEPT + CONTINUE("password"),
      ["server-modern", "server-no-publickey"],
    ],
    [
      "one with old key exchanges",
      `${VERSION("OpenSSH_5.1")}Unable to negotiate with 192.0.2.1 port 22: no matching key exchange method found. Their offer: diffie-hellman-group1-sha1\r\n`,
      ["server-too-old"],
    ],
    ["nobody", "ssh: connect to host nas port 22: Connection refused\r\n", ["server-unreachable"]],
    [
      "a name that is none",
      "ssh: Could not resolve hostname nas: Name or service not known\r\n",
      ["server-unreachable"],
    ],
    [
      "an answer that is not SSH",
      "kex_exchange_identification: Connection closed by remote host\r\n",
      ["server-unreachable"],
    ],
    ["nothing at all", "", ["server-unreachable"]],
  ])("%s", (_what, output, ids) => {
    expect(findingsOf("nas", output).map(({ id }) => id)).toEqual(ids);
  });

  it("is told in the server's words, without what repaints the screen", () => {
    const [found] = findingsOf("nas", `debug1: x\r\nssh: connect to host nas port 22: Connection\u001b[2J refused\r\n`);
    expect(found).toMatchObject({ facts: { reason: expect.stringContaining("ssh: connect to host nas port 22") } });
    expect(JSON.stringify(found?.facts)).not.toContain("u001b");
  });
});

describe("checkServer", () => {
  it("offers no key, keeps no host key, and ends the options before the host", async () => {
    const system = fakeSystem({ programs: { ssh: { status: 255, stderr: "" } } });
    await checkServer({ host: "nas", port: 2222 }, system);
    const [command = []] = system.ran;
    for (const option of [
      "IdentityAgent=none",
      "PubkeyAuthentication=no",
      "UserKnownHostsFile=/dev/null",
      "ForwardAgent=no",
    ])
      expect(command).toContain(option);
    expect(command.slice(-5)).toEqual(["-p", "2222", "--", "nas", "true"]);
  });

  it("tells that there is no ssh", async () => {
    expect(await checkServer({ host: "nas", port: undefined }, fakeSystem())).toMatchObject([{ id: "server-no-ssh" }]);
  });
});
