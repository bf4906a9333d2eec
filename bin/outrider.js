#!/usr/bin/env node
// Must parse on any Node: its first job is to say which one is needed.
const needed = 24;
if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(`outrider needs Node.js ${needed} or newer; this is ${process.version}\n`);
  process.exit(1);
}

// What lives beside an agent for long gets a small young generation and an old one that grows slowly: half the memory under
// load (docs/performance.md). V8 takes that only at its start, so the process puts itself in its own place, under the same pid.
const lives = ['sidecar', 'run', 'host'].includes(process.argv[2]);
const sized = process.execArgv.concat(process.env.NODE_OPTIONS || '').some((flag) => /-(space|heap)-size/.test(flag));
if (lives && !sized && typeof process.execve === 'function') {
  const flags = ['--max-semi-space-size=8', '--heap-growing-percent=50'];
  process.execve(
    process.execPath,
    [process.execPath, ...process.execArgv, ...flags, ...process.argv.slice(1)],
    process.env,
  );
}

void import('../dist/cli/bin.js');
