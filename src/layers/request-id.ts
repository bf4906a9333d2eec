import { randomUUID } from 'node:crypto';
import type { Call } from '../call.ts';
import { type Fields, getField, withoutFields } from '../fields.ts';
import type { Layer } from '../stack.ts';

export interface Identified {
  readonly requestId: string;
}

const FIELD = 'x-request-id';
const ACCEPTABLE = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Gives each call an id: the caller's own, when it is one that may stand in a log and in a header, or else a new one. Each reply
 * says it, and `also`: what this surface says in every reply. Stands outside `rescue`, so that errors say it too.
 */
export function requestId(also: Fields = []): Layer<Call, Identified> {
  const names = new Set([FIELD, ...also.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())]);
  return async (call, next) => {
    const theirs = getField(call.headers, FIELD);
    const id = theirs !== undefined && ACCEPTABLE.test(theirs) ? theirs : randomUUID();
    const reply = await next({ requestId: id });
    const headers = withoutFields(reply.headers, (name) => names.has(name));
    headers.push(FIELD, id, ...also);
    return { ...reply, headers };
  };
}
