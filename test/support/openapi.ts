import assert from 'node:assert/strict';

type Json = Record<string, unknown>;

const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);

/**
 * What OpenAPI 3.1 demands of a document, as far as ours may break it: the version, info, paths with operations that have
 * responses, path parameters that are declared, unique operation ids, security schemes that exist, and references that lead
 * somewhere.
 */
export function checkOpenApi(document: Json): void {
  assert.match(String(document['openapi']), /^3\.1\.\d+$/);
  const info = object(document['info'], 'info');
  for (const name of ['title', 'version']) assert.equal(typeof info[name], 'string', `info.${name}`);
  const schemes = object(
    object(document['components'] ?? {}, 'components')['securitySchemes'] ?? {},
    'securitySchemes',
  );
  const checkSecurity = (security: unknown, where: string): void => {
    assert.ok(Array.isArray(security), `${where}.security`);
    for (const requirement of security) {
      for (const name of Object.keys(object(requirement, where)))
        assert.ok(name in schemes, `${where}: no scheme ${name}`);
    }
  };
  if (document['security'] !== undefined) checkSecurity(document['security'], 'document');
  const ids = new Set<unknown>();
  for (const [path, item] of Object.entries(object(document['paths'], 'paths'))) {
    assert.ok(path.startsWith('/'), path);
    const shared = (object(item, path)['parameters'] ?? []) as unknown[];
    for (const [method, operation] of Object.entries(object(item, path))) {
      if (!METHODS.has(method)) {
        assert.ok(['parameters', 'summary', 'description', 'servers', '$ref'].includes(method), `${path}: ${method}`);
        continue;
      }
      checkOperation(document, `${method} ${path}`, object(operation, path), shared);
      const { operationId, security } = object(operation, path);
      if (security !== undefined) checkSecurity(security, `${method} ${path}`);
      if (operationId !== undefined) {
        assert.ok(!ids.has(operationId), `${method} ${path}: its operationId comes twice`);
        ids.add(operationId);
      }
    }
  }
  checkReferences(document, document);
}

function checkOperation(document: Json, where: string, operation: Json, shared: readonly unknown[]): void {
  const responses = Object.entries(object(operation['responses'], `${where}.responses`));
  assert.ok(responses.length > 0, where);
  for (const [status, response] of responses) {
    assert.match(status, /^([1-5](\d\d|XX)|default)$/, where);
    const { $ref, description } = object(response, where);
    assert.ok(typeof $ref === 'string' || typeof description === 'string', `${where} ${status}: description`);
  }
  const parameters = [...shared, ...((operation['parameters'] ?? []) as unknown[])].map((parameter) => {
    const { $ref } = object(parameter, where);
    return object(typeof $ref === 'string' ? pointed(document, $ref) : parameter, where);
  });
  for (const { name, in: place, schema, content } of parameters) {
    assert.equal(typeof name, 'string', where);
    assert.ok(['query', 'header', 'path', 'cookie'].includes(String(place)), where);
    assert.ok(schema !== undefined || content !== undefined, `${where}: schema of ${String(name)}`);
  }
  for (const [, name] of (where.split(' ')[1] ?? '').matchAll(/\{([^}]+)\}/g)) {
    assert.ok(
      parameters.some(
        (parameter) => parameter['name'] === name && parameter['in'] === 'path' && parameter['required'] === true,
      ),
      `${where}: {${name}} is not declared`,
    );
  }
  const body = operation['requestBody'];
  if (body !== undefined)
    assert.ok('content' in object(body, where) || '$ref' in object(body, where), `${where}.requestBody`);
}

function checkReferences(document: Json, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const { $ref } = value as Json;
  if (typeof $ref === 'string' && $ref.startsWith('#')) assert.notEqual(pointed(document, $ref), undefined, $ref);
  for (const inner of Object.values(value)) checkReferences(document, inner);
}

/** RFC 6901, in the fragment of a URI. */
function pointed(document: Json, reference: string): unknown {
  return reference
    .slice(1)
    .split('/')
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? (value as Json)[key] : undefined),
      document,
    );
}

function object(value: unknown, what: string): Json {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${what} is no object`);
  return value as Json;
}
