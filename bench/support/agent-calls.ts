// Makes calls one way and prints what they took as JSON. A process of its own, so that nothing else is counted with it.
import * as grpc from '@grpc/grpc-js';
import { builtLibrary } from './built.ts';
import { agents } from './echo-agents.ts';
import { agentService } from './grpc-js.ts';

const { grpcAgent, httpAgent, localAgent } = await builtLibrary();
const { WAY = '', URL: url = '', TOKEN: token = '', CALLS = '5000', CONCURRENCY = '1' } = process.env;
const input = 'Summarise the open tickets of this week and say which of them need an answer today. '.repeat(10).trim();
const request = { input };

type CallOnce = () => Promise<{ output?: string }>;

function callOnce(): CallOnce {
  switch (WAY) {
    case 'function': {
      const execute = agents[0]?.execute as (request: { input: string }) => { output: string };
      return async () => execute(request);
    }
    case 'localAgent': {
      const agent = localAgent(agents[0] as never);
      return () => agent.execute(request);
    }
    case 'httpAgent': {
      const agent = httpAgent({ url, id: 'echo', token });
      return () => agent.execute(request);
    }
    case 'grpcAgent': {
      const agent = grpcAgent({ url, id: 'echo', token });
      return () => agent.execute(request);
    }
    case 'fetch':
      return async () => {
        const reply = await fetch(`${url}/agents/echo/execute`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
          body: JSON.stringify(request),
        });
        // As the servers write it.
        return (await reply.json()) as { output: string };
      };
    case 'grpc-js': {
      const client = new (agentService())(new globalThis.URL(url).host, grpc.credentials.createInsecure());
      const metadata = new grpc.Metadata();
      metadata.set('authorization', `Bearer ${token}`);
      return () =>
        new Promise((resolve, reject) => {
          client['Execute']?.(
            { agent_id: 'echo', input },
            metadata,
            (error: Error | null, reply: { output: string }) => {
              if (error === null) resolve(reply);
              else reject(error);
            },
          );
        });
    }
    default:
      throw new Error(`no such way: ${WAY}`);
  }
}

async function calls(once: CallOnce, count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const { output } = await once();
      if (output !== input) throw new Error('not the same echo');
    }
  };
  await Promise.all(Array.from({ length: Number(CONCURRENCY) }, worker));
}

const once = callOnce();
await calls(once, Math.ceil(Number(CALLS) / 2));
const cpu = process.cpuUsage();
const begun = performance.now();
await calls(once, Number(CALLS));
const wall = (performance.now() - begun) * 1000;
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(
  JSON.stringify({
    wall: wall / Number(CALLS),
    cpu: (user + system) / Number(CALLS),
    perSecond: (Number(CALLS) / wall) * 1e6,
  }),
);
process.exit(0);
