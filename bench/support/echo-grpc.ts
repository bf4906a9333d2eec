// The yardstick of gRPC: @grpc/grpc-js that answers the contract's `Execute` with what it was given.
import * as grpc from '@grpc/grpc-js';
import { agentService } from './grpc-js.ts';

const server = new grpc.Server();
server.addService(agentService().service, {
  Execute(call: grpc.ServerUnaryCall<{ input: string }, object>, callback: grpc.sendUnaryData<object>) {
    callback(null, { output: call.request.input, token_count: 1, stop_reason: 'completed' });
  },
});
server.bindAsync(`127.0.0.1:${process.env['PORT']}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
