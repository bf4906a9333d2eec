import type { Reply } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import type { CallOptions } from './agent.ts';
import { Run } from './run.ts';
import { traceFields } from './trace-fields.ts';

/** One of the sidecar's helpers, and what reaches it. */
export interface Helper {
  readonly url: string;
  readonly fetch: () => typeof globalThis.fetch;
}

/**
 * Posts JSON to a helper. The reply is that of `fetch` in the form that the rest of this folder reads. Throws `unreachable`, and the
 * failure of the run once that is broken off.
 */
export async function postToHelper(
  helper: Helper,
  request: { body: string; run: Run; options: CallOptions; headers?: Readonly<Record<string, string>> },
): Promise<Reply> {
  const fields: string[] = [];
  traceFields(request.options.trace, fields);
  const headers = new Headers({ 'content-type': 'application/json', ...request.headers });
  for (let i = 0; i < fields.length; i += 2) headers.set(fields[i] ?? '', fields[i + 1] ?? '');
  try {
    const response = await helper.fetch()(helper.url, {
      method: 'POST',
      body: request.body,
      headers,
      signal: request.run.signal,
      // A helper sends nobody anywhere; whatever does is something else.
      redirect: 'error',
    });
    return { status: response.status, headers: [...response.headers].flat(), body: response.body };
  } catch (error) {
    throw request.run.failure ?? new AgentError('unreachable', 'the sidecar cannot be reached', { cause: error });
  }
}

/** The call of a helper: broken off at its deadline, or when its caller aborts. */
export function helperRun(options: CallOptions): Run {
  return new Run(undefined, options);
}

/** What became of it, as callers of a helper are told. */
export function helperError(run: Run | undefined, thrown: unknown): AgentError {
  if (run?.failure?.code === 'timeout') {
    return new AgentError('timeout', 'the sidecar did not answer in time', { cause: run.failure });
  }
  if (run?.failure !== undefined) return run.failure;
  if (thrown instanceof AgentError) return thrown;
  return new AgentError('unreachable', "the sidecar's answer broke off", { cause: thrown });
}
