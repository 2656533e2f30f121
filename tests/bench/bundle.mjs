// Bundles the peers for the browser: `node bundle.mjs OUT`. Run where `npm install` was run.
import { build } from "esbuild";

await build({
  entryPoints: ["jax", "tfjs", "ml-matrix"].map((peer) => `peers/${peer}.js`),
  outdir: `${process.argv[2]}/peers`,
  bundle: true,
  format: "esm",
  minify: true,
  legalComments: "none",
  logLevel: "error",
  define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
  external: ["node:*", "fs", "path", "module", "url", "worker_threads", "perf_hooks", "crypto"],
});
