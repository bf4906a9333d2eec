import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { readAgentFile } from '../../../src/config/agent-file.ts';
import { type Config, loadConfig } from '../../../src/config/load.ts';
import { makePlan } from '../../../src/deploy/make-plan.ts';
import { type Plan, sidecarVariables } from '../../../src/deploy/plan.ts';

/** What is planned, as the sidecar finds it in its environment, with every secret provided. */
async function started(plan: Plan): Promise<Config> {
  const variables = sidecarVariables(plan, { fallbackName: 'x' });
  const env = Object.fromEntries(
    variables.map((variable) => [variable.name, 'value' in variable ? variable.value : `secret-of-${variable.name}`]),
  );
  const { config, warnings } = await loadConfig({ env, cwd: '/nowhere' });
  assert.deepEqual(warnings, []);
  return config;
}

async function planOf(text: string): Promise<Plan> {
  const { spec } = await readAgentFile({ file: 'agent.yaml', text, env: {} });
  const plan = makePlan(spec, { version: '1.2.3' });
  assert.ok(plan);
  return plan;
}

test('the sidecar starts with what the example in the documentation declares', async () => {
  const example = readFileSync(join(import.meta.dirname, '../../../src/config/examples/agent.yaml'), 'utf8');
  const plan = await planOf(example);
  const config = await started(plan);
  assert.equal(config.agent_name, 'support-agent');
  assert.equal(config.team, 'customer-success');
  assert.deepEqual(
    config.guard.rules.map((rule) => rule.name),
    ['pii_detection', 'content_filter'],
  );
  assert.equal(config.guard.webhooks[0]?.endpoint, 'https://policy.example.com/check');
  assert.deepEqual([...config.a2a_peers.keys()], ['research-agent', 'finance-agent']);
  assert.equal(config.a2a_peers.get('finance-agent')?.token?.reveal(), 'secret-of-FINANCE_AGENT_TOKEN');
  assert.deepEqual([...config.mcp_servers.keys()], ['zendesk', 'docs']);
  assert.equal(config.otelEnvironment()['OTEL_EXPORTER_OTLP_ENDPOINT'], 'http://otel-collector.observability:4318');
  assert.ok(!config.secretVariables.includes('ZENDESK_API_KEY'), "the agent's secrets are not the sidecar's");
});

/** What YAML, or whoever passes the text on, may read as something else. */
const TRAPS = [
  'yes',
  'null',
  '1.0',
  '0x1',
  '1e3',
  'true',
  '---',
  '~',
  '<<',
  '&a',
  '*a',
  '!x',
  '# x',
  '${A}',
  '$(A)',
  '%',
];
const PROPERTIES = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];

const slug = fc.oneof(
  fc.constantFrom('yes', 'null', '1.0', '0x1', '1e3', 'true', ...PROPERTIES),
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/),
);
const path = fc.oneof(
  fc.constantFrom('', '/', "/it's", '/a#b', '/{{x}}', '/$A', '/a:b', '/*&!|>%40'),
  fc.stringMatching(/^(\/[!-~]{0,10}){0,2}$/),
);
const url = fc
  .tuple(fc.constantFrom('http', 'https'), fc.stringMatching(/^[a-z]{1,8}(\.[a-z]{1,8})?$/), path)
  .map(([scheme, host, rest]) => `${scheme}://${host}${rest.replaceAll('@', '').replaceAll('?', '')}`)
  .filter((text) => URL.canParse(text) && !/\$[({]/.test(text));
const anyText = fc.oneof(fc.constantFrom(...TRAPS), fc.string({ unit: 'binary', maxLength: 20 }));
const lineText = anyText.filter(
  (text) => text !== '' && !/[\p{Cc}\u2028-\u202e\u2066-\u2069\ud800-\udfff]/u.test(text),
);
const variable = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}_(X|Y)$/);

const agent = fc.record(
  {
    guardrails: fc.array(
      fc.oneof(
        fc.constantFrom('pii_detection', 'secrets', 'content_filter'),
        fc.record(
          { name: lineText, endpoint: url, timeout: fc.constantFrom('1s', 2, '250ms'), token_env: variable },
          { requiredKeys: ['name', 'endpoint'] },
        ),
      ),
      { maxLength: 4 },
    ),
    peers: fc.dictionary(
      slug,
      fc.oneof(
        url,
        url.map((text) => `tok@@${text}`),
        fc.record(
          { url, token_env: variable, path: fc.constantFrom('/a2a', '/x%20y', '/rpc') },
          { requiredKeys: ['url'] },
        ),
      ),
      { maxKeys: 4, noNullPrototype: true },
    ),
    servers: fc.uniqueArray(
      fc.oneof(
        fc.record({ name: slug, url, token_env: variable }, { requiredKeys: ['name', 'url'] }),
        fc.record({ name: slug, image: fc.constantFrom('i:1', 'r:5000/i@sha256:0') }),
        fc.record({ name: slug, command: lineText, args: fc.array(anyText, { maxLength: 4 }) }),
      ),
      { maxLength: 4, selector: ({ name }) => name },
    ),
  },
  { noNullPrototype: true },
);

test('whatever an agent declares, the sidecar starts with it', async () => {
  await fc.assert(
    fc.asyncProperty(agent, async ({ guardrails, peers, servers }) => {
      const file = { name: 'a', guardrails: ['secrets', ...guardrails], a2a: { peers }, mcp_servers: servers };
      const plan = await planOf(stringify(file));
      const config = await started(plan);
      const endpoints = guardrails.flatMap((entry) => (typeof entry === 'string' ? [] : [entry]));
      assert.deepEqual(
        config.guard.webhooks.map(({ name, endpoint }) => [name, endpoint]),
        endpoints.map(({ name, endpoint }) => [name, endpoint]).filter(firstOfTheSame(endpoints)),
      );
      const urls = Object.entries(peers).map(([name, entry]) => {
        const text = typeof entry === 'string' ? entry : entry.url;
        return [name, text.replace(/^tok@@/, '')];
      });
      assert.deepEqual(
        Object.fromEntries([...config.a2a_peers].map(([name, peer]) => [name, peer.url])),
        Object.fromEntries(urls),
      );
      for (const [name, entry] of Object.entries(peers)) {
        const secret = typeof entry === 'string' ? entry.startsWith('tok@@') : entry.token_env !== undefined;
        assert.equal(config.a2a_peers.get(name)?.token !== undefined, secret, name);
        assert.notEqual(config.a2a_peers.get(name)?.token?.reveal(), 'tok');
      }
      for (const server of servers) {
        const made = config.mcp_servers.get(server.name);
        if ('command' in server) {
          assert.ok(made?.transport === 'stdio');
          assert.deepEqual([made.command, made.args], [server.command, server.args]);
        } else assert.ok(made !== undefined && made.transport !== 'stdio');
      }
    }),
    { numRuns: 300 },
  );
});

/** The same entry twice is one rule. */
function firstOfTheSame(entries: readonly object[]): (_: unknown, index: number) => boolean {
  const texts = entries.map((entry) => JSON.stringify(entry));
  return (_, index) => texts.indexOf(texts[index] ?? '') === index;
}
