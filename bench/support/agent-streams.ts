// Many streams at once, or many calls that are left in the middle; prints what memory and connections did as JSON.
import { readFileSync } from 'node:fs';
import { builtLibrary } from './built.ts';
import { residentMb } from './processes.ts';

const { grpcAgent, httpAgent } = await builtLibrary();
const { WHAT = '', WAY = '', URL: url = '', TOKEN: token = '', HOST_PID = '', COUNT = '1000' } = process.env;
const count = Number(COUNT);
const agentOf = WAY === 'grpc' ? grpcAgent : httpAgent;
const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
const hostMb = (): number => Math.round(residentMb(Number(HOST_PID)) ?? 0);
const ownMb = (): number => Math.round(process.memoryUsage().rss / 2 ** 20);

/** Connections that the host has in any state, as the system counts them. */
function connections(): number {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  // Of proc(5): local address, remote address, state; 0A is the listener.
  return rows.filter((row) => {
    const [, local = '', , state] = row.trim().split(/\s+/);
    return local.endsWith(`:${port}`) && state !== '0A';
  }).length;
}

async function streams(): Promise<object> {
  const agent = agentOf({ url, id: 'chunks', token });
  const line: { host: number; own: number }[] = [];
  for (let round = 0; round < 5; round++) {
    let chunks = 0;
    await Promise.all(
      Array.from({ length: count }, async () => {
        for await (const event of agent.stream({ input: 'go' })) if (event.chunk !== undefined) chunks++;
      }),
    );
    if (chunks !== count * 100) throw new Error(`${chunks} chunks came, not ${count * 100}`);
    line.push({ host: hostMb(), own: ownMb() });
  }
  return { line };
}

async function leaving(): Promise<object> {
  const agent = agentOf({ url, id: 'waits', token });
  const line: { host: number; own: number; connections: number }[] = [];
  const rounds = 10;
  for (let round = 0; round < rounds; round++) {
    const size = Math.min(500, count / rounds);
    for (let done = 0; done < count / rounds; done += size) {
      const leave = new AbortController();
      const runs = Array.from({ length: size }, () => agent.execute({ input: 'wait' }, { signal: leave.signal }));
      setTimeout(() => leave.abort(), 50);
      const ends = await Promise.allSettled(runs);
      if (ends.some(({ status }) => status === 'fulfilled')) throw new Error('a call was answered that nobody answers');
    }
    await pause(200);
    line.push({ host: hostMb(), own: ownMb(), connections: connections() });
  }
  return { line };
}

process.stdout.write(JSON.stringify(await (WHAT === 'streams' ? streams() : leaving())));
process.exit(0);
