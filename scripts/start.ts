// `npm start`: the example agent with the sidecar before it, on embedded defaults, until Ctrl-C.
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { serve } from '../src/cli/serve.ts';
import { OutriderError } from '../src/errors.ts';

const agent = fileURLToPath(new URL('../examples/agent-node/agent.ts', import.meta.url));
const {
  PORT = '8080',
  AGENT_NAME = 'quickstart',
  AGENT_AUTH_TOKEN = randomBytes(16).toString('hex'),
  ...rest
} = process.env;
const env = {
  OUTRIDER_INBOUND_ADDR: `127.0.0.1:${PORT}`,
  OUTRIDER_DATA_DIR: '.outrider',
  OUTRIDER_LOG_LEVEL: 'warn',
  ...rest,
  AGENT_NAME,
  AGENT_AUTH_TOKEN,
};

try {
  process.exitCode = await serve({
    configPath: undefined,
    command: [process.execPath, agent],
    env,
    onStarted: ({ listeners }) => {
      const url = `http://127.0.0.1:${listeners.inbound.port}`;
      const helpers = `http://127.0.0.1:${listeners.helpers.port}`;
      process.stdout.write(`
Outrider rides beside the example agent.

  agent, through the sidecar   ${url}
  the agent's helpers          ${helpers}/health
  costs and audit log          .outrider/ledger.db

Call the agent (the card number and the address do not reach it):

  curl -s ${url}/invoke -H 'Authorization: Bearer ${AGENT_AUTH_TOKEN}' -H 'Content-Type: application/json' \\
    -d '{"input":"Bill 4111 1111 1111 1111 and write to ada@example.com"}'

See what it cost:

  npm run -s outrider -- costs --data-dir .outrider

Ctrl-C ends everything.
`);
    },
  });
} catch (error) {
  process.stderr.write(`outrider: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof OutriderError && error.code === 'conflict') {
    process.stderr.write(
      'PORT=… moves the inbound port; OUTRIDER_LOCAL_ADDR, OUTRIDER_MCP_ADDR, OUTRIDER_COST_ADDR and\nOUTRIDER_AGENT_URL move the others.\n',
    );
  }
  process.exitCode = 1;
}
