#!/usr/bin/env node
"use strict";
// Before anything touches the thread pool: a broker syncs many files at once, and the pool's size is fixed at its first use. An ES module
// would be too late, its loader has used the pool already.
process.env.UV_THREADPOOL_SIZE ??= "16";

const { existsSync, readFileSync } = require("node:fs");
const { createRequire, enableCompileCache } = require("node:module");
const { dirname, join } = require("node:path");
const { setFlagsFromString } = require("node:v8");
const { Script } = require("node:vm");

// Records pass as buffers outside of V8's heap, and those set off its collections: some ten a second under load, of a heap of a few megabytes.
// Marking it in one go takes a few milliseconds; marking it concurrently took a third of all CPU time.
setFlagsFromString("--no-incremental-marking");

const bundle = join(__dirname, "../dist/bundle/ottla.cjs");
// From Node 22.1 on the runtime keeps compiled code by itself; before that the build leaves it beside the bundle.
if (enableCompileCache) {
  enableCompileCache();
  require(bundle);
} else {
  const cache = `${bundle}.cache`;
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${readFileSync(bundle, "utf8")}\n})`, {
    filename: bundle,
    ...(existsSync(cache) ? { cachedData: readFileSync(cache) } : {}),
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(bundle), module, bundle, dirname(bundle));
}
