/**
 * `npm test`: makes the machine ready, builds, runs every test, and looks for what the tests left behind.
 *
 * On Debian as root it installs the Debian packages that the system tests need. Elsewhere only the project "unit" is
 * run, and said to be; with CI=true that is a failure. The last line is `N passed, N failed`, with `, N skipped` if
 * there are any. Arguments are passed on to vitest.
 */

import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const IN_CI = process.env.CI === "true";

/** What the system tests use, and what the two optional native packages need to be compiled. */
const DEBIAN_PACKAGES = [
  ...[
    "pcscd",
    "vsmartcard-vpcd",
    "opensc",
    "opensc-pkcs11",
    "p11-kit-modules",
    "openssl",
    "libopenjp2-tools",
    "file",
    "openssh-server",
    "openssh-client",
    "git",
    "tmux",
    "psmisc",
    "procps",
  ],
  ...["pinentry-curses", "systemd", "iproute2"],
  ...["libxml2-utils", "zsh", "fish"],
  ...["build-essential", "python3", "pkg-config", "libpcsclite-dev", "libsecret-1-dev"],
  ...["gnome-keyring", "dbus"],
  ...["rsync", "python3-paramiko", "putty-tools", "dropbear-bin", "libnss-wrapper", "libssh-dev", "ansible-core"],
  ...["p11-kit", "gnutls-bin", "libengine-pkcs11-openssl", "libnss3-tools", "curl"],
  ...["nginx-light", "apache2-bin", "chromium", "xvfb", "xdotool", "openjdk-17-jre-headless"],
];

/** Compiled when they are installed; left out by npm where that fails. */
const NATIVE_PACKAGES = ["pcsclite", "keytar"];

const VITEST = "node_modules/vitest/vitest.mjs";

/** Set for everything the tests start, to know it again; a program that overwrites its environment is told by name. */
const RUN_MARK = `JPKI_AGENT_TEST_RUN=${randomUUID()}`;
const OVERWRITES_ITS_ENVIRONMENT = ["sshd"];

/** How long something may take to end after the tests, milliseconds. */
const END_MS = 3000;

process.chdir(ROOT);
process.exitCode = await main();

async function main() {
  const obstacle = prepareSystem();
  if (obstacle === undefined) prepareNativePackages();
  if (!run("npm", ["run", "--silent", "build"])) return finish({ passed: 0, failed: 1, skipped: 0 });
  const before = new Set(processes().map(({ pid }) => pid));
  const counts = runVitest(obstacle === undefined ? [] : ["--project", "unit"]);
  const left = await leftOver(before);
  for (const { pid, name, command } of left) console.log(`left running by the tests: ${name} (${pid}) ${command}`);
  if (obstacle !== undefined) {
    console.log(`only the unit tests were run: ${obstacle}`);
    if (IN_CI) counts.failed += 1;
  }
  return finish({ ...counts, failed: counts.failed + left.length });
}

/** @returns why the system tests cannot be run; undefined if they can. */
function prepareSystem() {
  if (!existsSync("/etc/debian_version")) return "the system tests need Debian";
  const missing = missingDebianPackages();
  const isRoot = process.getuid?.() === 0;
  if (missing.length > 0 && isRoot) {
    console.log(`installing Debian packages: ${missing.join(" ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    run("apt-get", ["-q", "update"], env);
    run("apt-get", ["-q", "install", "-y", "--no-install-recommends", ...missing], env);
  }
  const obstacles = isRoot ? [] : ["the system tests need root, for pcscd"];
  const stillMissing = missing.length > 0 ? missingDebianPackages() : [];
  if (stillMissing.length > 0) obstacles.push(`these packages are missing: ${stillMissing.join(" ")}`);
  return obstacles.length > 0 ? obstacles.join("; ") : undefined;
}

function missingDebianPackages() {
  const query = ["-W", "-f", `\${Package} \${db:Status-Status}\n`, ...DEBIAN_PACKAGES];
  const { stdout } = spawnSync("dpkg-query", query, { encoding: "utf8" });
  const installed = new Set(stdout.split("\n").filter((line) => line.endsWith(" installed")));
  return DEBIAN_PACKAGES.filter((name) => !installed.has(`${name} installed`));
}

/**
 * npm leaves an optional package out when it does not compile; now that compiler and headers are there, it is tried
 * again: `npm install` brings back one that was left out, `npm rebuild` compiles one that was only unpacked.
 */
function prepareNativePackages() {
  if (NATIVE_PACKAGES.some((name) => !existsSync(join("node_modules", name)))) run("npm", ["install", "--no-save"]);
  const unbuilt = NATIVE_PACKAGES.filter(
    (name) => !existsSync(join("node_modules", name, `build/Release/${name}.node`)),
  );
  if (unbuilt.length > 0) run("npm", ["rebuild", ...unbuilt]);
}

function runVitest(args) {
  const folder = mkdtempSync(join(tmpdir(), "jpki-agent-test-"));
  const countsFile = join(folder, "counts.json");
  const [markName, markValue] = RUN_MARK.split("=");
  const env = { ...process.env, [markName]: markValue, JPKI_AGENT_TEST_COUNTS: countsFile };
  const ours = ["reporter.ts", "stand-still.ts"].map((file) => `--reporter=./test/helpers/${file}`);
  const reporters = ["--reporter=default", ...ours];
  const ok = run(process.execPath, [VITEST, "run", ...reporters, ...args, ...process.argv.slice(2)], env);
  try {
    const counts = JSON.parse(readFileSync(countsFile, "utf8"));
    const none = counts.passed + counts.failed === 0;
    return ok === (counts.failed === 0) && !none ? counts : { ...counts, failed: Math.max(counts.failed, 1) };
  } catch (error) {
    console.log(`vitest ended without its counts: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the tests started and did not end. Known on Linux only. */
async function leftOver(before) {
  const find = () => processes().filter((found) => !before.has(found.pid) && isOurs(found));
  const end = performance.now() + END_MS;
  let left = find();
  while (left.length > 0 && performance.now() < end) {
    await sleep(50);
    left = find();
  }
  return left;
}

function isOurs({ name, environment }) {
  return environment.includes(RUN_MARK) || OVERWRITES_ITS_ENVIRONMENT.includes(name);
}

function processes() {
  if (!existsSync("/proc/self/environ")) return [];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const read = (file) => readFileSync(`/proc/${pid}/${file}`, "utf8");
        const command = read("cmdline").split("\0").join(" ").trim();
        return [{ pid, name: read("comm").trim(), command, environment: read("environ").split("\0") }];
      } catch {
        return []; // ended meanwhile, or another user's
      }
    });
}

function finish({ passed, failed, skipped }) {
  const counts = [`${passed} passed`, `${failed} failed`, ...(skipped > 0 ? [`${skipped} skipped`] : [])];
  console.log(counts.join(", "));
  return failed > 0 || (IN_CI && skipped > 0) ? 1 : 0;
}

function run(command, args, env = process.env) {
  console.log(`$ ${command} ${args.join(" ")}`);
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"], env });
  if (error !== undefined) console.log(`${command}: ${error.message}`);
  return status === 0;
}
