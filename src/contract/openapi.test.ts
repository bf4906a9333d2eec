import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOpenApi } from '../../test/support/openapi.ts';
import { agentOpenApi } from './openapi.ts';

type Json = Record<string, unknown>;

const document = agentOpenApi({ title: 'Agents', version: '1.2.3' });

function at(...path: string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Json | undefined)?.[key], document);
}

/** What a `$ref` of the document leads to. */
function followed(value: unknown): Json {
  const { $ref } = value as { $ref?: string };
  return ($ref === undefined ? value : at(...$ref.slice(2).split('/'))) as Json;
}

test('the document is valid, and every reference leads somewhere', () => {
  checkOpenApi(document);
  assert.deepEqual(document['info'], {
    title: 'Agents',
    version: '1.2.3',
    description: (document['info'] as Json)['description'],
  });
});

test('no schema is there that nothing leads to', () => {
  const text = JSON.stringify(document);
  for (const [kind, parts] of Object.entries(document['components'] as Record<string, Json>)) {
    if (kind === 'securitySchemes') continue;
    for (const name of Object.keys(parts)) {
      const used = text.includes(`"#/components/${kind}/${name}"`) || name === 'ExecuteEvent';
      assert.ok(used, `${kind}/${name}`);
    }
  }
});

const COMMON = [400, 401, 403, 429, 500, 503];
const RUN = [400, 401, 403, 404, 409, 413, 415, 429, 500, 502, 503, 504];

test('the shapes are those that programs speak', () => {
  const shapes = Object.entries(document['paths'] as Record<string, Json>).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]) => [
        `${method} ${path}`,
        Object.keys((operation as { responses: Json }).responses).map(Number),
      ]),
  );
  assert.deepEqual(Object.fromEntries(shapes), {
    'post /v1/agents/{agent_id}/execute': [200, ...RUN],
    'post /agents/{agent_id}/execute': [200, ...RUN],
    'post /v1/agents/{agent_id}/execute/stream': [200, ...RUN],
    'post /v1/agents/{agent_id}/jobs': [202, ...RUN],
    'get /v1/agents/{agent_id}/jobs/{job_id}': [200, 400, 401, 403, 404, 429, 500, 503],
    'delete /v1/agents/{agent_id}/jobs/{job_id}': [200, 400, 401, 403, 404, 429, 500, 503],
    'get /v1/agents': [200, ...COMMON],
    'post /v1/agents': [201, 400, 401, 403, 409, 413, 415, 422, 429, 500, 503],
    'get /v1/agents/{agent_id}': [200, 400, 401, 403, 404, 429, 500, 503],
    'delete /v1/agents/{agent_id}': [204, 400, 401, 403, 404, 409, 429, 500, 503],
    'get /health': [200],
    'get /ready': [200, 503],
    'get /openapi.json': [200],
  });
});

test('every reply names the call and the contract, and every refusal has the envelope', () => {
  for (const [path, item] of Object.entries(document['paths'] as Record<string, Json>)) {
    if (!path.includes('agents')) continue;
    for (const [method, operation] of Object.entries(item)) {
      if (method === 'parameters') continue;
      for (const [status, response] of Object.entries((operation as { responses: Json }).responses)) {
        const { headers, content } = followed(response) as { headers: Json; content?: Json };
        const names = Object.keys(headers);
        assert.deepEqual(names.slice(0, 2), ['x-request-id', 'outrider-contract']);
        assert.equal(names.includes('Retry-After'), status === '429' || status === '503');
        if (Number(status) < 400) continue;
        assert.deepEqual(content, {
          'application/json': { schema: { $ref: '#/components/schemas/ErrorEnvelope' } },
        });
      }
    }
  }
});

test('versions that a host refuses do not fit the document', () => {
  const { pattern } = at('components', 'parameters', 'contract', 'schema') as { pattern: string };
  for (const [version, fits] of [
    ['1.0', true],
    ['1.12', true],
    ['2.0', false],
    ['0', false],
    ['1.01', false],
  ] as const)
    assert.equal(new RegExp(pattern).test(version), fits, version);
});

test('a stream is of events, whose data have schemas', () => {
  const content = at('paths', '/v1/agents/{agent_id}/execute/stream', 'post', 'responses', '200', 'content');
  const { schema } = (content as Record<string, { schema: Json }>)['text/event-stream'] ?? { schema: {} };
  assert.deepEqual(schema['x-events'], {
    chunk: { $ref: '#/components/schemas/Chunk' },
    done: { $ref: '#/components/schemas/ExecuteReply' },
    error: { $ref: '#/components/schemas/ErrorEnvelope' },
  });
});

test('one credential of either kind is asked for, and none of those who only look', () => {
  assert.deepEqual(document['security'], [{ bearer: [] }, { api_key: [] }]);
  for (const path of ['/health', '/ready', '/openapi.json']) assert.deepEqual(at('paths', path, 'get', 'security'), []);
});

test('operations are described by what stands in the proto, without the HTTP shape again', () => {
  assert.equal(at('paths', '/v1/agents/{agent_id}/execute', 'post', 'summary'), 'Runs an agent to its end.');
  assert.equal(at('paths', '/v1/agents/{agent_id}/jobs/{job_id}', 'get', 'summary'), 'Get Job');
});
