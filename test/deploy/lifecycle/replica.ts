import { join } from 'node:path';
import { type Outrider, startOutrider } from '../../support/outrider.ts';
import { freePort } from '../../support/ports.ts';
import { Process } from '../../support/process.ts';
import { type Ends, tempDir } from '../../support/temp.ts';

const AGENT_FILE = join(import.meta.dirname, 'fixtures/agent.ts');

export interface ReplicaOptions {
  /** See the fixture. */
  readonly agent?: Readonly<Record<string, string>>;
  readonly sidecar?: Readonly<Record<string, string>>;
}

/** An agent and its sidecar, that share a network; a platform says when each is started and stopped. */
export interface Replica {
  /** Resolves when it listens. Again after its end: the same address and the same data. */
  startSidecar(): Promise<Outrider>;
  startAgent(): Process;
  /** Both in one process, as `outrider run`. Resolves when the sidecar listens. */
  startRun(): Promise<Outrider>;
  /** What was started last. */
  sidecar(): Outrider;
  agent(): Process;
  readonly inbound: string;
}

/** Ends with the test, whatever has become of it. */
export async function replicaFor(t: Ends, { agent = {}, sidecar = {} }: ReplicaOptions = {}): Promise<Replica> {
  const [port, inboundPort, costPort] = [await freePort(), await freePort(), await freePort()];
  const dataDir = tempDir(t);
  let outrider: Outrider | undefined;
  let child: Process | undefined;
  t.after(async () => {
    await Promise.all([outrider?.stop('SIGKILL'), child?.stop('SIGKILL')]);
  });
  const start = async (args?: readonly string[]): Promise<Outrider> => {
    outrider = await startOutrider({
      ...(args && { args }),
      dataDir,
      agentUrl: `http://127.0.0.1:${port}`,
      env: {
        OUTRIDER_INBOUND_ADDR: `127.0.0.1:${inboundPort}`,
        OUTRIDER_COST_ADDR: `127.0.0.1:${costPort}`,
        OUTRIDER_LOG_LEVEL: 'info',
        ...sidecar,
        ...(args && agent),
      },
    });
    return outrider;
  };
  return {
    startSidecar: () => start(),
    startRun: () => start(['run', '--', process.execPath, AGENT_FILE]),
    startAgent() {
      const env = { PATH: process.env['PATH'], PORT: String(port), HOST: '127.0.0.1' };
      const helpers = { OUTRIDER_COST_URL: `http://127.0.0.1:${costPort}` };
      child = new Process(process.execPath, [AGENT_FILE], { ...env, ...helpers, ...agent });
      return child;
    },
    sidecar: () => started(outrider),
    agent: () => started(child),
    inbound: `http://127.0.0.1:${inboundPort}`,
  };
}

function started<T>(what: T | undefined): T {
  if (what === undefined) throw new Error('not started yet');
  return what;
}

/** An event that the agent wrote down, and when: milliseconds since 1970. */
export function saidAt(process: Process, event: string): number | undefined {
  const line = process.stdout.split('\n').find((one) => one.startsWith(`{"event":"${event}"`));
  // The fixture writes objects with this member.
  return line === undefined ? undefined : (JSON.parse(line) as { at: number }).at;
}
