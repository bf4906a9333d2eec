import { z } from 'zod';
import { AUDIT_FILTERS, COST_FILTERS, MAX_LIMIT } from './api-query.ts';
import { auditBodySchema } from './audit-event.ts';
import { ledgerCostBodySchema } from './cost-event.ts';
import { GROUPS } from './query.ts';

type Json = Record<string, unknown>;

/** OpenAPI 3.1 of the ledger; the bodies are the schemas that check them. */
export function openapi(version: string): Json {
  return {
    openapi: '3.1.1',
    info: { title: 'Outrider ledger', version, description: 'Costs and audit log of AI agents.' },
    security: [{ bearer: [] }],
    paths: {
      '/health': { get: { summary: 'Liveness', security: [], responses: { 200: ok('Up'), 503: ok('Cannot write') } } },
      '/openapi.json': { get: { summary: 'This document', security: [], responses: { 200: ok('OpenAPI 3.1') } } },
      '/api/v1/costs': {
        post: post('Record one cost event', ref('LedgerCostEvent')),
        get: get('Cost events, newest first', [...filters(COST_FILTERS), ...paging]),
      },
      '/api/v1/costs/summary': {
        get: get('Sums of tokens and prices, by group and in total', [
          ...filters(COST_FILTERS),
          query('group_by', { enum: GROUPS, default: 'agent' }),
          query('limit', { type: 'integer', minimum: 1, maximum: MAX_LIMIT }),
        ]),
      },
      '/api/v1/audit': {
        post: post('Record one audit entry', ref('AuditEntry')),
        get: get('Audit entries, newest first', [...filters(AUDIT_FILTERS), ...paging]),
      },
      '/api/v1/audit/verify': { get: get('Check the hash chain of the whole audit log', []) },
      '/api/v1/batch': {
        post: {
          summary: 'Record many rows, all in one transaction; rows that are there already are no fault',
          requestBody: body({
            type: 'object',
            properties: {
              costs: { type: 'array', maxItems: 1000, items: ref('LedgerCostEvent') },
              audit: { type: 'array', maxItems: 1000, items: ref('AuditEntry') },
            },
          }),
          responses: { 200: ok('`{accepted, recorded, duplicates}`'), ...errors },
        },
      },
    },
    components: {
      schemas: {
        LedgerCostEvent: schemaOf(ledgerCostBodySchema),
        AuditEntry: schemaOf(auditBodySchema),
        Problem: problem,
      },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function schemaOf(schema: z.ZodType): Json {
  // What is posted, before defaults and transformations.
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as Json;
  return rest;
}

const problem: Json = {
  type: 'object',
  description: 'RFC 9457 problem document',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    error: { type: 'string' },
    faults: {
      type: 'array',
      items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' } } },
    },
  },
};

const problemReply = { description: 'Problem', content: { 'application/problem+json': { schema: ref('Problem') } } };
const errors = { 400: problemReply, 401: problemReply, 413: problemReply, 503: problemReply, 507: problemReply };

const paging = [
  query('limit', { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: 100 }),
  query('cursor', { type: 'string', description: '`next_cursor` of the page before' }),
];

function post(summary: string, schema: Json): Json {
  const key = { name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 128 } };
  return {
    summary,
    parameters: [key],
    requestBody: body(schema),
    responses: { 201: ok('Recorded: `{event_id, status}`'), 200: ok('Was there already'), ...errors },
  };
}

function get(summary: string, parameters: Json[]): Json {
  return { summary, parameters, responses: { 200: ok('Found'), 400: problemReply, 401: problemReply } };
}

function filters(names: readonly string[]): Json[] {
  return names.map((name) =>
    query(name, name === 'from' || name === 'to' ? { type: 'string', format: 'date-time' } : { type: 'string' }),
  );
}

function query(name: string, schema: Json): Json {
  return { name, in: 'query', schema };
}

function body(schema: Json): Json {
  return { required: true, content: { 'application/json': { schema } } };
}

function ok(description: string): Json {
  return { description };
}

function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}
