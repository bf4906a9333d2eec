import type { Family, Sample } from './exposition.ts';
import { type Histogram, histogram, labelledCounter } from './instruments.ts';
import type { MetricSource } from './metrics.ts';

/** From an agent that looks something up to one that works for ten minutes, in seconds. */
const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] as const;

/** Agents that are told apart; what comes after counts as `other`. */
const MOST_AGENTS = 1_000;

export interface AgentMeter {
  /** `outcome`: `ok`, or the code of the error. `seconds`: undefined when its turn never came. */
  ended(agent: string, outcome: string, seconds: number | undefined): void;
  readonly source: MetricSource;
}

/** Counts the runs of a host's agents. `loads`: what of each runs and waits now. */
export function agentMeter(loads: () => Iterable<{ agent: string; running: number; waiting: number }>): AgentMeter {
  const runs = labelledCounter('agent', 'outcome');
  const times = new Map<string, Histogram>();
  const timeOf = (agent: string): Histogram => {
    const name = times.has(agent) || times.size < MOST_AGENTS ? agent : 'other';
    const known = times.get(name) ?? histogram(SECONDS);
    times.set(name, known);
    return known;
  };
  const gauge = (name: string, help: string, samples: Sample[]): Family => ({ name, help, type: 'gauge', samples });
  return {
    ended(agent, outcome, seconds) {
      runs.add([agent, outcome]);
      if (seconds !== undefined) timeOf(agent).observe(seconds);
    },
    source() {
      const now = [...loads()].slice(0, MOST_AGENTS);
      return [
        {
          name: 'outrider_agent_runs_total',
          help: 'Runs of agents by how they ended: ok, or the code of an error.',
          type: 'counter',
          samples: runs.samples(),
        },
        {
          name: 'outrider_agent_run_seconds',
          help: 'Time that runs of agents took, without waiting for their turn.',
          type: 'histogram',
          samples: [...times].flatMap(([agent, time]) => time.samples({ agent })),
        },
        gauge(
          'outrider_agent_running',
          'Runs of an agent under way.',
          now.map(({ agent, running }) => ({ labels: { agent }, value: running })),
        ),
        gauge(
          'outrider_agent_waiting',
          'Calls of an agent that wait for their turn.',
          now.map(({ agent, waiting }) => ({ labels: { agent }, value: waiting })),
        ),
      ];
    },
  };
}
