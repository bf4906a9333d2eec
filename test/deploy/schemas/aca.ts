import draft04 from 'ajv-draft-04';
import { refusedByContainerApps } from './aca-rules.ts';
import { closed, readSchema } from './closed.ts';

export const ACA_SCHEMA = 'azure-container-apps-2026-01-01.json';

/** What Container Apps would refuse: by the schema of its resource where that is at hand, and by what its documentation says. */
export function acaFaults(documents: readonly unknown[]): readonly string[] {
  return documents.flatMap((document) => [...schemaFaults(document), ...refusedByContainerApps(document)]);
}

/** What `az containerapp` reads or prints besides the resource itself. */
const OF_THE_CLI = new Set(['id', 'resourceGroup', 'systemData']);

function schemaFaults(document: unknown): string[] {
  if (validate === undefined || typeof document !== 'object' || document === null) return [];
  const resource = {
    // The command line knows these without being told.
    apiVersion: '2026-01-01',
    type: 'Microsoft.App/containerApps',
    location: 'of the environment',
    ...Object.fromEntries(Object.entries(document).filter(([key]) => !OF_THE_CLI.has(key))),
  };
  if (validate(resource)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

const validate = compile();

function compile() {
  const schema = readSchema(ACA_SCHEMA);
  if (schema === undefined) return undefined;
  const ajv = new draft04.default({ allErrors: true, strict: false });
  const { definitions, resourceDefinitions } = schema;
  // The schema's own shape: `resourceDefinitions` is a map.
  const { containerApps } = resourceDefinitions as Record<string, object>;
  // The root of a schema is an object, and what is done to it keeps it one.
  return ajv.compile(closed(asServed({ ...containerApps, definitions })) as object);
}

/** Without template expressions, which only ARM templates know, and with `cpu` as what the service takes. */
function asServed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(asServed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { oneOf, ...rest } = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, asServed(value)]));
  if (rest['description'] === 'Required CPU in cores, e.g. 0.5') return { type: 'number' };
  if (!Array.isArray(oneOf)) return { ...rest, ...(oneOf !== undefined && { oneOf }) };
  const own = oneOf.filter((one: unknown) => !isExpression(one));
  return own.length === 1 ? { ...rest, allOf: own } : { ...rest, oneOf: own };
}

function isExpression(schema: unknown): boolean {
  return (
    typeof schema === 'object' && schema !== null && '$ref' in schema && String(schema.$ref).endsWith('/expression')
  );
}
