const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const string = { type: 'string' };

function operation(summary: string, required: string[], more: Record<string, object> = {}, answer?: object) {
  const properties = { ...Object.fromEntries(required.map((name) => [name, string])), ...more };
  return {
    post: {
      summary,
      requestBody: { required: true, ...json({ type: 'object', required, properties }) },
      responses: { '200': { description: 'The answer', ...(answer ?? json({ type: 'object' })) } },
    },
  };
}

/** What this agent serves, as OpenAPI 3.1. The sidecar merges it into its own `/openapi.json`. */
export function openapi(title: string, version: string): object {
  return {
    openapi: '3.1.0',
    info: { title, version },
    paths: {
      '/invoke': operation('Say what a text is about', ['input'], {}, json({ $ref: '#/components/schemas/Answer' })),
      '/stream': operation(
        'The same, word by word',
        ['input'],
        { delay_ms: { type: 'number', minimum: 0, maximum: 10_000, default: 20 } },
        { content: { 'text/event-stream': { schema: string } } },
      ),
      '/delegate': operation('Ask another agent', ['peer', 'text']),
      '/tools': operation("List an MCP server's tools, or call one", ['server'], {
        tool: string,
        arguments: { type: 'object' },
      }),
      '/a2a': operation('JSON-RPC 2.0: tasks/send', ['method'], { params: { type: 'object' } }),
      '/stats': { get: { summary: 'Counters', responses: { '200': { description: 'The counters' } } } },
    },
    components: {
      schemas: {
        Answer: {
          type: 'object',
          required: ['agent', 'output', 'model', 'usage'],
          properties: {
            agent: string,
            version: string,
            output: string,
            model: string,
            usage: {
              type: 'object',
              properties: { input_tokens: { type: 'integer' }, output_tokens: { type: 'integer' } },
            },
            cost_usd: { type: 'number' },
            cost_event: { type: ['string', 'null'], description: 'Its event id, null when it was not recorded' },
          },
        },
      },
    },
  };
}
