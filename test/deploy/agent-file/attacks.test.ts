import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { type AgentFile, readAgentFile } from '../../../src/config/agent-file.ts';
import { ConfigError } from '../../../src/config/faults.ts';
import { makePlan } from '../../../src/deploy/make-plan.ts';

const read = (text: string): Promise<AgentFile> => readAgentFile({ file: 'agent.yaml', text, env: {} });

/** The faults as whoever typed the command sees them; none when the file can be used. */
async function faultsOf(text: string): Promise<string> {
  try {
    await read(text);
    return '';
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
}

/** Far more than it takes, and far less than what grows with the power of its input. */
const MOST_MS = 20_000;

async function quickly<Result>(work: () => Promise<Result>): Promise<Result> {
  const begin = performance.now();
  const result = await work();
  assert.ok(performance.now() - begin < MOST_MS, `took ${Math.round(performance.now() - begin)} ms`);
  return result;
}

describe('files that are made to hurt', () => {
  const bomb = (key: string): string => {
    const levels = Array.from({ length: 9 }, (_, index) => {
      const below = index === 0 ? 'x' : `*a${index - 1}`;
      return `a${index}: &a${index} [${Array.from({ length: 9 }, () => below).join(', ')}]`;
    });
    return `name: a\n${levels.join('\n')}\n${key}: *a8\n`;
  };
  const deep = (open: string, close: string): string => `name: a\nx: ${open.repeat(50_000)}${close.repeat(50_000)}\n`;

  const CASES: [string, string, RegExp][] = [
    ['aliases of aliases, in a key that is read', bomb('guardrails'), /too many values, with all aliases expanded/],
    ['the same in one that is left alone', bomb('prompts'), /too many values/],
    ['lists in lists', deep('[', ']'), /nested too deeply/],
    ['mappings in mappings', deep('{a: ', '}'), /nested too deeply/],
    ['an alias within its own anchor', 'name: a\na2a: &a { peers: *a }\n', /stands inside its own anchor/],
    ['five megabytes', `name: a\nx: ${'y'.repeat(5 * 2 ** 20)}\n`, /agent\.yaml: larger than 1 MiB/],
    [
      'as many servers as fit',
      `name: a\nmcp_servers:\n${'- ref: mcp/x\n'.repeat(20_000)}`,
      /mcp_servers: expected at most 1000 entries/,
    ],
    [
      'a version without end',
      `name: a\nversion: 1.0.0-${'1.a'.repeat(300_000)}!\n`,
      /2:10: version: expected at most 128/,
    ],
    ['a name without end', `name: ${'a'.repeat(900_000)}-\n`, /1:7: name: expected lower-case/],
    ['a guardrail without end', `name: a\nguardrails: [${'a'.repeat(900_000)}]\n`, /guardrails\[0\]: /],
    ['a second document', 'name: a\n---\nguardrails: []\n', /more than one document/],
    ['a list', '- name: a\n', /expected a mapping of keys to values/],
    ['nothing', '', /name: required/],
    ['a null', '~\n', /name: required/],
    ['no YAML', 'name: "a\n', /invalid YAML/],
    ['tags', 'name: !!js/function "x"\n', /a tag that is not known/],
    ['a prototype', 'name: a\n__proto__: { guardrails: [x] }\n', /2:1: __proto__: not allowed as a key/],
    ['one deeper', 'name: a\ndeploy: { env_vars: { __proto__: x } }\n', /deploy\.env_vars\.__proto__: not allowed/],
    ['a key twice', 'name: a\nguardrails: [secrets]\nguardrails: []\n', /3:1: guardrails: the key stands here twice/],
  ];
  for (const [what, text, expected] of CASES) {
    it(what, async () => assert.match(await quickly(() => faultsOf(text)), expected));
  }

  it('names of properties that every object has are names like others', async () => {
    const names = ['constructor', 'toString', 'hasOwnProperty'];
    const { spec } = await read(
      `name: a\na2a: { peers: { ${names.map((name) => `${name}: "http://p"`).join(', ')} } }\ndeploy: { env_vars: { ${names.map((name) => `${name}: x`).join(', ')} } }\ntools: [{ ref: constructor, type: toString }]\n`,
    );
    assert.deepEqual(Object.keys(spec.deploy.env), names);
    assert.equal(spec.causes.length, 1);
  });
});

describe('what a terminal would obey', () => {
  const ESCAPE = '\u001b[31m';
  const quoted = JSON.stringify(ESCAPE);

  it('is refused in what goes into manifests', async () => {
    for (const text of [
      `name: ${quoted}`,
      `name: a\nteam: ${quoted}`,
      `name: a\nowner: "x\\u202e"`,
      `name: a\ndeploy: { region: ${quoted} }`,
      `name: a\nguardrails: [${quoted}]`,
      `name: a\nguardrails: [{ name: g, endpoint: "http://h/\\e[31m" }]`,
      `name: a\nmcp_servers: [{ name: m, url: "http://h/\\e[31m" }]`,
      `name: a\nmcp_servers: [{ name: m, image: "i:1\\e[31m" }]`,
      `name: a\nmcp_servers: [{ name: m, command: "\\e[31m" }]`,
      `name: a\nmcp_servers: [{ ref: "mcp/\\e[31m" }]`,
      `name: a\na2a: { peers: { p: "http://h/\\e[31m" } }`,
      `name: a\na2a: { peers: { "\\e[31m": "http://h" } }`,
      `name: a\ndeploy: { sidecar: { image: ${quoted} } }`,
      `name: a\ndeploy: { sidecar: { otel_endpoint: "http://h/\\e[31m" } }`,
    ]) {
      const faults = await faultsOf(`${text}\n`);
      assert.notEqual(faults, '', text);
      assert.ok(!faults.includes('\u001b') && !faults.includes('\u202e'), faults);
    }
  });

  it('is escaped where a key holds it', async () => {
    const { warnings } = await read(`name: a\ndeploy: { sidecar: { ${quoted}: 1 } }\nguardrails: [secrets]\n`);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^agent\.yaml:2:22: deploy\.sidecar\[".*001b\[31m"\]: not read$/);
    assert.ok(!warnings.join().includes('\u001b'));
  });
});

