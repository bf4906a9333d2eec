import { Ajv } from 'ajv';
import { closed, readSchema } from './closed.ts';
import { refusedByCompose } from './compose-rules.ts';

export const COMPOSE_SCHEMA = 'compose-spec.json';

/** What Compose would refuse in a file: by its schema where that is at hand, and by the rules that no schema says. */
export function composeFaults(documents: readonly unknown[]): readonly string[] {
  return [...documents.flatMap((document) => schemaFaults(document)), ...documents.flatMap(refusedByCompose)];
}

const validate = compile();

function schemaFaults(document: unknown): string[] {
  if (validate === undefined || validate(document)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

function compile() {
  const schema = readSchema(COMPOSE_SCHEMA);
  if (schema === undefined) return undefined;
  // Ajv knows draft-07 by another address.
  const { $schema: _, ...rest } = schema;
  const ajv = new Ajv({
    allErrors: true,
    strict: false,
    formats: { ports: true, duration: true, expose: true, subnet_ip_address: true },
  });
  // The root of a schema is an object, and closing it keeps it one.
  return ajv.compile(closed(rest) as object);
}
