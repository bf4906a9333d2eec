import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Family } from './exposition.ts';

const QUANTILES = [0.5, 0.9, 0.99] as const;
const NANOSECONDS = 1e9;

/** What the process itself costs, under the names that Prometheus clients share. `close` stops the clock that watches the loop. */
export function runtimeMetrics(): { families(): Family[]; close(): void } {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  return { families: () => [loopDelay(delay), ...processFamilies()], close: () => void delay.disable() };
}

/** Since the scrape before; the sampling interval itself is no delay and is taken off. */
function loopDelay(delay: ReturnType<typeof monitorEventLoopDelay>): Family {
  const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - 0.02);
  const samples =
    delay.count === 0
      ? []
      : [
          ...QUANTILES.map((quantile) => ({
            labels: { quantile: String(quantile) },
            value: seconds(delay.percentile(quantile * 100)),
          })),
          { labels: { quantile: '1' }, value: seconds(delay.max) },
        ];
  delay.reset();
  return {
    name: 'outrider_event_loop_delay_seconds',
    help: 'How late the event loop was since the scrape before, by quantile; 1 is the worst.',
    type: 'gauge',
    samples,
  };
}

function processFamilies(): Family[] {
  const memory = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const one = (name: string, type: Family['type'], help: string, value: number): Family => ({
    name,
    type,
    help,
    samples: [{ value }],
  });
  return [
    one('process_cpu_seconds_total', 'counter', 'User and system CPU time.', (user + system) / 1e6),
    one('process_resident_memory_bytes', 'gauge', 'Resident memory.', memory.rss),
    one('nodejs_heap_size_used_bytes', 'gauge', 'JavaScript heap in use.', memory.heapUsed),
    one(
      'nodejs_external_memory_bytes',
      'gauge',
      'Memory of buffers and other objects outside the heap.',
      memory.external,
    ),
    one('process_start_time_seconds', 'gauge', 'Start of the process, as Unix time.', performance.timeOrigin / 1000),
  ];
}
