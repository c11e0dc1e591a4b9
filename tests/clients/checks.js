// What the Node clients' tests share.  A test writes the task's points with its client, and says "ok NAME" or
// "FAILED NAME: why" for each thing that the client itself must see; `run` reads the points back and compares.
'use strict';
const fs = require('fs');
exports.task = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));

exports.check = async (name, test) => {
  try {
    await test();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`FAILED ${name}: ${String(error && error.stack || error).replace(/\s*\n\s*/g, ' | ')}`);
  }
};

exports.want = (value, what) => {
  if (!value) throw new Error(`wanted ${what}`);
};

// The error of a promise that must fail.
exports.failure = async promise => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it succeeded');
};

const NS = { n: 1n, ns: 1n, u: 1000n, us: 1000n, ms: 1000000n, s: 1000000000n, m: 60000000000n, h: 3600000000000n };
exports.time = (ns, unit) => String(BigInt(ns) / NS[unit]);
