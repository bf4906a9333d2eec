import { z } from 'zod';
import { configSchema } from './schema.ts';

/**
 * JSON Schema of the configuration file, for editors: draft 7, which all of them understand. Nothing is required at the top,
 * since the environment may say it.
 */
export function configJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-07',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === configSchema) delete jsonSchema.required;
    },
  });
}
