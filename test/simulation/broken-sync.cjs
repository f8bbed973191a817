"use strict";
// Preloaded into a node to break its syncs, as BROKEN_SYNC says: a run that cuts the power must find out.
const fs = require("node:fs");

const lateByMs = 200;
const { fdatasync, fsync } = fs;

function broken(real) {
  return (fd, done) => {
    if (process.env.BROKEN_SYNC === "answer-before-sync") setTimeout(() => real(fd, () => {}), lateByMs);
    process.nextTick(done, null);
  };
}

fs.fdatasync = broken(fdatasync);
fs.fsync = broken(fsync);
