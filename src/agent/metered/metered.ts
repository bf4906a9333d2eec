import { loadPrices } from '../../pricing/price.ts';
import { type ModelCall, recogniseCall } from '../../pricing/recognise.ts';
import type { TraceContext } from '../agent.ts';
import type { CostReport } from '../cost-report.ts';
import { traceFields } from '../trace-fields.ts';
import { usageAsker } from './ask-usage.ts';
import { CallMeter, type Emit } from './call-meter.ts';
import { mayHaveRun } from './may-have-run.ts';
import { observedBody } from './observed-body.ts';
import { requestedModel } from './requested-model.ts';
import type { ReplyKind } from './usage-scanner.ts';

/** How model calls are recorded: on whose behalf, in which trace, and what is put into requests. */
export interface MeterOptions {
  /**
   * Who runs the models, where that is not what their host says: an id of `@pydantic/genai-prices` for prices to be found, or any
   * other name. Without it a host that is in no list is taken for the maker of the API that is spoken: `openai`, `anthropic`, `google`.
   */
  readonly provider?: string;
  /**
   * Whether streams of chat completions are asked for their usage (`stream_options.include_usage`) where the request does not decide
   * it; true unless told. They then end with one more chunk, whose `choices` are empty.
   */
  readonly askForUsage?: boolean;
  /** The trace that calls belong to. A `traceparent` of the request goes before it; without both, it is that of OpenTelemetry. */
  readonly trace?: TraceContext | (() => TraceContext | undefined);
  /** Whose costs these are, where that is not the sidecar's agent. */
  readonly agent?: string;
  readonly agent_version?: string;
  readonly team?: string;
}

/** What meters a `fetch`: every call of a model that goes through it is emitted, and everything else passes as it is. */
export function meterWith(
  fetch: typeof globalThis.fetch | undefined,
  options: MeterOptions,
  emit: Emit,
): typeof globalThis.fetch {
  const askUsage = usageAsker();
  const { askForUsage = true } = options;

  // The one of now: what is made here may itself become the global one.
  const send = fetch ?? globalThis.fetch;

  return async (input, init) => {
    const found = recognise(input, init);
    if (found === undefined) return send(input, init);
    const { call, url, request } = found;
    const signal = init?.signal ?? request?.signal;
    if (signal?.aborted) return send(input, init);

    // While the model works there is time for it. Without the list there are no prices, and that is all.
    loadPrices().catch(() => undefined);
    const meter = new CallMeter(
      {
        ...call,
        url,
        startedAt: new Date(),
        signal: signal ?? undefined,
        said: saidOf(options, init?.headers ?? request?.headers),
        provider: options.provider,
      },
      { emit, requestedModel: requestedModel(init?.body) },
    );
    let response: Response;
    try {
      response =
        askForUsage && call.api.usageOnRequest === true && init !== undefined && request === undefined
          ? // It is no Request.
            await askUsage(send, url, input as string | URL, init)
          : await send(input, init);
    } catch (error) {
      if (mayHaveRun(error)) meter.end('broken');
      else meter.drop();
      throw error;
    }
    return observedResponse(response, call, meter);
  };
}

interface Found {
  readonly call: ModelCall;
  readonly url: URL;
  /** When it was given as a `Request`. */
  readonly request: Request | undefined;
}

function recognise(input: string | URL | Request, init: RequestInit | undefined): Found | undefined {
  const request = typeof input === 'string' || input instanceof URL ? undefined : input;
  const text = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const call = recogniseCall((init?.method ?? request?.method ?? 'GET').toUpperCase(), url);
  return call === undefined ? undefined : { call, url, request };
}

function saidOf(options: MeterOptions, headers: RequestInit['headers']): Partial<CostReport> {
  const { agent, agent_version, team } = options;
  const trace_id = traceIdOf(options, headers);
  return {
    ...(agent !== undefined && { agent }),
    ...(agent_version !== undefined && { agent_version }),
    ...(team !== undefined && { team }),
    ...(trace_id !== undefined && { trace_id }),
  };
}

function traceIdOf({ trace }: MeterOptions, headers: RequestInit['headers']): string | undefined {
  const own = headers === undefined ? null : new Headers(headers).get('traceparent');
  const fields: string[] = [];
  if (own !== null) fields.push('traceparent', own);
  else traceFields(typeof trace === 'function' ? trace() : trace, fields);
  const at = fields.indexOf('traceparent');
  const id = at === -1 ? undefined : /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(fields[at + 1] ?? '')?.[1];
  return id === undefined || /^0+$/.test(id) ? undefined : id;
}

/** The same response, its body seen by the meter. What is not the reply of a model is not touched. */
function observedResponse(response: Response, call: ModelCall, meter: CallMeter): Response {
  const kind = kindOf(response, call);
  if (kind === undefined) {
    meter.drop();
    return response;
  }
  meter.replied(kind, !response.ok);
  const { body, status, statusText, headers } = response;
  // A `fetch` of another making may have bodies of its own kind.
  if (!(body instanceof ReadableStream)) {
    meter.end(body === null ? 'complete' : 'broken');
    return response;
  }
  try {
    const observed = observedBody(body, meter);
    const copy = new Response(observed, { status, statusText, headers });
    // What a constructor cannot say.
    for (const name of ['url', 'redirected', 'type'] as const) {
      Object.defineProperty(copy, name, { value: response[name], configurable: true });
    }
    // A reader that goes away without a word ends the call, too.
    ABANDONED.register(observed, meter);
    return copy;
  } catch {
    meter.end('broken');
    return response;
  }
}

const ABANDONED = new FinalizationRegistry<CallMeter>((meter) => meter.end('broken'));

function kindOf(response: Response, { api }: ModelCall): ReplyKind | undefined {
  const type = (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'text/event-stream') return 'events';
  if (type === '' || type.endsWith('json') || type.endsWith('ndjson')) return 'json';
  // Event streams of Amazon's own form.
  if (api.anyMedia === true || type === 'application/vnd.amazon.eventstream') return 'opaque';
  return undefined;
}
