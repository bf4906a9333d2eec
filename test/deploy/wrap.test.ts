import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DockerfileParser } from 'dockerfile-ast';
import fc from 'fast-check';
import { ManifestTextError } from '../../src/deploy/text/line-note.ts';
import { type WrapOptions, wrapDockerfile } from '../../src/deploy/wrap.ts';
import { assertExamples } from './example.ts';
import { assertGolden, lineTexts, readSections } from './golden-file.ts';

/**
 * Cases in the form of the manifests' golden files, with `options.json`: `WrapOptions`; `crlf`, `noNewline`: the input has Windows
 * line ends, or none at the end of the file.
 */
interface CaseOptions extends Partial<WrapOptions> {
  readonly crlf?: boolean;
  readonly noNewline?: boolean;
}

const FOLDER = join(import.meta.dirname, 'golden', 'wrap');
const IMAGE = 'outrider/outrider:1.2.3';

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))) {
  test(`wrap: ${file.replace('.txt', '')}`, () => {
    const path = join(FOLDER, file);
    const sections = readSections(path);
    const { crlf = false, noNewline = false, ...rest }: CaseOptions = JSON.parse(sections['options.json'] ?? '{}');
    const options = { image: IMAGE, ...rest };
    const input = (sections['input'] ?? '').replaceAll('\n', crlf ? '\r\n' : '\n');
    const got = run(noNewline ? input.trimEnd() : input, options);
    const { output } = got;
    // The file of the case has Unix line ends, and one at its end.
    const shown = output && (crlf ? onlyWindows(output) : noNewline ? `${output}\n` : output);
    assertGolden(path, sections, shown === undefined ? got : { ...got, output: shown });
    if (output === undefined) return;
    assert.equal(run(output, options)['output'], output, 'wrapping twice changes nothing');
    checkResult(output);
  });
}

function run(text: string, options: WrapOptions): Record<string, string> {
  try {
    const { text: output, notes } = wrapDockerfile(text, options);
    return { output, ...(notes.length > 0 && { notes: lineTexts(notes) }) };
  } catch (error) {
    if (!(error instanceof ManifestTextError)) throw error;
    return { faults: lineTexts(error.faults) };
  }
}

function onlyWindows(text: string): string {
  assert.doesNotMatch(text, /(?<!\r)\n/, 'every line ends as the others do');
  return text.replaceAll('\r\n', '\n');
}

/** What a builder makes of the file: an image that starts `outrider run`, and has it. */
function checkResult(text: string): void {
  const steps = lastStage(text);
  const argv = [...wordsOf(steps, 'ENTRYPOINT'), ...wordsOf(steps, 'CMD')];
  assert.match(argv.join(' '), /^(\/usr\/local\/bin\/|\/bin\/sh -c )?outrider run -- ./);
  const copied = steps.some((step) => /^COPY --from=\S+:\S+ \/usr\/local\/bin\/outrider /.test(step.toString()));
  assert.ok(copied, 'the executable is copied');
}

function lastStage(text: string) {
  const tree = DockerfileParser.parse(text);
  const last = tree.getFROMs().at(-1);
  assert.ok(last);
  return tree.getContainingImage(last.getRange().start)?.getInstructions() ?? [];
}

function wordsOf(steps: ReturnType<typeof lastStage>, keyword: string): string[] {
  const text = steps.findLast((step) => step.getKeyword() === keyword)?.getArgumentsContent();
  if (text === undefined || text === null) return [];
  // A list of words, or else a text for a shell.
  return text.startsWith('[') ? (JSON.parse(text) as string[]) : ['/bin/sh', '-c', text];
}

test('whatever words there are, they come behind outrider run as they were', () => {
  const word = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), fc.array(word, { maxLength: 3 }), (entrypoint, cmd) => {
      fc.pre(!/run/.test(entrypoint[1] ?? '') && ![...entrypoint, ...cmd].some((text) => /8080|9090/.test(text)));
      const input = `FROM debian:13\nENTRYPOINT ${JSON.stringify(entrypoint)}\nCMD ${JSON.stringify(cmd)}\n`;
      const { text } = wrapDockerfile(input, { image: IMAGE });
      // U+2028 ends a line for regular expressions, and none of a Dockerfile.
      const last = text.split('\n').find((line) => line.startsWith('ENTRYPOINT ')) ?? '';
      assert.deepEqual(JSON.parse(last.slice('ENTRYPOINT '.length)), [
        '/usr/local/bin/outrider',
        'run',
        '--',
        ...entrypoint,
      ]);
      assert.ok(text.endsWith(`\nCMD ${JSON.stringify(cmd)}\n`), 'CMD is kept');
    }),
  );
});

test('no text at all makes it throw anything but faults with a line', () => {
  const piece = fc.constantFrom(
    'FROM a',
    'FROM alpine AS b',
    'FROM b',
    'ENTRYPOINT',
    'ENTRYPOINT [',
    'CMD ["x"]',
    'EXPOSE 80',
    '# escape=`',
    'ENV PORT',
    'RUN <<E',
    'E',
    '\\',
    'HEALTHCHECK',
    'ONBUILD',
    'ARG A=$A',
    'FROM $A',
    '\r',
    '',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 20 })), { maxLength: 12 }), (lines) => {
      const got = run(lines.join('\n'), { image: IMAGE });
      assert.ok(got['output'] !== undefined || /^\d+: ./.test(got['faults'] ?? ''));
    }),
  );
});

test('a large file takes seconds at most', () => {
  const large = [
    `FROM debian:13\nENV A="${'x'.repeat(900_000)}\nCMD ["x"]\n`,
    `FROM debian:13\nRUN a \\\n${'  b \\\n'.repeat(100_000)}  c\nCMD ["x"]\n`,
    `${'FROM a AS a\n'.repeat(20_000)}CMD x\n`,
  ];
  for (const text of large) {
    const start = performance.now();
    assert.ok(wrapDockerfile(text, { image: IMAGE, entrypoint: [] }).text.length > text.length);
    assert.ok(performance.now() - start < 10_000);
  }
  assert.match(run('#'.repeat(2 ** 20 + 1), { image: IMAGE })['faults'] ?? '', /larger than 1 MiB/);
});

test('the example of the documentation is the golden file', () => {
  assertExamples('wrap', 'docs/deploy/single-container.md');
});
