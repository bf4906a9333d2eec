import { STATUS_OF } from '../errors.ts';
import { COMMENTS } from './gen/comments.ts';
import { AgentService, ErrorEnvelopeSchema } from './gen/outrider/agent/v1/agent_pb.ts';
import { schemasOf } from './json-schema.ts';
import { ROUTES, type Route } from './routes.ts';
import { AGENT_ID } from './rules.ts';
import { CONTRACT_FIELD, CONTRACT_MAJOR, CONTRACT_VERSION } from './version.ts';

type Json = Record<string, unknown>;

export interface OpenApiOptions {
  readonly title: string;
  /** Of what serves the contract. */
  readonly version: string;
}

/** OpenAPI 3.1 of the contract's HTTP shapes: https://spec.openapis.org/oas/v3.1.1.html */
export function agentOpenApi({ title, version }: OpenApiOptions): Json {
  const messages = [...ROUTES.flatMap(messagesOf), ErrorEnvelopeSchema];
  return {
    openapi: '3.1.1',
    info: { title, version, description: COMMENTS.get(AgentService.typeName) ?? '' },
    security: [{ bearer: [] }, { api_key: [] }],
    paths: paths(),
    components: {
      schemas: schemasOf(messages, '#/components/schemas/'),
      headers: HEADERS,
      parameters: PARAMETERS,
      responses: Object.fromEntries([...ERRORS].map(([status, text]) => [`Error${status}`, failure(status, text)])),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        api_key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
    },
  };
}

/** On HTTP, what only names an agent or a job stands in the path, and a reply with nothing in it is none. */
function messagesOf({ rpc, method, status }: Route) {
  return [...(method === 'post' ? [rpc.input] : []), ...(status === 204 ? [] : [rpc.output])];
}

const ref = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

/** Errors by status. Where there is a code of ours, its name says what it is; the texts say when. */
const ERRORS: ReadonlyMap<number, string> = new Map([
  [400, 'The request, or the version that it names, does not fit the contract; `error.details.faults` says where'],
  [401, 'No valid credential'],
  [403, 'The caller may not do this, or a guardrail refused it'],
  [404, 'There is no such agent or job'],
  [409, 'Clashes with what is there: the id is taken, or the idempotency key stands for another request'],
  [413, 'Body too large'],
  [415, 'The body is not JSON'],
  [422, 'The agent cannot be registered; `error.details.faults` says why'],
  [429, "The caller's rate, or the agent's queue, is at its limit"],
  [500, 'Something went wrong inside the host'],
  [502, 'The agent failed, or cannot be reached'],
  [503, 'Overloaded, not ready yet, or shutting down'],
  [504, 'The time was up'],
]);

/** What any route may answer. */
const ANYWHERE: readonly number[] = [400, 401, 403, STATUS_OF.rate_limited, STATUS_OF.internal, STATUS_OF.draining];

const ON_EVERY_REPLY: Json = {
  'x-request-id': ref('headers', 'RequestId'),
  [CONTRACT_FIELD]: ref('headers', 'Contract'),
};

const HEADERS: Json = {
  RequestId: { description: 'Names the call in logs and traces', required: true, schema: { type: 'string' } },
  Contract: {
    description: 'Version of the contract',
    required: true,
    schema: { type: 'string', examples: [CONTRACT_VERSION] },
  },
  RetryAfter: { description: 'Seconds after which a retry may help', schema: { type: 'integer', minimum: 1 } },
};

function failure(status: number, description: string): Json {
  const retry = status === STATUS_OF.rate_limited || status === STATUS_OF.draining;
  return {
    description,
    headers: { ...ON_EVERY_REPLY, ...(retry && { 'Retry-After': ref('headers', 'RetryAfter') }) },
    content: { 'application/json': { schema: ref('schemas', ErrorEnvelopeSchema.name) } },
  };
}

const inPath = (name: string, schema: Json): Json => ({ name, in: 'path', required: true, schema });

const PARAMETERS: Json = {
  agent_id: inPath('agent_id', { type: 'string', pattern: AGENT_ID.source }),
  job_id: inPath('job_id', { type: 'string' }),
  contract: {
    name: CONTRACT_FIELD,
    in: 'header',
    description: 'Version of the contract that the caller speaks: any minor one will do',
    schema: { type: 'string', pattern: `^${CONTRACT_MAJOR}\\.(0|[1-9]\\d{0,5})$`, examples: [CONTRACT_VERSION] },
  },
};

function paths(): Json {
  const items: Record<string, Json> = {};
  const operations = new Set<string>();
  for (const route of ROUTES) {
    const item = (items[route.path] ??= {
      parameters: [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ref('parameters', name)),
    });
    // The second path of a method is there for callers that know no other.
    const id = operations.has(route.rpc.name) ? `${route.rpc.name}Unversioned` : route.rpc.name;
    operations.add(id);
    item[route.method] = operation(route, id);
  }
  return { ...items, ...OWN_PATHS };
}

function operation(route: Route, operationId: string): Json {
  const { rpc, method, status, errors } = route;
  const failures = [...new Set([...ANYWHERE, ...errors])].sort((a, b) => a - b);
  return {
    operationId,
    summary: summaryOf(rpc),
    parameters: [ref('parameters', 'contract')],
    ...(method === 'post' && {
      requestBody: { required: true, content: { 'application/json': { schema: ref('schemas', rpc.input.name) } } },
    }),
    responses: {
      [status]: { description: DONE[status], headers: ON_EVERY_REPLY, ...contentOf(route) },
      ...Object.fromEntries(failures.map((failed) => [failed, ref('responses', `Error${failed}`)])),
    },
  };
}

const DONE = { 200: 'Done', 201: 'Registered', 202: 'Taken on', 204: 'Removed' } as const;

function contentOf({ rpc, status }: Route): Json {
  if (status === 204) return {};
  if (rpc.methodKind === 'unary')
    return { content: { 'application/json': { schema: ref('schemas', rpc.output.name) } } };
  const events = rpc.output.fields.flatMap(({ jsonName, message }) =>
    message === undefined ? [] : [[jsonName, ref('schemas', message.name)]],
  );
  return {
    content: {
      'text/event-stream': {
        schema: {
          type: 'string',
          description:
            'Server-sent events, of which each has one line of JSON as its data. The last is `done`, or `error`. Events that are not ' +
            'known are to be skipped.',
          // By name of the event, the schema of its data: OpenAPI 3.1 has no member for it.
          'x-events': { ...Object.fromEntries(events), error: ref('schemas', ErrorEnvelopeSchema.name) },
        },
        example: 'event: chunk\ndata: {"text":"Hel"}\n\nevent: chunk\ndata: {"text":"lo"}\n\n',
      },
    },
  };
}

/** What stands above the method, but for the HTTP shape, which the document itself gives. */
function summaryOf(rpc: Route['rpc']): string {
  const [text = ''] = (COMMENTS.get(`${rpc.parent.typeName}.${rpc.name}`) ?? '').split(/\s*\bHTTP: /);
  return text === '' ? (rpc.name.match(/[A-Z][a-z]+/g) ?? []).join(' ') : text;
}

const open = (summary: string, description: string): Json => ({
  get: { summary, security: [], responses: { 200: { description } } },
});

const OWN_PATHS: Json = {
  '/health': open('Liveness', 'The process lives'),
  '/ready': {
    get: {
      summary: 'Readiness',
      security: [],
      responses: { 200: { description: 'Takes calls' }, 503: { description: 'Not ready yet, or shutting down' } },
    },
  },
  '/openapi.json': open('This document', 'OpenAPI 3.1'),
};
