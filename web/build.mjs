// Builds the page into ../signalling/page (or --outdir=DIR); --test bundles and runs the unit tests.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const argument = (name) =>
  process.argv.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3);
const outdir = resolve(here, argument("outdir") ?? "../signalling/page");

const options = {
  absWorkingDir: here,
  entryPoints: { viewer: "src/main.ts", style: "src/styles/main.css" },
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome108", "firefox115", "safari16"],
  minify: !process.argv.includes("--watch"),
  sourcemap: process.argv.includes("--watch"),
  entryNames: "assets/[name]-[hash]",
  assetNames: "assets/[name]-[hash]",
  legalComments: "none", // the licences are in licences.txt
  loader: { ".svg": "file" },
  metafile: true,
  outdir,
};

/** The built file that came from `entry`, as index.html refers to it. */
function builtName(metafile, entry) {
  const found = Object.entries(metafile.outputs).find(([, each]) => each.entryPoint === entry);
  return `assets/${basename(found[0])}`;
}

async function writePage({ metafile }) {
  const template = await readFile(join(here, "src/index.html"), "utf8");
  const page = template
    .replace("{{script}}", builtName(metafile, "src/main.ts"))
    .replace("{{style}}", builtName(metafile, "src/styles/main.css"));
  await writeFile(join(outdir, "index.html"), page);
  await writeFile(join(outdir, "favicon.svg"), await readFile(join(here, "src/favicon.svg")));
  await writeFile(join(outdir, "licences.txt"), await licences(metafile));
}

/** What the bundle contains of others, with their licences. */
async function licences(metafile) {
  const packages = new Set(
    Object.keys(metafile.inputs).flatMap(
      (path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? [],
    ),
  );
  const texts = await Promise.all([...packages].sort().map(licence));
  return `This page contains the following packages.\n\n${texts.join("\n\n")}\n`;
}

async function licence(name) {
  const folder = join(here, "node_modules", name);
  const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? `\n\n${(await readFile(join(folder, file), "utf8")).trim()}` : "";
  return `${name} ${about.version} (${about.license})${text}`;
}

async function build() {
  await rm(outdir, { recursive: true, force: true });
  const result = await esbuild.build(options);
  await writePage(result);
  console.log(`page built in ${outdir}`);
}

async function watch() {
  const plugin = {
    name: "page",
    setup: (each) => each.onEnd((result) => result.metafile && writePage(result)),
  };
  const context = await esbuild.context({
    ...options,
    entryNames: "[name]",
    plugins: [plugin],
  });
  await context.watch();
}

async function test() {
  const folder = await mkdtemp(join(tmpdir(), "viewer-test-"));
  const names = (await readdir(join(here, "test"))).filter((each) => each.endsWith(".test.ts"));
  await esbuild.build({
    absWorkingDir: here,
    entryPoints: names.map((name) => join("test", name)),
    bundle: true,
    platform: "node",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    outdir: folder,
  });
  // Named one by one: what a folder means here differs between versions of Node.
  const files = names.map((name) => join(folder, name.replace(/\.ts$/, ".mjs")));
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=dot", ...files], {
    stdio: "inherit",
  });
  await rm(folder, { recursive: true, force: true });
  process.exitCode = run.status ?? 1;
}

const [task] = [
  process.argv.includes("--test") && test,
  process.argv.includes("--watch") && watch,
  build,
].filter(Boolean);
await task();
