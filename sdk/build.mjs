/**
 * Builds the script and the npm module, and hands the script with its integrity to the server's package.
 *
 * The version is that of the Python package, as server and script are released together. A script of more than 5 kB (gzip)
 * fails the build.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const GZIP_LIMIT = 5120;

const here = (path) => new URL(path, import.meta.url);
const dist = here("dist/");
const served = here("../src/accredit/server/sdk/");

const version = await readVersion();
await rm(dist, { recursive: true, force: true });
await bundle("src/global.ts", "dist/accredit.js", { format: "iife" });
await bundle("src/index.ts", "dist/accredit.mjs", { format: "esm" });
await serve(await shorten(here("dist/accredit.js")));

async function readVersion() {
  const source = await readFile(here("../src/accredit/__init__.py"), "utf8");
  const version = source.match(/^__version__ = "([^"]+)"$/m)?.[1];
  const { version: named } = JSON.parse(await readFile(here("package.json"), "utf8"));
  if (version !== named) throw new Error(`package.json has version ${named}, the Python package ${version}`);
  return version;
}

async function bundle(entry, outfile, options) {
  await build({
    absWorkingDir: here(".").pathname,
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    // Our own members begin with an underscore, and nothing of the page, the wire or the DOM does.
    mangleProps: /^_/,
    target: "es2022",
    charset: "utf8",
    // Modules are strict anyway; the script saves the directive.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, alwaysStrict: false } },
    define: { VERSION: JSON.stringify(version) },
    logLevel: "warning",
    ...options,
  });
}

/** Pages load the script as it is, so a second minifier, which saves another 3 %, pays; users of the module have theirs. */
async function shorten(path) {
  const compress = {
    ...{ passes: 5, hoist_funs: true, sequences: false, pure_getters: true },
    ...{ unsafe: true, unsafe_arrows: true, unsafe_methods: true },
  };
  const { code } = await minify(await readFile(path, "utf8"), { ecma: 2020, toplevel: true, compress });
  await writeFile(path, code);
  return Buffer.from(code);
}

async function serve(script) {
  const gzip_bytes = gzipSync(script, { level: 9 }).length;
  console.log(`accredit.js ${version}: ${script.length} bytes, ${gzip_bytes} gzip`);
  if (gzip_bytes > GZIP_LIMIT) throw new Error(`accredit.js has ${gzip_bytes} bytes gzip, more than ${GZIP_LIMIT}`);
  const integrity = `sha384-${createHash("sha384").update(script).digest("base64")}`;
  const told = JSON.stringify({ version, integrity, bytes: script.length, gzip_bytes }) + "\n";
  await mkdir(served, { recursive: true });
  for (const folder of [dist, served]) await writeFile(new URL("integrity.json", folder), told);
  await writeFile(new URL("accredit.js", served), script);
}
