// `npm run demo`: a tour of the running product against real parts. Exits 0 only if every step showed what it had to.
// DEMO_AGENT=FILE puts another agent in the place of examples/agent-node/agent.ts.
import { constants } from 'node:os';
import { Closing } from './demo/closing.ts';
import { legend } from './demo/legend.ts';
import { pageOn } from './demo/page.ts';
import { setStage } from './demo/stage.ts';
import { entrance } from './demo/steps/entrance.ts';
import { guardrails } from './demo/steps/guardrails.ts';
import { ledger } from './demo/steps/ledger.ts';
import { operations } from './demo/steps/operations.ts';
import { peers } from './demo/steps/peers.ts';
import { shipping } from './demo/steps/shipping.ts';
import { streams } from './demo/steps/streams.ts';
import { trace } from './demo/steps/trace.ts';
import { orStopped } from './demo/stopped.ts';
import { takeTour } from './demo/tour.ts';

const STEPS = [...entrance, ...guardrails, ...streams, ...peers, ...ledger, ...shipping, ...trace, ...operations];

/** Gives the exit code. */
async function main(stopped: AbortSignal): Promise<number> {
  const begun = performance.now();
  const page = pageOn(process.stdout);
  const closing = new Closing();
  try {
    page.plain('Outrider: a tour of the running product. Everything is real; starting it …');
    const stage = await orStopped(setStage(closing), stopped);
    legend(page, stage);
    const { steps, shown, skipped } = await takeTour(STEPS, stage, page, stopped);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    const rest = skipped === 0 ? '' : `, ${skipped} skipped`;
    page.heading(`${steps} steps, ${shown} shown${rest}, ${seconds} seconds`);
    if (shown + skipped === steps) return 0;
    for (const { name, process } of [stage.gist, stage.colleague, stage.chat]) {
      const complaints = process.stderr.split('\n').filter((line) => /"level":"(warn|error)"/.test(line));
      if (complaints.length > 0) page.plain(`\nthe log of ${name}:\n${complaints.slice(-10).join('\n')}`);
    }
    return 1;
  } finally {
    await closing.run();
  }
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stop.abort(new Error(`ended by ${signal}`, { cause: 128 + constants.signals[signal] })));
}
// Nobody reads any more, as behind `| head`.
process.stdout.on('error', () => stop.abort(new Error('nobody reads the tour', { cause: 1 })));

// Not left to an empty event loop: a step that was given up may still hold it.
process.exit(
  await main(stop.signal).catch((error: unknown) => {
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    process.stderr.write(`demo: ${message}\n`);
    return typeof cause === 'number' ? cause : 1;
  }),
);
