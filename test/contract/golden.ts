// Writes the binary form of each `golden/vX.Y/*.body` that has none yet: `node test/contract/golden.ts --write`. What is there stays as
// it is, for it was sent so.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buf } from '../../scripts/contract/buf.ts';
import { codecOf } from '../../src/contract/codec.ts';
import { messageOf, NEXT_PROTO, NEXT_VERSION, nextMessageOf } from './versions.ts';

const DIRECTORY = join(import.meta.dirname, 'golden');

if (process.argv[2] === '--write') {
  const next = join(NEXT_PROTO, `v${NEXT_VERSION}.binpb`);
  if (!existsSync(next)) buf(['build', NEXT_PROTO, '--exclude-source-info', '--output', next]);
  for (const version of readdirSync(DIRECTORY)) {
    for (const name of readdirSync(join(DIRECTORY, version))) {
      const file = join(DIRECTORY, version, name.replace(/\.body$/, '.binpb'));
      if (!name.endsWith('.body') || existsSync(file)) continue;
      const message = name.split('-', 1)[0] ?? '';
      const codec = codecOf(version === `v${NEXT_VERSION}` ? nextMessageOf(message) : messageOf(message));
      const json: unknown = JSON.parse(readFileSync(join(DIRECTORY, version, name), 'utf8'));
      writeFileSync(file, codec.encode(message.endsWith('Request') ? codec.check(json) : codec.checkReply(json)));
    }
  }
} else console.log('usage: node test/contract/golden.ts --write');
