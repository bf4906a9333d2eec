import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { type HttpReply, http } from '../support/http.ts';
import { checkOpenApi } from '../support/openapi.ts';
import { outriderFor, TOKEN } from '../support/outrider.ts';

const OWN = ['/health', '/health/agent', '/openapi.json', '/ready'];

/** `GET /openapi.json` of a sidecar before an agent that answers this way. */
async function documentOf(
  t: TestContext,
  answer: (response: ServerResponse) => void,
): Promise<{ reply: HttpReply; agent: TestAgent; inbound: string; ms: number }> {
  const agent = await startAgent((_request, response) => answer(response));
  t.after(() => agent.close());
  const { inbound } = await outriderFor(t, { agentUrl: agent.url });
  const begun = performance.now();
  const reply = await http(`${inbound}/openapi.json`);
  return { reply, agent, inbound, ms: performance.now() - begun };
}

const json = (value: unknown) => (response: ServerResponse) => {
  response.setHeader('Content-Type', 'application/json').end(typeof value === 'string' ? value : JSON.stringify(value));
};

const AGENT_DOCUMENT = {
  openapi: '3.0.3',
  info: { title: 'Inner', version: '9', description: 'What it does' },
  servers: [{ url: 'http://127.0.0.1:8081' }],
  tags: [{ name: 'chat' }],
  security: [{ inner: [] }],
  paths: {
    '/chat/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      post: {
        operationId: 'chat',
        tags: ['chat'],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Question' } } } },
        responses: { '200': { description: 'An answer' }, '403': { description: "The agent's own refusal" } },
      },
    },
    '/health': { get: { summary: 'its own, which nobody reaches', responses: { '200': { description: 'x' } } } },
  },
  components: {
    schemas: { Question: { type: 'object', properties: { q: { type: 'string' } } } },
    securitySchemes: { inner: { type: 'apiKey', in: 'header', name: 'x-inner' } },
  },
};

test("the agent's document is merged: its paths, behind the bearer, and the sidecar's own", async (t) => {
  const { reply, agent, inbound } = await documentOf(t, json(AGENT_DOCUMENT));
  assert.equal(reply.status, 200);
  assert.match(String(reply.headers['content-type']), /^application\/json/);
  const document = reply.json;
  checkOpenApi(document);
  assert.deepEqual(Object.keys(document.paths).sort(), ['/chat/{id}', ...OWN]);
  assert.deepEqual(
    [document.info.title, document.info.version, document.info.description],
    ['test-agent', '1.2.3', 'What it does'],
  );
  const chat = document.paths['/chat/{id}'].post;
  assert.equal(chat.operationId, 'chat');
  assert.deepEqual(document.components.schemas.Question, AGENT_DOCUMENT.components.schemas.Question);
  const [[scheme]] = chat.security.map((one: object) => Object.keys(one));
  assert.deepEqual(document.components.securitySchemes[scheme], { type: 'http', scheme: 'bearer' });
  assert.equal(chat.responses['403'].description, "The agent's own refusal");
  for (const status of ['401', '429', '502', '503', '504']) assert.ok(chat.responses[status], status);
  for (const path of OWN) assert.deepEqual(document.paths[path].get.security, [], `${path} is open`);
  assert.doesNotMatch(document.paths['/health'].get.summary, /nobody/);
  // Where the agent listens is nobody's business.
  assert.doesNotMatch(reply.text, /127\.0\.0\.1|8081/);
  assert.equal(agent.seen[0]?.target, '/openapi.json');
  // The path is open: whoever calls it often does not make the agent work often.
  await Promise.all(Array.from({ length: 20 }, () => http(`${inbound}/openapi.json`)));
  assert.equal(agent.seen.length, 1);
  assert.equal((await http(`${inbound}/openapi.json`, { body: {} })).status, 401);
});

test('the document of the example agents and that of an agent without one are valid', async (t) => {
  const { openapi } = await import('../../examples/agent-node/openapi.ts');
  const { reply } = await documentOf(t, json(openapi('gist', '1')));
  checkOpenApi(reply.json);
  for (const path of ['/invoke', '/stream', '/delegate', '/tools', '/a2a', '/stats', ...OWN])
    assert.ok(reply.json.paths[path], path);
});

