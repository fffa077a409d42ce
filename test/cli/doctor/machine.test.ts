import { describe, expect, it } from "vitest";
import { checkBindings } from "../../../cli/doctor/bindings.ts";
import { checkDrivers, usbReaders } from "../../../cli/doctor/drivers.ts";
import { checkFiles } from "../../../cli/doctor/files.ts";
import { checkHolders } from "../../../cli/doctor/holders.ts";
import { checkNodeVersion } from "../../../cli/doctor/node-version.ts";
import { checkPcscService } from "../../../cli/doctor/pcsc-service.ts";
import { checkPolkit, polkitRule } from "../../../cli/doctor/polkit.ts";
import { faultOf } from "../../../lib/agent-status.ts";
import { bindingError, pcscError } from "../../../lib/card/pcsc-errors.ts";
import { PCSCD_SOCKET } from "../../../lib/card/pcscd-answers.ts";
import { fakeSystem } from "../../helpers/fake-system.ts";

describe("checkNodeVersion", () => {
  it.each([
    ["20.19.0", "node-ok"],
    ["20.20.2", "node-ok"],
    ["22.1.0", "node-ok"],
    ["20.18.9", "node-old"],
    ["18.20.0", "node-old"],
  ])("%s: %s", (version, id) => {
    expect(checkNodeVersion(version, ">=20.19")).toMatchObject({ id, level: id === "node-ok" ? "ok" : "fail" });
  });
});

describe("checkBindings", () => {
  const broken = bindingError("pcsclite", new Error("no such file"));
  const loads = (mini: boolean, lite: boolean) => [
    { name: "pcsc-mini", error: mini ? undefined : broken } as const,
    { name: "pcsclite", error: lite ? undefined : broken } as const,
  ];

  it.each([
    ["auto", true, true, ["ok", "ok"]],
    ["auto", true, false, ["ok", "warn"]],
    ["auto", false, false, ["fail", "fail"]],
    ["pcsclite", true, false, ["ok", "fail"]],
    ["pcsc-mini", true, false, ["ok", "warn"]],
  ] as const)("%s, pcsc-mini %s, pcsclite %s: %j", (wanted, mini, lite, levels) => {
    expect(checkBindings(wanted, loads(mini, lite)).map(({ level }) => level)).toEqual(levels);
  });
});

describe("checkPcscService", () => {
  const program = { "/usr/sbin/pcscd": "" };

  it("runs, with its version", async () => {
    const system = fakeSystem({
      files: program,
      sockets: { [PCSCD_SOCKET]: "listens" },
      programs: { pcscd: { stdout: "pcsc-lite version 1.9.9.\nCopyright" } },
    });
    expect(await checkPcscService(system)).toMatchObject({ id: "pcscd-runs", facts: { version: "1.9.9" } });
  });

  it.each([
    [{ files: program }, "pcscd-absent", { installed: true }],
    [{}, "pcscd-absent", { installed: false }],
    [{ sockets: { [PCSCD_SOCKET]: "denied" } }, "pcscd-denied", { path: PCSCD_SOCKET }],
    [{ platform: "darwin" }, "pcscd-built-in", {}],
  ] as const)("%j: %s", async (machine, id, facts) => {
    expect(await checkPcscService(fakeSystem(machine))).toMatchObject({ id, facts });
  });
});

describe("checkPolkit", () => {
  const refused = pcscError("watch the readers", Object.assign(new Error("x"), { code: "SecurityViolation" }));

  it("prints the rule where the service refuses the user", () => {
    const found = checkPolkit({ fault: faultOf(refused), readers: [], cards: [] }, "taro", fakeSystem());
    expect(found).toMatchObject({ id: "polkit-refuses", level: "fail", facts: { rule: polkitRule("taro") } });
    expect(polkitRule("taro")).toContain('subject.user == "taro"');
    expect(polkitRule('a"b\n')).toContain('"a\\"b\\n"');
  });

  it("says nothing while PC/SC cannot be used for another reason", () => {
    const gone = pcscError("watch the readers", Object.assign(new Error("x"), { code: "NoService" }));
    const found = checkPolkit({ fault: faultOf(gone), readers: [], cards: [] }, "taro", fakeSystem());
    expect(found.level).toBe("skipped");
  });

  it("is well where PC/SC works", () => {
    expect(checkPolkit({ readers: [], cards: [] }, "taro", fakeSystem()).level).toBe("ok");
  });
});

