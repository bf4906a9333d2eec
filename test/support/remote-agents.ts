import { readFileSync } from 'node:fs';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { grpcAgent, httpAgent } from '../../src/library/agent.ts';

/** The two ways to an agent elsewhere. */
export const PROTOCOLS = [
  ['http', httpAgent],
  ['grpc', grpcAgent],
] as const;

export interface GrpcOutcome {
  /** gRPC status. */
  code: number;
  details: string;
  reply: Buffer | undefined;
  metadata: Metadata;
}

/** A unary call of the contract by another implementation of gRPC, whose message may be any bytes. */
export async function grpcRaw(
  url: string,
  method: string,
  message: Buffer,
  metadata: Readonly<Record<string, string>>,
): Promise<GrpcOutcome> {
  const client = new Client(new URL(url).host, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.max_send_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });
  const same = (bytes: Buffer): Buffer => bytes;
  const fields = new Metadata();
  for (const [name, value] of Object.entries(metadata)) fields.set(name, value);
  try {
    return await new Promise((resolve) => {
      let trailers = new Metadata();
      const done = (error: ServiceError | null, reply?: Buffer): void =>
        // The status comes with this step, or before it.
        void setImmediate(() =>
          resolve({
            code: error?.code ?? 0,
            details: error?.details ?? '',
            reply,
            metadata: error?.metadata ?? trailers,
          }),
        );
      client
        .makeUnaryRequest(`/outrider.agent.v1.AgentService/${method}`, same, same, message, fields, done)
        .on('status', ({ metadata }) => (trailers = metadata));
    });
  } finally {
    client.close();
  }
}

/** Memory of a process in MiB: what it has now, and the most that it has had. */
export function memoryOf(pid: number): { now: number; most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { now: of('VmRSS'), most: of('VmHWM') };
}
