#!/usr/bin/env node
// Must parse on any Node: its first job is to say which one is needed.
const needed = 24;
if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(`outrider needs Node.js ${needed} or newer; this is ${process.version}\n`);
  process.exit(1);
}
void import('../dist/cli/bin.js');
