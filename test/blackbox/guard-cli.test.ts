import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { serve } from '../support/agent.ts';
import { command, runOutrider } from '../support/outrider.ts';
import { Process } from '../support/process.ts';
import { tempDir } from '../support/temp.ts';

/** Each stands nowhere but in what is inspected. */
const EMAIL = 'ada.planted@secret-mail.example';
const SSN = '219-09-9999';

const CONFIG = String.raw`
guardrails:
  - { builtin: email, style: mask }
  - { builtin: credit_card, enabled: false }
  - { name: ticket, type: regex, pattern: 'T-\d{4}', on: [request], paths: ["$.q"], skip_paths: ["$.q.z"] }
  - { name: no-birds, type: keyword, pattern: "bluebird", action: block }
  - { name: watch, type: keyword, pattern: "nightjar", action: warn, on: [response] }
`;

function file(t: TestContext, name: string, content: string | Uint8Array): string {
  const path = join(tempDir(t), name);
  writeFileSync(path, content);
  return path;
}

/** Runs `outrider guard …` without a name for the agent and without a token, as a pipeline would. */
function guard(args: readonly string[], input?: string | Uint8Array) {
  const [program, words] = command('guard', ...args);
  const { status, stdout, stderr } = spawnSync(program, words, {
    env: { PATH: process.env['PATH'] },
    ...(input !== undefined && { input }),
    timeout: 60_000,
  });
  assert.ok(!stderr.toString().includes('\n    at '), stderr.toString());
  return { code: status, stdout: stdout.toString(), stderr: stderr.toString(), bytes: stdout };
}