/** Each of these is as if the agent had no document. */
const NONE: [what: string, answer: (response: ServerResponse) => void][] = [
  ['404', (response) => response.writeHead(404).end('{"openapi":"3.1.0","paths":{"/x":{}}}')],
  ['no JSON', json('<html>')],
  ['a list', json([1])],
  ['Swagger 2', json({ swagger: '2.0', paths: { '/x': {} } })],
  ['more than 4 MiB', json(JSON.stringify({ openapi: '3.1.0', paths: {}, 'x-pad': 'x'.repeat(5 * 2 ** 20) }))],
  ['a redirect', (response) => response.writeHead(302, { Location: '/elsewhere' }).end()],
  [
    'a reply that breaks off',
    (response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('{"openapi":');
      setTimeout(() => response.destroy(), 20);
    },
  ],
];

for (const [what, answer] of NONE) {
  test(`an agent that has none (${what}): everything is forwarded, says the document`, async (t) => {
    const { reply } = await documentOf(t, answer);
    assert.equal(reply.status, 200);
    checkOpenApi(reply.json);
    assert.deepEqual(Object.keys(reply.json.paths).sort(), [...OWN, '/{path}'].sort());
    assert.ok(reply.json.paths['/{path}'].post.responses['401']);
  });
}

test('an agent that is silent about it delays the document by two seconds at most; one that is down not at all', async (t) => {
  const { reply, ms } = await documentOf(t, () => undefined);
  assert.equal(reply.status, 200);
  checkOpenApi(reply.json);
  assert.ok(ms < 3_500, `${ms} ms`);
  const trickle = await documentOf(t, (response) => {
    const timer = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(timer));
  });
  assert.equal(trickle.reply.status, 200);
  assert.ok(trickle.ms < 3_500, `${trickle.ms} ms`);
  const { inbound } = await outriderFor(t);
  const down = await http(`${inbound}/openapi.json`);
  assert.equal(down.status, 200);
  checkOpenApi(down.json);
});

/** Documents that say they are OpenAPI and hold what is not: what comes out is still a valid document. */
const HOSTILE: [what: string, document: unknown][] = [
  ['paths that are a list', { openapi: '3.1.0', paths: [1, 2] }],
  [
    'paths and operations that are none',
    { openapi: '3.1.0', paths: { '/x': { get: 'text', post: null }, '/y': null, z: { get: {} }, 'x-extension': 1 } },
  ],
  [
    'names of prototypes',
    JSON.parse(
      '{"openapi":"3.1.0","paths":{"__proto__":{"get":{}},"/constructor":{"get":{}}},"components":{"__proto__":{},"schemas":{"__proto__":{}}}}',
    ),
  ],
  [
    'security schemes that are ours',
    { openapi: '3.1.0', paths: {}, info: 7, components: { securitySchemes: { outrider_bearer: { type: 'apiKey' } } } },
  ],
];

for (const [what, document] of HOSTILE) {
  test(`an agent's document with ${what} does not break ours`, async (t) => {
    const { reply } = await documentOf(t, json(document));
    assert.equal(reply.status, 200);
    checkOpenApi(reply.json);
    for (const path of OWN) assert.ok(reply.json.paths[path]);
    assert.deepEqual(reply.json.components.securitySchemes.outrider_bearer, { type: 'http', scheme: 'bearer' });
  });
}

test('its shape is that of what is served: the paths it calls open are, the others need the token', async (t) => {
  const { reply, inbound } = await documentOf(t, json(AGENT_DOCUMENT));
  for (const [path, item] of Object.entries<Record<string, { security?: unknown[] }>>(reply.json.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (method === 'parameters') continue;
      const { status } = await http(inbound + path.replace('{id}', '1'), { method: method.toUpperCase() });
      assert.equal(status === 401, operation.security?.length !== 0, `${method} ${path}: ${status}`);
    }
  }
  const token = { Authorization: `Bearer ${TOKEN}` };
  assert.equal((await http(`${inbound}/chat/1`, { method: 'POST', headers: token })).status, 200);
});
