import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const root = fileURLToPath(new URL('../../proto', import.meta.url));

/** The contract's service, as a program sees it that knows gRPC and the proto file alone. */
export function agentService(): grpc.ServiceClientConstructor {
  const definition = loadSync('outrider/agent/v1/agent.proto', { keepCase: true, includeDirs: [root] });
  // As the proto file says.
  const { outrider } = grpc.loadPackageDefinition(definition) as unknown as {
    outrider: { agent: { v1: { AgentService: grpc.ServiceClientConstructor } } };
  };
  return outrider.agent.v1.AgentService;
}
