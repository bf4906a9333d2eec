import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { ConfigError } from './faults.ts';
import { ENV, load } from './load.fixtures.test.ts';

describe('any input', () => {
  const options = { numRuns: 300 } as const;
  const settle = async (text: string | undefined, env: Record<string, string> = ENV): Promise<void> => {
    const started = performance.now();
    try {
      await load(text, env);
    } catch (error) {
      assert.ok(error instanceof ConfigError, inspect(error));
    }
    assert.ok(performance.now() - started < 2000, 'took too long');
  };

  it('as a file gives a configuration or a ConfigError', async () => {
    const keys = 'a2a_peers mcp_servers guardrails limits transport http url name pattern x __proto__'.split(' ');
    const marks = [
      ': ',
      '\n',
      '\n  ',
      '- ',
      '\t',
      '? ',
      ...':{}[],"\'|>%#'.split(''),
      '&a',
      '*a',
      '<<',
      '!!str',
      '---',
    ];
    const words = fc.constantFrom(...keys, ...marks);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), (text) => settle(text)),
      options,
    );
    const yamlish = fc.array(words, { maxLength: 60 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(yamlish, (text) => settle(text)),
      { numRuns: 1000 },
    );
  });

  it('as values of the keys does so too', async () => {
    const keys = fc.constantFrom(
      'a2a_peers',
      'mcp_servers',
      'guardrails',
      'limits',
      'inbound_addr',
      'otlp_headers',
      'agent_url',
    );
    const file = fc
      .dictionary(keys, fc.jsonValue({ maxDepth: 4 }), { maxKeys: 7 })
      .map((value) => JSON.stringify(value));
    await fc.assert(
      fc.asyncProperty(file, (text) => settle(text)),
      options,
    );
  });

  it('as a variable does so too', async () => {
    const names = fc.constantFrom(
      'OUTRIDER_MCP_SERVERS',
      'OTEL_EXPORTER_OTLP_HEADERS',
      'AGENT_AUTH_TOKEN',
      'OUTRIDER_AGENT_URL',
      'OUTRIDER_MCP_ADDR',
    );
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.json());
    const env = fc.dictionary(names, value);
    await fc.assert(
      fc.asyncProperty(env, (chosen) => settle(undefined, { ...ENV, ...chosen })),
      options,
    );
  });
});
