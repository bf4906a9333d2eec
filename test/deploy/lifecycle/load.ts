import { setTimeout as sleep } from 'node:timers/promises';
import type { Ends } from '../../support/temp.ts';
import type { LoadBalancer } from './load-balancer.ts';

const WORKERS = 4;
const STREAMS = 4;
const PAUSE_MS = 15;
const EVENTS = 12;
const EVERY_MS = 60;
const WHOLE = Array.from({ length: EVENTS }, (_, n) => `data: ${n + 1}\n\n`).join('');

export interface Load {
  /** Ends it, once everything that was begun is finished. */
  stop(): Promise<{ requests: number; streams: number; failures: string[] }>;
}

/** Constant load: requests one after the other from each worker, and streams of 0.7 s, of which some are always open. */
export function startLoad(t: Ends, balancer: LoadBalancer): Load {
  const end = new AbortController();
  t.after(() => end.abort());
  let requests = 0;
  let streams = 0;
  const failures: string[] = [];
  const expect = async (path: string, text: string): Promise<void> => {
    const reply = await balancer.get(path);
    if ('failure' in reply) failures.push(reply.failure);
    else if (reply.status !== 200 || reply.text !== text) failures.push(`${path}: ${reply.status} ${reply.text}`);
  };
  const worker = async (): Promise<void> => {
    for (; !end.signal.aborted; await sleep(PAUSE_MS)) {
      const n = requests++;
      await expect(`/echo?n=${n}`, String(n));
    }
  };
  const streamer = async (): Promise<void> => {
    while (!end.signal.aborted) {
      streams++;
      await expect(`/stream?events=${EVENTS}&every=${EVERY_MS}`, WHOLE);
    }
  };
  const all = [...Array.from({ length: WORKERS }, worker), ...Array.from({ length: STREAMS }, streamer)];
  return {
    async stop() {
      end.abort();
      await Promise.all(all);
      return { requests, streams, failures };
    },
  };
}
