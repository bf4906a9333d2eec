import type { Service } from '../call.ts';
import { type AdmissionOptions, type Decision, decide, ReviewError } from '../deploy/admission.ts';
import type { Json } from '../deploy/json.ts';
import { OutriderError } from '../errors.ts';
import { getField } from '../fields.ts';
import { jsonReply } from '../problem.ts';
import type { ByteBudget } from './byte-budget.ts';

/** API servers take objects of at most 3 MiB; a review holds one, and what is said of it. */
const MOST_BYTES = 4 * 2 ** 20;
/** Far more than any pod has, and far less than what a recursion over it can bear. */
const MOST_DEPTH = 64;

export interface AdmissionEndpointOptions extends AdmissionOptions {
  /** Of all that reviews hold while they arrive. */
  readonly budget: ByteBudget;
  readonly onDecision: (decision: Decision, milliseconds: number) => void;
}

/** `POST` of an AdmissionReview; the answer is one, too. Errors are those of whoever sent what is none. */
export function admission({ onDecision, budget, ...options }: AdmissionEndpointOptions): Service {
  return async ({ headers, body }) => {
    if (!/^application\/json *(;|$)/i.test(getField(headers, 'content-type') ?? ''))
      throw new OutriderError('unsupported_media_type', 'expected application/json');
    return await budget.read(body, MOST_BYTES, (bytes) => {
      const begun = performance.now();
      const decision = decideOn(parse(bytes), options);
      onDecision(decision, performance.now() - begun);
      return jsonReply(200, decision.reply);
    });
  };
}

function decideOn(review: Json, options: AdmissionOptions): Decision {
  try {
    return decide(review, options);
  } catch (error) {
    if (error instanceof ReviewError) throw new OutriderError('bad_request', error.message);
    throw error;
  }
}

function parse(bytes: Uint8Array): Json {
  let value: Json;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new OutriderError('bad_request', 'the body is not JSON');
  }
  if (isDeeper(value, MOST_DEPTH)) throw new OutriderError('bad_request', `nested deeper than ${MOST_DEPTH} levels`);
  return value;
}

function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((inner: Json) => isDeeper(inner, levels - 1));
}
