// The application. It knows its agent by name; agents.yaml, or the file named on the command line, says where that runs.
import { fileURLToPath } from 'node:url';
import { AgentError, agentsFrom } from 'outrider/agent';

const TEXT =
  'A sidecar is a process that runs beside an agent. The agent answers questions. The sidecar checks who calls the agent, ' +
  'and the sidecar keeps what the agent must not see away from the agent. It was a sunny day. Nobody noticed the sidecar.';

const agents = await agentsFrom(process.argv[2] ?? fileURLToPath(new URL('agents.yaml', import.meta.url)));
try {
  const summarizer = agents.get('summarizer');

  const reply = await summarizer.execute({ input: TEXT, timeout_seconds: 10 });
  console.log(`execute: ${reply.output} (${reply.stop_reason}, ${reply.token_count} tokens)`);

  process.stdout.write('stream:  ');
  for await (const event of summarizer.stream({ input: TEXT })) process.stdout.write(event.chunk?.text ?? '\n');

  try {
    await summarizer.execute({ input: TEXT, timeout_seconds: 0 });
  } catch (error) {
    console.log(`refused: ${error instanceof AgentError ? error.code : String(error)}`);
  }
} finally {
  await agents.close();
}