describe('outrider guard test', () => {
  test('on standard output what would go out, on standard error what was found, and never the text of it', () => {
    const { code, stdout, stderr } = guard(['test'], `{ "to": "${EMAIL}", "n": 1.50, "ids": ["${SSN}", "${SSN}"] }`);
    assert.equal(code, 0);
    assert.equal(stdout, '{ "to": "[REDACTED-EMAIL]", "n": 1.50, "ids": ["[REDACTED-SSN]", "[REDACTED-SSN]"] }');
    assert.match(stderr, /^RULE +ACTION +COUNT +PATH\nssn +redact +2 +\$\.ids\[0\]\nemail +redact +1 +\$\.to\n/);
    assert.match(stderr, /request: goes out changed/);
    assert.ok(!stderr.includes(EMAIL) && !stderr.includes(SSN));
  });

  test('what is clean comes out byte for byte, whatever it is', () => {
    const odd = Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x0d, 0x0a]);
    const { code, bytes, stderr } = guard(['test', '--type', 'text/plain'], odd);
    assert.deepEqual([code, Buffer.compare(bytes, odd)], [0, 0]);
    assert.equal(stderr, 'request: goes out as it came\n');
    assert.deepEqual([guard(['test', '-'], '').code, guard(['test', '-'], '').stdout], [0, '']);
  });

  test('the rules of a file, where they apply', (t) => {
    const config = file(t, 'outrider.yaml', CONFIG);
    const body = file(t, 'a.json', `{"q":{"y":"T-1234","z":"T-1234"},"r":"T-1234 nightjar","card":"4111111111111111"}`);
    const request = guard(['test', '--config', config, body]);
    assert.equal(
      request.stdout,
      '{"q":{"y":"[REDACTED]","z":"T-1234"},"r":"T-1234 nightjar","card":"4111111111111111"}',
    );
    const response = guard(['test', '--config', config, '--surface', 'response', body]);
    assert.equal(response.code, 0);
    assert.match(response.stdout, /"y":"T-1234"/);
    assert.match(response.stderr, /^watch +warn +1 +\$\.r$/m);
    assert.match(response.stderr, /response: goes out as it came, with a warning/);
  });

  test('exit 1 and nothing on standard output when it would be blocked', (t) => {
    const config = file(t, 'outrider.yaml', CONFIG);
    for (const surface of ['request', 'response', 'mcp']) {
      const blocked = guard(['test', '--config', config, '--surface', surface], 'a Bluebird');
      assert.deepEqual([blocked.code, blocked.stdout], [1, ''], surface);
      assert.match(blocked.stderr, /^no-birds +block +1/m);
      assert.match(blocked.stderr, new RegExp(`^${surface}: blocked by guardrail no-birds$`, 'm'));
      assert.ok(!blocked.stderr.includes('Bluebird'));
    }
  });

  test('exit 1 also when it cannot be read and must not pass, 0 where it may', (t) => {
    const strict = file(t, 'a.yaml', 'on_unreadable: block\nlimits: { body_bytes: 1KiB }\n');
    const lax = file(t, 'b.yaml', 'on_unreadable: pass\n');
    const broken = file(t, 'a.json', '{"a": tru');
    const blocked = guard(['test', '--config', strict, broken]);
    assert.equal(blocked.code, 1, blocked.stderr);
    assert.match(blocked.stderr, /cannot be read \(invalid_json\): blocked\nrequest: refused with 400/);
    const passed = guard(['test', '--config', lax, broken]);
    assert.deepEqual([passed.code, passed.stdout], [0, '{"a": tru']);
    assert.match(passed.stderr, /cannot be read \(invalid_json\): passed/);
    const large = guard(['test', '--config', strict], 'x'.repeat(2000));
    assert.deepEqual([large.code, large.stdout], [1, '']);
    assert.match(large.stderr, /too_large/);
    const wide = guard(['test', '--type', 'text/plain; charset=ebcdic'], 'hello');
    assert.equal(wide.code, 1);
    assert.match(wide.stderr, /unknown_charset/);
  });

  test('events are read as one text over all of them', (t) => {
    const half = EMAIL.length >> 1;
    const event = (text: string): string => `event: token\ndata: {"delta":{"content":"${text}"}}\n\n`;
    const stream = event('Mail ') + event(EMAIL.slice(0, half)) + event(EMAIL.slice(half)) + event(' now');
    const { code, stdout } = guard(['test', '--surface', 'response', file(t, 'a.sse', stream)]);
    assert.equal(code, 0);
    assert.equal(stdout, event('Mail ') + event('[REDACTED-EMAIL]') + event('') + event(' now'));
  });

  test('--json is one object', (t) => {
    const config = file(t, 'outrider.yaml', CONFIG);
    const changed = guard(['test', '--json', '--config', config], `mail ${EMAIL}`);
    assert.equal(changed.stderr, '');
    const { body, ...rest } = JSON.parse(changed.stdout);
    assert.deepEqual(rest, {
      surface: 'request',
      content_type: null,
      verdict: 'change',
      blocked_by: null,
      status: null,
      findings: [{ rule: 'email', action: 'redact', count: 1, path: null }],
      unreadable: [],
      webhook_failures: [],
      webhooks_not_asked: [],
    });
    assert.match(body, /^mail \*/);
    assert.ok(!body.includes(EMAIL));
    const blocked = guard(['test', '--json', '--config', config, '--type', 'application/json'], '{"a":["bluebird"]}');
    const result = JSON.parse(blocked.stdout);
    assert.equal(blocked.code, 1);
    assert.deepEqual(
      [result.verdict, result.blocked_by, result.status, result.body, result.findings],
      ['block', 'no-birds', 403, null, [{ rule: 'no-birds', action: 'block', count: 1, path: '$.a[0]' }]],
    );
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUg==', 'base64');
    const binary = JSON.parse(guard(['test', '--json', '--type', 'image/png'], png).stdout);
    assert.deepEqual([binary.body, binary.body_base64], [undefined, png.toString('base64')]);
    assert.deepEqual(binary.unreadable, [{ reason: 'binary', action: 'passed' }]);
  });

  test('endpoints are asked only when told to', async (t) => {
    let asked = 0;
    const endpoint = await serve(
      createServer((request, response) => {
        asked++;
        request.resume().on('end', () => response.end('{"action":"redact","matches":["Ann"]}'));
      }),
    );
    t.after(() => endpoint.close());
    const config = file(t, 'o.yaml', `guardrails: [{name: hook, endpoint: "${endpoint.url}", replace: "[X]"}]\n`);
    const body = file(t, 'a.txt', 'Dear Ann');
    const without = await runOutrider(['guard', 'test', '--config', config, body]);
    assert.deepEqual([without.code, without.stdout, asked], [0, 'Dear Ann', 0]);
    assert.match(without.stderr, /not asked without --webhooks: hook/);
    const asking = await runOutrider(['guard', 'test', '--webhooks', '--config', config, body]);
    assert.deepEqual([asking.code, asking.stdout, asked], [0, 'Dear [X]', 1], asking.stderr);
    await endpoint.close();
    const dead = await runOutrider(['guard', 'test', '--webhooks', '--config', config, body]);
    assert.deepEqual([dead.code, dead.stdout], [1, '']);
    assert.match(
      dead.stderr,
      /webhook hook gave no usable reply \(unreachable\): blocked\nrequest: blocked by guardrail hook/,
    );
  });
});

