import type { Service } from '../call.ts';
import type { Config } from '../config/load.ts';
import { isGrpcCall } from '../layers/grpc.ts';
import { lazy } from '../lazy.ts';
import type { HttpClient } from '../net/client.ts';
import { httpClient } from '../net/client.ts';

/**
 * The agent behind us: gRPC goes to it over HTTP/2, with prior knowledge for `http:`; everything else over HTTP/1.1, which
 * every agent speaks, however it came.
 */
export function agentClient({ agent_url: url, timeouts }: Config): HttpClient {
  const options = {
    name: 'the agent',
    connectTimeoutMs: timeouts.agent_connect,
    responseTimeoutMs: timeouts.agent_response,
    idleTimeoutMs: timeouts.idle,
  };
  const http1 = httpClient(url, options);
  // Beside us nothing vanishes without a word, and many gRPC servers close connections that send them pings.
  const http2 = lazy(async () => {
    const { http2Client } = await import('../net/http2-client.ts');
    return http2Client(url, { ...options, pingAfterMs: 0 });
  });
  const sendGrpc: Service = async (call) => (await http2.load()).send(call);
  return {
    send: (call) => (isGrpcCall(call) ? sendGrpc(call) : http1.send(call)),
    async close() {
      await Promise.all([http1.close(), http2.value?.close()]);
    },
  };
}
