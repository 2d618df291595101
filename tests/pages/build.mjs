// Bundles the page with Epic's library of each version given: build.mjs FOLDER VERSION...
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as esbuild from "esbuild";

const [folder, ...versions] = process.argv.slice(2);

const html = (version) => `<!doctype html>
<html lang="en"><title>UE ${version}</title><link rel="icon" href="data:,">
<style>#video { position: fixed; inset: 0 }</style>
<div id="video"></div><script src="${version}.js"></script></html>`;

await Promise.all(
  versions.map(async (version) => {
    await esbuild.build({
      absWorkingDir: import.meta.dirname,
      entryPoints: ["page.js"],
      alias: { frontend: `@epicgames-ps/lib-pixelstreamingfrontend-ue${version}` },
      bundle: true,
      logLevel: "error",
      outfile: join(folder, `${version}.js`),
    });
    await writeFile(join(folder, `${version}.html`), html(version));
  }),
);