describe('outrider guard list', () => {
  test('every rule in its order, and the built-in ones that are off', (t) => {
    const config = file(
      t,
      'outrider.yaml',
      `${CONFIG}  - { name: hook, endpoint: "https://h.example", on: [mcp], on_error: pass }\n`,
    );
    const { code, stdout } = guard(['list', '--config', config]);
    assert.equal(code, 0);
    for (const line of [
      /^RULE +KIND +STATE +ACTION +STYLE +ON +PATHS$/m,
      /^ssn +builtin +on +redact +replace +everywhere +-$/m,
      /^credit_card +builtin +off +- +- +- +-$/m,
      /^email +builtin +on +redact +mask +everywhere +-$/m,
      /^ticket +regex +on +redact +replace +request +\$\.q, not \$\.q\.z$/m,
      /^no-birds +keyword +on +block +- +everywhere +-$/m,
      /^watch +keyword +on +warn +- +response +-$/m,
      /^hook +webhook +on +asks +- +mcp +-$/m,
    ]) {
      assert.match(stdout, line);
    }
    const { rules, on_unreadable, stream_hold_ms } = JSON.parse(guard(['list', '--json', '--config', config]).stdout);
    assert.deepEqual([on_unreadable, stream_hold_ms], [null, 250]);
    const names = rules.map(({ name }: { name: string }) => name);
    assert.deepEqual([names[0], names.slice(-4)], ['ssn', ['ticket', 'no-birds', 'watch', 'hook']]);
    assert.deepEqual(rules.at(-4), {
      name: 'ticket',
      kind: 'regex',
      enabled: true,
      action: 'redact',
      style: 'replace',
      on: ['request'],
      paths: ['$.q'],
      skip_paths: ['$.q.z'],
    });
  });
});

test('outrider guard bench: every rule alone, and all together', (t) => {
  const config = file(t, 'outrider.yaml', CONFIG);
  const body = file(t, 'a.json', JSON.stringify({ q: `T-1234 ${EMAIL}`, pad: 'x '.repeat(500) }));
  const { code, stdout } = guard(['bench', '--json', '--config', config, body]);
  assert.equal(code, 0);
  const { results, content_type } = JSON.parse(stdout);
  assert.equal(content_type, 'application/json');
  const byName = new Map<string, Record<string, number>>(
    results.map((result: { rule: string }) => [result.rule, result]),
  );
  assert.equal(results[0].rule, 'all');
  for (const rule of ['all', 'ssn', 'email', 'ticket', 'no-birds']) {
    const { median_us = 0, best_us = 0, mb_per_s = 0 } = byName.get(rule) ?? {};
    assert.ok(best_us > 0 && median_us >= best_us && mb_per_s > 0, rule);
  }
  assert.deepEqual(
    ['all', 'ssn', 'email', 'ticket'].map((rule) => byName.get(rule)?.['matches']),
    [2, 0, 1, 1],
  );
  assert.equal(byName.has('watch'), false, 'it is for replies');
  assert.equal(byName.has('credit_card'), false, 'it is off');
});

describe('what cannot be used', () => {
  test('is said on standard error, with exit 2', (t) => {
    const bad = file(t, 'bad.yaml', 'guardrials: []\nguardrails: [nope, { builtin: snn }]\n');
    const cases: [args: string[], says: RegExp][] = [
      [['tst'], /unknown command 'tst'/],
      [[], /Usage: outrider guard/],
      [['test', '--nope'], /unknown option '--nope'/],
      [['test', 'a', 'b'], /too many arguments/],
      [['test', '--surface', 'everywhere'], /Allowed choices are request, response, a2a, mcp/],
      [['test', '--type', 'json'], /expected TYPE\/SUBTYPE/],
      [['test', '/nonexistent/a.json'], /\/nonexistent\/a\.json: there is no such file/],
      [['test', '/'], /cannot be read: EISDIR/],
      [['test', '--config', '/nonexistent/o.yaml', '-'], /\/nonexistent\/o\.yaml: there is no such file/],
      [['bench'], /missing required argument 'file'/],
      ...['test', 'list'].map((name): [string[], RegExp] => [
        [name, '--config', bad],
        /bad\.yaml:1:1: guardrials: unknown key \(did you mean guardrails\?\)\n.*guardrails\[0\]: expected one of .*\n.*guardrails\[1\]\.builtin: .*did you mean ssn/,
      ]),
    ];
    for (const [args, says] of cases) {
      const { code, stdout, stderr } = guard(args, '');
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, says);
      assert.equal(stdout, '');
    }
  });

  test('--help says what there is, with examples', () => {
    for (const [args, shows] of [
      [['--help'], /test[\s\S]*list[\s\S]*bench/],
      [['test', '--help'], /--surface[\s\S]*--type[\s\S]*--json[\s\S]*Examples:[\s\S]*Exit codes: 0/],
      [['list', '--help'], /--config <file>[\s\S]*Examples:/],
      [['bench', '--help'], /Examples:/],
    ] as const) {
      const { code, stdout } = guard(args);
      assert.equal(code, 0);
      assert.match(stdout, shows);
    }
  });
});

test('a reader that has seen enough is no fault', async (t) => {
  const body = file(t, 'a.txt', 'clean text\n'.repeat(200_000));
  const [program, words] = command('guard', 'test', body);
  const script = `"$0" "$@" 2>/dev/null | head -c 5`;
  const shell = new Process('/bin/sh', ['-c', script, program, ...words], { PATH: process.env['PATH'] });
  const { code } = await shell.exited;
  assert.deepEqual([code, shell.stdout], [0, 'clean']);
});
