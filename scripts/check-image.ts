// Checks the image as far as that goes without an engine: the Dockerfile's rules; its build stage, run step by step in an empty
// folder with what COPY would bring; the files of the last stage, and that they run with the libraries that the base has.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readHeader } from './binary/header.ts';
import { BASE_LIBRARIES, cannotMakeBase, makeBase } from './binary/image/base.ts';
import { contextFiles } from './binary/image/context.ts';
import { copy, type Place, runStage } from './binary/image/execute.ts';
import { parseDockerfile } from './binary/image/parse.ts';
import { faultsOf } from './binary/image/rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const BINARY = 'usr/local/bin/outrider';

function expect(what: string, seen: readonly string[], wanted: readonly string[] = []): void {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${what}: ${seen.join('\n')}`);
  console.log(`ok  ${what}`);
}

const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
const files = contextFiles(root);
expect('the Dockerfile follows its rules', faultsOf(stages, files));
const stray = files.filter(
  (file) =>
    !/^(src|web|scripts\/binary)\/|^scripts\/build-binary\.ts$|^(package(-lock)?\.json|\.npmrc|LICENSE)$/.test(file),
);
expect('the build is given sources and nothing else', [
  ...stray,
  ...files.filter((file) => /\.test\.ts$|\.env/.test(file)),
]);

const build = stages.find(({ name }) => name === 'build');
const final = stages.at(-1);
if (build === undefined || final === undefined) throw new Error('Dockerfile: no stage named build');

const folder = mkdtempSync(join(tmpdir(), 'outrider-image-'));
try {
  const context = join(folder, 'context');
  for (const file of files) cpSync(join(root, file), join(context, file));
  const place: Place = { root: join(folder, 'build'), workdir: '/' };
  const missing = cannotMakeBase();

  // First the other machine, of which only the executable is looked at; what does not depend on the machine is run once.
  runStage(build, place, {
    context,
    args: { TARGETARCH: 'arm64' },
    only: ({ keyword, text }) => keyword !== 'RUN' || !text.includes('rootfs'),
  });
  const out = join(place.root, 'build/out');
  const arm = readdirSync(out).find((file) => file.endsWith('linux-arm64')) ?? '';
  checkBinary('arm64', join(out, arm));
  rmSync(out, { recursive: true });
  runStage(build, place, {
    context,
    args: { TARGETARCH: 'amd64' },
    only: ({ keyword, text }) => keyword === 'RUN' && /TARGETARCH|rootfs/.test(text),
  });

  const image: Place = { root: join(folder, 'image'), workdir: '/' };
  if (missing === undefined) makeBase(image.root);
  const base = new Set(missing === undefined ? filesBelow(image.root) : []);
  for (const step of final.steps.filter(({ keyword }) => keyword === 'COPY')) {
    // The stage that is only copied from is an image of the same distribution as this machine.
    if (step.flags['from'] === 'build') copy(step, place.root, image);
    else if (missing === undefined) copy(step, '/', image);
  }
  const ours = filesBelow(image.root).filter((file) => !base.has(file));
  const library = missing === undefined ? ['usr/lib/libatomic.so.1'] : [];
  expect('the image adds this to its base', ours, [...library, BINARY, 'usr/share/doc/outrider-licenses.txt']);
  checkBinary('x64', join(image.root, BINARY));

  if (missing === undefined) {
    // The test needs a /proc, as every container has.
    mkdirSync(join(image.root, 'proc'), { recursive: true });
    const inside = `mount -t proc proc '${image.root}/proc' && exec chroot '${image.root}' /${BINARY} --version`;
    const said = execFileSync('unshare', ['-rmpf', 'sh', '-c', inside], { encoding: 'utf8' });
    expect(
      'it runs with what the image holds',
      [said.trim()],
      [JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version],
    );
  } else console.log(`skipped  it runs with what the image holds: ${missing}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function checkBinary(arch: string, file: string): void {
  const header = readHeader(file);
  expect(
    `the executable is for linux-${arch}`,
    [header.platform, header.arch, String(header.hasBlob)],
    ['linux', arch, 'true'],
  );
  const lacking = header.libraries.filter((name) => !BASE_LIBRARIES.has(name));
  expect('of the libraries that it needs, the base lacks only the one that is copied', lacking, ['libatomic.so.1']);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();
}
