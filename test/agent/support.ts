import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadHostConfig } from '../../src/config/host-load.ts';
import { startHost } from '../../src/host.ts';
import { conformanceAgents } from '../../src/library/testing.ts';
import { createLog } from '../../src/telemetry/log.ts';

export const HOST_TOKEN = 'a-token-of-the-tests';

export interface TestHost {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** The same address for gRPC. */
  readonly grpcUrl: string;
  stop(): Promise<void>;
}

/** A host in this process that keeps the agents of the conformance suite. */
export async function conformanceHost(agents = conformanceAgents): Promise<TestHost> {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-agent-test-'));
  const env = { AGENT_AUTH_TOKEN: HOST_TOKEN, OUTRIDER_DATA_DIR: directory };
  const { config } = await loadHostConfig({ env, cwd: directory, addr: '127.0.0.1:0' });
  const log = createLog({ level: 'error', format: 'json', stream: process.stderr });
  const host = await startHost({ config, version: '0', log, env, agents });
  const address = `127.0.0.1:${host.listener.port}`;
  return {
    url: `http://${address}`,
    grpcUrl: `grpc://${address}`,
    async stop() {
      await host.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
