import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { type CallDeps, callCommand } from '../../src/cli/commands/call.ts';
import { conformanceAgents } from '../../src/library/testing.ts';
import { command, runOutrider } from '../support/outrider.ts';
import { Process } from '../support/process.ts';
import { until } from '../support/until.ts';
import { conformanceHost, HOST_TOKEN, type TestHost } from './support.ts';

let host: TestHost;
/** What runs of `waits` have seen. */
const seen: string[] = [];

before(async () => {
  host = await conformanceHost([
    ...conformanceAgents,
    // The reply of one whose types nobody has checked.
    { id: 'empty-handed', execute: () => ({ output: 7 }) as never },
    {
      id: 'waits',
      async *stream(_request, { signal }) {
        yield 'so far';
        seen.push('started');
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            seen.push('aborted');
            reject(signal.reason);
          });
        });
      },
    },
  ]);
});
after(() => host.stop());

const env = { OUTRIDER_TOKEN: HOST_TOKEN };

for (const grpc of [false, true]) {
  const protocol = grpc ? 'gRPC' : 'HTTP';
  const url = (): string => (grpc ? host.grpcUrl : host.url);

  test(`${protocol}: the output, and a line end`, async () => {
    const { code, stdout, stderr } = await runOutrider(['call', url(), 'conformance-echo', 'grüße'], { env });
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'grüße\n', stderr: '' });
  });

  test(`${protocol}: an error is a line with its code and the id of the request`, async () => {
    const { code, stdout, stderr } = await runOutrider(['call', url(), 'nobody', 'x'], { env });
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^outrider: not_found: there is no such agent \(request [\w-]+\)\n$/);
  });

  test(`${protocol}: text comes as it is made, and Ctrl-C cancels on the far side`, async () => {
    seen.length = 0;
    const child = new Process(...command('call', url(), 'waits', 'x', '--stream'), {
      PATH: process.env['PATH'],
      ...env,
    });
    await child.waitFor((output) => output.includes('so far') || undefined, 'the first piece');
    await until(() => seen.includes('started'), 'the run');
    child.signal('SIGINT');
    assert.deepEqual(await child.exited, { code: 130, signal: null });
    assert.equal(child.stderr, '');
    await until(() => seen.includes('aborted'), 'the far side hears of it');
  });
}

test('--grpc makes gRPC of an http:// address', async () => {
  const { code, stdout } = await runOutrider(['call', host.url, 'conformance-echo', 'x', '--grpc'], { env });
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'x\n' });
});

test('--json prints the whole reply, and with --stream each event', async () => {
  const whole = await runOutrider(['call', host.url, 'conformance-echo', 'x', '--json'], { env });
  assert.equal(JSON.parse(whole.stdout).stop_reason, 'completed');
  const events = await runOutrider(['call', host.url, 'conformance-echo', 'x', '--json', '--stream'], { env });
  const lines = events.stdout
    .trim()
    .split('\n')
    .map((line) => Object.keys(JSON.parse(line)));
  assert.deepEqual(lines, [['chunk'], ['done']]);
});

test('a terminal is shown text, and gets no commands from the agent; a pipe gets what was said', async () => {
  const said = 'a\u001b]52;c;aGk=\u0007b\u009b2Jc\rd\r\n\te';
  for (const isTTY of [true, false]) {
    for (const more of [[], ['--stream']]) {
      const stdout = Object.assign(new PassThrough(), { isTTY });
      const written = text(stdout);
      const deps: CallDeps = {
        env,
        stdin: new PassThrough(),
        stdout,
        stderr: new PassThrough(),
        interrupted: new AbortController().signal,
        setExitCode: (code) => assert.equal(code, 0),
      };
      await callCommand(deps).parseAsync([host.url, 'conformance-echo', said, ...more], { from: 'user' });
      const expected = isTTY ? 'a\u{fffd}]52;c;aGk=\u{fffd}b\u{fffd}2Jc\u{fffd}d\n\te' : said;
      stdout.end();
      assert.equal(await written, `${expected}\n`);
    }
  }
});

test('--timeout is how long to wait', async () => {
  const { code, stderr } = await runOutrider(['call', host.url, 'waits', 'x', '--timeout', '0.3'], { env });
  assert.equal(code, 1);
  assert.match(stderr, /^outrider: timeout: /);
});

test('--token wins over the variable, and is not repeated when it is wrong', async () => {
  const args = ['call', host.url, 'conformance-echo', 'x', '--token'];
  assert.equal((await runOutrider([...args, HOST_TOKEN], { env: { OUTRIDER_TOKEN: 'wrong' } })).code, 0);
  const { code, stderr } = await runOutrider([...args, 'very-wrong'], { env });
  assert.equal(code, 1);
  assert.match(stderr, /^outrider: unauthenticated: /);
  assert.ok(!stderr.includes('very-wrong'));
});

test('- reads standard input', async () => {
  const [file, args] = command('call', host.url, 'conformance-echo', '-');
  const child = spawn(file, args, { env: { PATH: process.env['PATH'], ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stdin.end('piped in\n');
  const [code] = await once(child, 'close');
  assert.deepEqual({ code, output }, { code: 0, output: 'piped in\n' });
});

for (const [what, args] of [
  ['an argument that is missing', ['http://127.0.0.1:9', 'a']],
  ['another scheme', ['ftp://127.0.0.1', 'a', 'x']],
  ['a credential in the address', ['http://user:secret@127.0.0.1:9', 'a', 'x']],
  ['an impossible id', ['http://127.0.0.1:9', 'a/b', 'x']],
  ['no time', ['http://127.0.0.1:9', 'a', 'x', '--timeout', '0']],
  ['a time that is none', ['http://127.0.0.1:9', 'a', 'x', '--timeout', 'soon']],
  ['an unknown option', ['http://127.0.0.1:9', 'a', 'x', '--loud']],
] as const) {
  test(`${what} is a fault of the command line`, async () => {
    const { code, stdout, stderr } = await runOutrider(['call', ...args]);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.notEqual(stderr, '');
    assert.ok(!stderr.includes('secret'));
  });
}

test('an address of no known scheme is told all that there are', async () => {
  const { stderr } = await runOutrider(['call', 'ftp://127.0.0.1', 'a', 'x']);
  assert.match(stderr, /begins with http:\/\/, https:\/\/, grpc:\/\/ or grpcs:\/\/\n$/);
});

test('what stands behind an error is said with it', async () => {
  const { code, stderr } = await runOutrider(['call', host.url, 'empty-handed', 'x'], { env });
  assert.equal(code, 1);
  assert.match(stderr, /^outrider: agent_failed: .+: .*output.* \(request [\w-]+\)\n$/);
});

test('an address where nobody listens fails', async () => {
  const { code, stderr } = await runOutrider(['call', 'http://127.0.0.1:9', 'a', 'x']);
  assert.equal(code, 1);
  assert.equal(stderr, 'outrider: unreachable: the agent could not be reached\n');
});
