import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { http } from '../../support/http.ts';
import { TOKEN } from '../../support/outrider.ts';
import type { Ends } from '../../support/temp.ts';
import { until } from '../../support/until.ts';
import { PROPAGATION_MS } from './platforms.ts';

const PROBE_MS = 100;
/** As with Kubernetes: one yes lets a replica in, so many nos in a row put it out. */
const FAILURE_THRESHOLD = 3;

export interface Endpoint {
  readonly url: string;
  /** When it was first sent requests: milliseconds since 1970. */
  readonly inSince: () => number | undefined;
  /** Nothing new is sent to it `PROPAGATION_MS` from now on. Resolves then, when whatever was sent to it has been received. */
  withdraw(): Promise<void>;
}

/** Keeps connections, sends each request to the next replica whose `/ready` is 200, and tries nothing twice. */
export interface LoadBalancer {
  add(url: string): Endpoint;
  ready(): number;
  /** The whole reply, or why there is none. */
  get(path: string): Promise<{ status: number; text: string } | { failure: string }>;
}

interface Target {
  readonly url: string;
  readonly agent: Agent;
  ready: boolean;
  /** In a row. */
  failures: number;
  gone: boolean;
  inSince?: number;
  /** Requests of which nothing has come back yet. */
  sent: number;
}

export function loadBalancerFor(t: Ends): LoadBalancer {
  let targets: Target[] = [];
  let turn = 0;
  const end = new AbortController();
  t.after(() => {
    end.abort();
    for (const { agent } of targets) agent.destroy();
  });
  const watch = async (target: Target): Promise<void> => {
    for (; !end.signal.aborted && !target.gone; await sleep(PROBE_MS)) {
      const reply = await http(`${target.url}/ready`, { timeoutMs: 2_500 }).catch(() => undefined);
      target.failures = reply?.status === 200 ? 0 : target.failures + 1;
      target.ready = target.failures === 0 || (target.ready && target.failures < FAILURE_THRESHOLD);
      if (target.ready) target.inSince ??= Date.now();
    }
  };
  const ready = (): Target[] => targets.filter((target) => target.ready && !target.gone);
  return {
    add(url) {
      const target: Target = {
        url,
        agent: new Agent({ keepAlive: true }),
        ready: false,
        failures: 0,
        gone: false,
        sent: 0,
      };
      targets.push(target);
      void watch(target);
      return {
        url,
        inSince: () => target.inSince,
        async withdraw() {
          await sleep(PROPAGATION_MS);
          target.gone = true;
          targets = targets.filter((other) => other !== target);
          await until(() => target.sent === 0, 'requests on their way have begun to be answered');
        },
      };
    },
    ready: () => ready().length,
    async get(path) {
      const choices = ready();
      const target = choices[turn++ % choices.length];
      return target === undefined ? { failure: 'no replica is ready' } : ask(target, path);
    },
  };
}

function ask(target: Target, path: string): Promise<{ status: number; text: string } | { failure: string }> {
  const { url, agent } = target;
  target.sent++;
  let begun = false;
  const begins = (): void => {
    if (!begun) target.sent--;
    begun = true;
  };
  return new Promise((resolve) => {
    const fail = (error: Error): void => {
      begins();
      resolve({ failure: `${path}: ${error.message}` });
    };
    const outgoing = request(url + path, { agent, headers: { Authorization: `Bearer ${TOKEN}` }, timeout: 20_000 });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no byte for 20 s')));
    outgoing.on('error', fail);
    outgoing.on('response', (incoming: IncomingMessage) => {
      begins();
      let text = '';
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
      incoming.on('error', fail);
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
    });
    outgoing.end();
  });
}
