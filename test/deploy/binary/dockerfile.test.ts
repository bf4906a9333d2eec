import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { contextFiles } from '../../../scripts/binary/image/context.ts';
import { parseDockerfile } from '../../../scripts/binary/image/parse.ts';
import { faultsOf } from '../../../scripts/binary/image/rules.ts';
import { ROOT } from '../../support/process.ts';

const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const files = contextFiles(ROOT);
const faults = (text: string): string[] => faultsOf(parseDockerfile(text), files);

test('our Dockerfile has no fault', () => {
  assert.deepEqual(faults(dockerfile), []);
});

const BROKEN: readonly [from: string | RegExp, to: string, fault: RegExp][] = [
  [/node:26[\w.-]+/, 'node:latest', /no version is pinned/],
  [/node:26[\w.-]+/, 'node:25.0.0-slim', /the executable holds Node\.js 26/],
  [/cc-debian13:nonroot/, 'cc-debian13', /no version is pinned/],
  ['USER 65532:65532', 'USER 0:0', /USER: expected numbers other than 0/],
  ['USER 65532:65532\n', '', /expected one USER/],
  ['ENTRYPOINT ["/usr/local/bin/outrider"]', 'ENTRYPOINT /usr/local/bin/outrider', /ENTRYPOINT: expected a list/],
  [/HEALTHCHECK .*\n/, '', /expected one HEALTHCHECK/],
  ['EXPOSE 8080', 'EXPOSE 9090', /expected 8080/],
  ['WORKDIR /\nVOLUME', 'WORKDIR /var/lib/outrider\nVOLUME', /WORKDIR: expected \//],
  ['WORKDIR /\nVOLUME', 'VOLUME', /expected one WORKDIR/],
  [
    'COPY --from=build /build/rootfs/usr/',
    'COPY --from=builder /build/rootfs/usr/',
    /no stage before it is named builder/,
  ],
  ['COPY src ./src', 'COPY sources ./src', /sources is not there/],
  ['COPY src ./src', 'COPY test ./test', /test is not there, or \.dockerignore leaves it out/],
  ['COPY src ./src', 'ADD src ./src', /ADD: not expected/],
  ['CMD ["sidecar"]', 'RUN chmod +x /usr/local/bin/outrider\nCMD ["sidecar"]', /no shell in the last stage/],
  ['ARG TARGETARCH', 'ARG NPM_TOKEN', /names a secret/],
];

for (const [from, to, fault] of BROKEN) {
  test(`it is a fault to say ${JSON.stringify(to)}`, () => {
    const broken = dockerfile.replace(from, to);
    assert.notEqual(broken, dockerfile);
    const found = faults(broken);
    assert.ok(
      found.some((line) => fault.test(line)),
      found.join('\n'),
    );
    for (const line of found) assert.match(line, /^Dockerfile:\d+: /);
  });
}

test('.dockerignore: the last pattern that fits decides, for a folder and what is in it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-context-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const file of ['.env', 'a/b.ts', 'a/b.test.ts', 'a/deep/c.test.ts', 'a/check/d.ts', 'ab.ts', 'x.ts']) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), '');
  }
  writeFileSync(join(folder, '.dockerignore'), '# a comment\n*\n!a\n!x?ts\na/check\n**/*.test.ts\n');
  assert.deepEqual(contextFiles(folder), ['a/b.ts', 'x.ts']);
});