describe('text that would be more than a value', () => {
  it('stays a value in what the sidecar reads', async () => {
    const command = 'x\'\\": {a: [b, #c';
    const args = ['\n  url: http://evil', '---\nguardrails: []', '*a', '${AGENT_AUTH_TOKEN}', '\u0000'];
    const { spec } = await read(JSON.stringify({ name: 'a', mcp_servers: [{ name: 'm', command, args }] }));
    const { parse } = await import('yaml');
    const config = parse(makePlan(spec, { version: '1.2.3' })?.config ?? '');
    assert.deepEqual(config, { mcp_servers: { m: { transport: 'stdio', command, args } } });
  });

  it('cannot come in through a line break', async () => {
    assert.match(await faultsOf('name: a\nteam: "x\\nguardrails: []"\n'), /team: expected text on one line/);
    assert.match(await faultsOf('name: "a\\nb"\n'), /name: expected lower-case/);
  });
});

describe('the same file in other clothes', () => {
  const TEXT = 'name: a\nguardrails:\n  - secrets\ndeploy:\n  env_vars:\n    A: 1.10\n';

  it('with Windows line ends, a byte order mark, or as JSON', async () => {
    const { spec } = await read(TEXT);
    for (const other of [
      TEXT.replaceAll('\n', '\r\n'),
      `\ufeff${TEXT}`,
      `# c\n%YAML 1.2\n---\n${TEXT}`.replace('# c\n', ''),
    ]) {
      assert.deepEqual((await read(other)).spec.sidecar, spec.sidecar, JSON.stringify(other));
      assert.equal((await read(other)).spec.deploy.env['A'], '1.10');
    }
    const json = '{"name": "a", "guardrails": ["secrets"], "deploy": {"env_vars": {"A": "1.10"}}}';
    assert.deepEqual((await read(json)).spec.sidecar, spec.sidecar);
  });

  it('faults name the line, whatever ends it', async () => {
    assert.match(await faultsOf('name: a\r\nversion: x\r\n'), /agent\.yaml:2:10: version/);
  });
});

test('whatever becomes of a file, the answer is a plan or faults', async () => {
  const text = readFileSync(join(import.meta.dirname, '../../../src/config/examples/agent.yaml'), 'utf8');
  const pieces = [
    '\n',
    ': ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&a ',
    '*a',
    '"',
    "'",
    '\u001b',
    '\t',
    '<<: ',
    '|',
    '0',
    '~',
    '!!',
    '@@',
  ];
  const edit = fc.tuple(fc.nat(text.length), fc.nat(12), fc.constantFrom(...pieces, ''));
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 6 }), async (edits) => {
      let changed = text;
      for (const [at, count, piece] of edits) changed = changed.slice(0, at) + piece + changed.slice(at + count);
      try {
        const { spec } = await read(changed);
        makePlan(spec, { version: '1.2.3' });
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error instanceof Error ? error.stack : error));
        assert.ok(!/[\p{Cc}]/u.test(error.message.replaceAll('\n', '')), JSON.stringify(error.message));
      }
    }),
    { numRuns: 500 },
  );
});
