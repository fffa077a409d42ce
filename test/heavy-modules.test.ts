/** What is loaded at each start, and what only when it is used: the import statements of the bundle, as it is built. */

import { build } from "esbuild";
import { expect, it } from "vitest";

/** The file where a part of the bundle begins, and the packages that are loaded with it, by import statements alone. */
async function packagesByEntry(): Promise<ReadonlyMap<string, readonly string[]>> {
  const { metafile } = await build({
    entryPoints: ["cli/main.ts", "agent/library/index.ts", "agent/library/ssh2.ts"],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    packages: "external",
    outdir: "dist",
    write: false,
    metafile: true,
  });
  const collect = (output: string, seen: Set<string>): Set<string> => {
    if (seen.has(output)) return seen;
    seen.add(output);
    for (const { path, kind, external } of metafile.outputs[output]?.imports ?? []) {
      if (kind !== "import-statement") continue;
      if (external) seen.add(path);
      else collect(path, seen);
    }
    return seen;
  };
  const isPackage = (name: string) => !name.startsWith("dist/") && !name.startsWith("node:");
  return new Map(
    Object.entries(metafile.outputs).flatMap(([output, { entryPoint }]) =>
      entryPoint === undefined ? [] : [[entryPoint, [...collect(output, new Set())].filter(isPackage)]],
    ),
  );
}

const packages = await packagesByEntry();

it.each([
  ["cli/main.ts", ["commander"]],
  ["agent/main.ts", []],
  ["agent/library/index.ts", []],
  ["agent/library/ssh2.ts", ["ssh2"]],
  ["lib/node.ts", []],
  ["lib/card/pcsc-mini.ts", []],
  ["lib/card/pcsclite.ts", []],
  ["lib/pin/keychain.ts", []],
])("%s loads no package but %j", (entry, expected) => {
  expect(packages.get(entry)).toEqual(expected);
});

it("sees the packages of the parts that are loaded when they are used", () => {
  expect(packages.get("lib/config-file.ts")).toEqual(expect.arrayContaining(["smol-toml", "zod"]));
  expect(packages.get("lib/virtual-card/store.ts")).toContain("pkijs");
  expect(packages.get("cli/demo.ts")).toContain("ssh2");
  expect(packages.get("lib/pino-log.ts")).toEqual(["pino"]);
});
