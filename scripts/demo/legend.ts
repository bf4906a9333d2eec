import type { Page } from './page.ts';
import { AGENT, type Stage } from './stage.ts';
import { variables } from './tour.ts';

/** What runs, and the shell variables that the commands of the tour use. */
export function legend(page: Page, stage: Stage): void {
  const python = stage.python === undefined ? 'agent-node/agent.ts' : 'agent-python/agent.py';
  const about: Record<string, string> = {
    AGENT: `outrider run -- node ${AGENT}`,
    HELPERS: 'what that sidecar offers its agent',
    COLLEAGUE: `outrider sidecar, beside examples/${python}`,
    COLLEAGUE_HELPERS: 'what that sidecar offers its agent',
    CHAT: 'outrider run -- an agent that speaks WebSocket',
    LEDGER: 'outrider ledger, to which colleague ships',
  };
  page.plain('');
  for (const [value, name] of variables(stage)) {
    const shown = name.endsWith('AUTH') ? `"Authorization: Bearer ${value}"` : value;
    page.plain(`  ${`${name}=${shown}`.padEnd(40)} ${about[name] === undefined ? '' : `# ${about[name]}`}`.trimEnd());
  }
  page.plain('');
  page.plain('  Besides: MCP server-everything over stdio, SSE and streamable HTTP; an A2A peer on @a2a-js/sdk;');
  page.plain('  a collector that decodes OTLP. Commands are run in the directory below, which is gone at the end.');
  page.plain(`  ${stage.ground.directory}`);
}
