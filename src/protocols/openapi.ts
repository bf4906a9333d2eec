type Json = Record<string, unknown>;

const BEARER = 'outrider_bearer';

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457 problem document',
  required: ['type', 'title', 'status', 'detail', 'code', 'error'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Stable code of the refusal' },
    error: { type: 'string', description: 'One-line message' },
  },
};

const refusal = (description: string): Json => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/OutriderProblem' } } },
});

const REFUSALS: Json = {
  '401': refusal('No valid bearer token'),
  '403': refusal('Blocked by a guardrail'),
  '413': refusal('Body too large to be checked'),
  '429': refusal('Too many requests'),
  '502': refusal('The agent is unreachable, or its reply cannot be checked'),
  '503': refusal('Overloaded or shutting down'),
  '504': refusal('The agent did not answer in time'),
};

const ok = (description: string, type = 'application/json'): Json => ({
  description,
  content: { [type]: { schema: { type: 'object' } } },
});

const OWN_PATHS: Json = {
  '/health': { get: { summary: 'Liveness', security: [], responses: { '200': ok('The process lives') } } },
  '/health/agent': {
    get: {
      summary: 'Liveness of the agent',
      security: [],
      responses: { '200': ok('The agent answers'), '503': refusal('It does not') },
    },
  },
  '/ready': {
    get: {
      summary: 'Readiness',
      security: [],
      responses: { '200': ok('The agent is ready'), '503': refusal('Not ready yet, or shutting down') },
    },
  },
  '/openapi.json': { get: { summary: 'This document', security: [], responses: { '200': ok('OpenAPI 3.1') } } },
};

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query'] as const;

/**
 * OpenAPI 3.1 of what a sidecar serves: its own open paths, and the agent's paths behind the bearer token. `agent` is the
 * agent's own document, parsed and not trusted: what is not an OpenAPI 3 document is left out.
 */
export function sidecarOpenApi(info: { title: string; version: string }, agent: unknown): Json {
  const theirs = isDocument(agent) ? agent : {};
  const components = object(theirs['components']);
  const everythingElse = Object.fromEntries(
    METHODS.filter((method) => method !== 'query').map((method) => [
      method,
      { summary: 'Forwarded to the agent', responses: { default: { description: "The agent's reply" }, ...REFUSALS } },
    ]),
  );
  return {
    openapi: '3.1.0',
    info: { ...object(theirs['info']), ...info },
    ...(Array.isArray(theirs['tags']) && { tags: theirs['tags'] }),
    security: [{ [BEARER]: [] }],
    paths: {
      ...(isDocument(agent)
        ? withRefusals(object(theirs['paths']))
        : {
            '/{path}': {
              parameters: [{ name: 'path', in: 'path', required: true, schema: { type: 'string' } }],
              ...everythingElse,
            },
          }),
      ...OWN_PATHS,
    },
    components: {
      ...components,
      schemas: { ...object(components['schemas']), OutriderProblem: PROBLEM },
      securitySchemes: { ...object(components['securitySchemes']), [BEARER]: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function withRefusals(paths: Json): Json {
  // A path begins with a slash (OpenAPI 3.1 §4.8.8); whatever else stands there would break the whole document.
  const served = Object.entries(paths).filter(([path]) => path.startsWith('/'));
  return Object.fromEntries(
    served.map(([path, item]) => {
      const operations = Object.entries(object(item)).map(([key, operation]) =>
        (METHODS as readonly string[]).includes(key) ? [key, guarded(object(operation))] : [key, operation],
      );
      return [path, Object.fromEntries(operations)];
    }),
  );
}

/** The agent's own `security` is replaced: what a caller has to show is what the sidecar asks for. */
function guarded(operation: Json): Json {
  return { ...operation, security: [{ [BEARER]: [] }], responses: { ...REFUSALS, ...object(operation['responses']) } };
}

function isDocument(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && 'openapi' in value && String(value.openapi).startsWith('3.');
}

function object(value: unknown): Json {
  // Any other object is as good as a record of unknowns.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
