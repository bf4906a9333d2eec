import { modelName } from '../../pricing/api.ts';

/** What gives the model that a request asks for, so far as its body can be read twice. Reads nothing before it is asked. */
export function requestedModel(body: RequestInit['body']): () => string | undefined {
  if (typeof body === 'string') return () => modelIn(body);
  if (body instanceof FormData) {
    const model = body.get('model');
    return () => (typeof model === 'string' ? modelName(model) : undefined);
  }
  return () => undefined;
}

function modelIn(json: string): string | undefined {
  try {
    const request: unknown = JSON.parse(json);
    const isObject = typeof request === 'object' && request !== null;
    return isObject && 'model' in request ? modelName(request.model) : undefined;
  } catch {
    return undefined;
  }
}
