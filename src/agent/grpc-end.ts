import type { Reply } from '../call.ts';
import type { AgentError } from '../contract/agent-error.ts';
import { agentErrorFromGrpc } from '../contract/grpc-error.ts';
import { GRPC_STATUS } from '../contract/grpc-status.ts';
import { type Fields, getField } from '../fields.ts';
import { streamBrokeOff } from './exchange.ts';
import { noteReply } from './reply-error.ts';

/** How a call ended, once its body has been read: undefined when all was well. A reply that does not say so broke off. */
export async function grpcEnd({ headers, trailers }: Reply): Promise<AgentError | undefined> {
  const ending = (await trailers) ?? [];
  const text = getField(ending, 'grpc-status');
  // Without a body, all may stand in the headers ("Trailers-Only").
  const fields: Fields = text === undefined ? headers : ending;
  const status = Number(text ?? getField(headers, 'grpc-status') ?? Number.NaN);
  if (!Number.isInteger(status)) return streamBrokeOff();
  if (status === GRPC_STATUS.ok) return undefined;
  const message = percentDecoded(getField(fields, 'grpc-message') ?? '');
  return noteReply(agentErrorFromGrpc(status, message, getField(fields, 'grpc-status-details-bin')), headers);
}

/** What cannot be decoded stays as it is, as the protocol wants it. */
function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
