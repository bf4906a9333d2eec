import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { logLines } from '../../test/support/log-lines.ts';
import { OutriderError } from '../errors.ts';
import { createLog } from './log.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');

function pretty(isTTY: boolean, format: 'auto' | 'pretty' = 'auto') {
  const stream = Object.assign(new PassThrough(), { isTTY });
  const log = createLog({ level: 'debug', format, stream, now: () => NOW });
  return { log, text: () => String(stream.read() ?? '') };
}

describe('JSON lines', () => {
  test('time, level and message first, then the fields', () => {
    const stream = new PassThrough();
    createLog({ level: 'info', format: 'auto', stream, now: () => NOW }).info('up', { port: 8080, trace_id: 'ab' });
    assert.equal(
      String(stream.read()),
      '{"time":"2026-01-02T03:04:05.678Z","level":"info","msg":"up","port":8080,"trace_id":"ab"}\n',
    );
  });

  test('no field takes the place of those three', () => {
    const { log, lines } = logLines();
    log.warn('real', { msg: 'forged', level: 'debug', time: 'never', kept: 1 });
    assert.equal(lines[0]?.msg, 'real');
    assert.equal(lines[0]?.level, 'warn');
    assert.notEqual(lines[0]?.time, 'never');
    assert.equal(lines[0]?.['kept'], 1);
  });

  test('what throws when it is looked at is said to be so, and nothing else is lost', () => {
    const throwing = (): never => {
      throw new Error('no');
    };
    const { log, lines } = logLines();
    const getter = Object.defineProperty(new Error('x'), 'message', { get: throwing });
    const proxy = new Proxy({}, { get: throwing, getPrototypeOf: throwing, has: throwing, ownKeys: throwing });
    log.warn('odd', { getter, proxy, inside: { getter }, kept: 1 });
    assert.deepEqual(
      [lines[0]?.['getter'], lines[0]?.['proxy'], lines[0]?.['inside'], lines[0]?.['kept']],
      ['[unreadable]', '[unreadable]', { getter: '[unreadable]' }, 1],
    );
  });

  test('what is below the level is not written, and asked for by enabled', () => {
    const { log, lines } = logLines('warn');
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['c', 'd'],
    );
    assert.equal(log.enabled('info'), false);
    assert.equal(log.enabled('warn'), true);
  });

  test('a child adds its fields to each line', () => {
    const { log, lines } = logLines();
    log.child({ server: 'files', token: 'hush' }).child({ pid: 7 }).info('started', { pid: 8 });
    assert.deepEqual([lines[0]?.['server'], lines[0]?.['token'], lines[0]?.['pid']], ['files', '[redacted]', 8]);
  });
});

describe('secrets', () => {
  const secret = 'hush-hush-1234';
  const cases: [string, Record<string, unknown>][] = [
    ['by name', { authorization: secret }],
    [
      'by name with a prefix',
      { 'proxy-authorization': secret, 'Set-Cookie': secret, x_api_key: secret, authToken: secret },
    ],
    ['deep', { options: { headers: { Authorization: secret, cookie: [secret] } } }],
    ['lists under a name', { tokens: [secret] }],
    ['a flat list of header fields', { headers: ['Authorization', `Bearer ${secret}`] }],
    ['user information in a URL', { url: `https://user:${secret}@collector/` }],
    ['in an error', { error: new Error(`GET https://u:${secret}@h/ with Bearer ${secret}`) }],
    ['hung on an error', { error: Object.assign(new Error('x'), { data: secret, request: { body: secret } }) }],
    ['in a cause', { error: new Error('x', { cause: Object.assign(new Error(`Basic ${secret}`), { body: secret }) }) }],
    ['in bytes', { body: Buffer.from(secret) }],
  ];
  for (const [name, fields] of cases) {
    test(`are taken out: ${name}`, () => {
      const { log, text } = logLines();
      log.error('failed', fields);
      assert.match(text(), /failed/);
      assert.doesNotMatch(text(), /hush/);
    });
  }

  test('in the message', () => {
    const { log, text } = logLines();
    log.error(`called http://u:${secret}@h with Bearer ${secret}`);
    assert.doesNotMatch(text(), /hush/);
  });

  test('counts are not secrets', () => {
    const { log, lines } = logLines();
    log.info('loaded', { tokens: 3, input_tokens: 12, allow_no_token: true });
    assert.deepEqual([lines[0]?.['tokens'], lines[0]?.['input_tokens'], lines[0]?.['allow_no_token']], [3, 12, true]);
  });
});

