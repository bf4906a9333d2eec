import { z } from 'zod';

/**
 * JSON Schema of a configuration file, for editors: draft 7, which all of them understand. Nothing is required at the top,
 * since the environment may say it.
 */
export function configJsonSchema(schema: z.ZodObject): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-07',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === schema) delete jsonSchema.required;
    },
  });
}