describe("drivers", () => {
  const usb = {
    "/sys/bus/usb/devices/1-2/product": "SCR33xx v2.0 USB SC Reader\n",
    "/sys/bus/usb/devices/1-2:1.0/bInterfaceClass": "0b\n",
    "/sys/bus/usb/devices/1-3:1.0/bInterfaceClass": "03\n",
  };

  it("are there", () => {
    const system = fakeSystem({ files: { "/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents": "" } });
    expect(checkDrivers(system)).toMatchObject({ id: "driver-found", facts: { drivers: ["ifd-ccid"] } });
  });

  it("are missing, while the kernel sees a reader", () => {
    const found = checkDrivers(fakeSystem({ files: usb }));
    expect(found).toMatchObject({ id: "driver-missing", facts: { usbReaders: ["SCR33xx v2.0 USB SC Reader"] } });
  });

  it("USB readers are told by their class", () => {
    expect(usbReaders(fakeSystem({ files: usb }))).toEqual(["SCR33xx v2.0 USB SC Reader"]);
  });
});

describe("checkHolders", () => {
  const line = (path: string, local: number, peer: number, users = "") =>
    `u_str ESTAB 0      0      ${path} ${local}            * ${peer} ${users}`;
  const pcscd = 'users:(("pcscd",pid=9,fd=5))';
  const withSs = (...lines: readonly string[]) => fakeSystem({ programs: { ss: { stdout: lines.join("\n") } } });

  it("names the programs at the other end, and what is known of them", async () => {
    const system = withSs(
      line(PCSCD_SOCKET, 100, 101, pcscd),
      line("*", 101, 100, 'users:(("scdaemon",pid=11,fd=3))'),
      line(PCSCD_SOCKET, 102, 103, pcscd),
      line("*", 103, 102, 'users:(("ssh-pkcs11-help",pid=12,fd=3))'),
      line(PCSCD_SOCKET, 104, 105, pcscd),
      line("*", 105, 104),
      line(PCSCD_SOCKET, 106, 107, pcscd),
      line("*", 107, 106, 'users:(("node",pid=13,fd=3))'),
      line("*", 201, 200, 'users:(("other",pid=14,fd=3))'),
    );
    const found = await checkHolders(system, 1, 13);
    expect(found).toMatchObject({ id: "holders-some", level: "warn" });
    expect(found.facts).toEqual({
      programs: [
        { name: "scdaemon", pid: 11, kind: "scdaemon" },
        { name: "ssh-pkcs11-help", pid: 12, kind: "opensc" },
        { name: "?", pid: undefined, kind: "other" },
        { name: "node", pid: 13, kind: "jpki-agent" },
      ],
    });
  });

  it("is well with our agent alone, and with this process", async () => {
    const lines = [line(PCSCD_SOCKET, 100, 101, pcscd), line("*", 101, 100, 'users:(("node",pid=13,fd=3))')];
    expect(await checkHolders(withSs(...lines), 1, 13)).toMatchObject({ id: "holders-some", level: "ok" });
    expect(await checkHolders(withSs(...lines), 13, undefined)).toMatchObject({ id: "holders-none" });
  });

  it.each([[{}], [{ programs: { ss: { status: 1 } } }], [{ platform: "darwin" }]] as const)(
    "cannot tell with %j",
    async (machine) => {
      expect(await checkHolders(fakeSystem(machine), 1, undefined)).toMatchObject({ id: "holders-unknown" });
    },
  );
});

describe("checkFiles", () => {
  const modes = { "/s": 0o700, "/s/keys.json": 0o600, "/r": 0o755, "/r/a.sock": 0o600 };

  it("is well when only the owner reaches them", () => {
    expect(checkFiles("/s", "/r/a.sock", fakeSystem({ modes }))).toMatchObject([{ id: "files-private" }]);
  });

  it.each([
    ["/s", 0o755, "0755", "0700"],
    ["/s/keys.json", 0o644, "0644", "0600"],
    ["/r", 0o777, "0777", "0755"],
    ["/r/a.sock", 0o660, "0660", "0600"],
  ])("%s with mode %o", (path, mode, told, wanted) => {
    const found = checkFiles("/s", "/r/a.sock", fakeSystem({ modes: { ...modes, [path]: mode } }));
    expect(found).toMatchObject([{ id: "files-open", level: "fail", facts: { path, mode: told, wanted } }]);
  });
});