describe('values', () => {
  test('errors: type, code, message and the chain of causes; places only of unexpected ones', () => {
    const { log, lines } = logLines();
    const cause = Object.assign(new TypeError('inner'), { code: 'ECONNREFUSED' });
    log.error('failed', { error: new OutriderError('unreachable', 'the agent does not answer', { cause }) });
    const error = lines[0]?.['error'] as Record<string, unknown> & { cause: Record<string, unknown> };
    assert.deepEqual(
      { ...error, cause: { ...error.cause, at: undefined } },
      {
        type: 'OutriderError',
        message: 'the agent does not answer',
        code: 'unreachable',
        cause: { type: 'TypeError', message: 'inner', code: 'ECONNREFUSED', at: undefined },
      },
    );
    assert.match(String((error.cause['at'] as string[])[0]), /log\.test/);
  });

  test('a message of many lines stays out of the places', () => {
    const { log, text } = logLines();
    log.error('failed', { error: new Error('first\nsecond line with body') });
    const { error } = JSON.parse(text()) as { error: { at: string[] } };
    assert.doesNotMatch(error.at.join(), /body/);
  });

  test('circles, big integers, functions and long texts are bounded', () => {
    const { log, text, lines } = logLines();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    log.info('odd', { circle, big: 10n ** 30n, run: () => 1, long: 'x'.repeat(100_000), many: Array(10_000).fill(1) });
    assert.ok(text().length < 5_000, `${text().length}`);
    assert.equal(lines[0]?.['big'], '1000000000000000000000000000000');
  });

  test('property: any fields give exactly one line of JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), (fields) => {
        const { log, text, lines } = logLines();
        log.info('line', fields);
        assert.equal(text().split('\n').length, 2);
        assert.equal(lines[0]?.msg, 'line');
      }),
    );
  });
});

describe('for people', () => {
  test('on a terminal, or when asked for', () => {
    for (const { log, text } of [pretty(true), pretty(false, 'pretty')]) {
      log.warn('taken', { port: 8080, name: 'a b', why: 'x=y' });
      // eslint-disable-next-line no-control-regex
      const plain = text().replaceAll(/\u001b\[\d+m/g, '');
      assert.equal(plain, '03:04:05.678 WARN  taken port=8080 name="a b" why="x=y"\n');
    }
  });

  test('no value moves the cursor or begins a line', () => {
    const { log, text } = pretty(false, 'pretty');
    log.info('a\u001b[2Jb\nc', { d: '\u009b31m\nforged' });
    assert.equal(text(), '03:04:05.678 INFO  a\\u001b[2Jb\\u000ac d="\\u009b31m\\nforged"\n');
  });
});

describe('a reader in trouble', () => {
  test('that has gone away ends nothing', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    const log = createLog({ level: 'info', format: 'json', stream });
    log.info('one');
    await new Promise((resolve) => setImmediate(resolve));
    log.info('two');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stream.destroyed, true);
  });

  test('that has stopped reading costs bounded memory, and the loss is told once it reads again', async () => {
    const held: (() => void)[] = [];
    let reads = false;
    let text = '';
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        if (reads) done();
        else held.push(done);
      },
    });
    const log = createLog({ level: 'info', format: 'json', stream });
    for (let i = 0; i < 20_000; i++) log.info('line', { text: 'x'.repeat(100) });
    assert.ok(stream.writableLength < 2 * 2 ** 20, `${stream.writableLength}`);
    reads = true;
    for (const done of held) done();
    await new Promise((resolve) => setImmediate(resolve));
    log.info('after');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; count?: number });
    const kept = lines.filter(({ msg }) => msg === 'line').length;
    assert.equal(lines.at(-2)?.count, 20_000 - kept);
    assert.equal(lines.at(-1)?.msg, 'after');
  });
});
