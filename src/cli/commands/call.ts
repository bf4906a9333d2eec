import { Command, InvalidArgumentError } from 'commander';
import { factsOf } from '../../agent/error-facts.ts';
import { AgentError, toAgentError } from '../../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteRequest } from '../../contract/messages.ts';
import type { Environment } from '../../environment.ts';
import { agentAt, grpcAgent, type RemoteAgent } from '../../library/remote-agents.ts';

export interface CallDeps {
  readonly env: Environment;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  /** Aborts when the user wants it to end. */
  readonly interrupted: AbortSignal;
  setExitCode(code: number): void;
}

interface Options {
  stream?: boolean;
  grpc?: boolean;
  timeout?: number;
  token?: string;
  json?: boolean;
}

const FAILED = 1;
const USAGE = 2;
/** 128 and the number of SIGINT. */
const INTERRUPTED = 130;
/** More than any host takes. */
const MOST_INPUT = 64 * 2 ** 20;

/** `outrider call`: an agent's answer to one input. */
export function callCommand(deps: CallDeps): Command {
  return new Command('call')
    .description('call an agent that runs elsewhere, and print what it answers')
    .argument('<url>', 'address of the host: http://, https://, grpc:// or grpcs://')
    .argument('<agent>', 'id of the agent')
    .argument('<input>', 'text for the agent; - reads it from standard input')
    .option('--stream', 'print the text as it arrives')
    .option('--grpc', 'gRPC, also for an http:// or https:// address')
    .option('--timeout <seconds>', 'wait no longer than this', seconds)
    .option('--token <token>', 'bearer token (default: OUTRIDER_TOKEN)')
    .option('--json', 'print the whole reply as JSON; with --stream, each event on a line')
    .action(async (url: string, id: string, input: string, options: Options) => {
      deps.setExitCode(await call({ url, id, input }, options, deps));
    });
}

async function call(
  what: { url: string; id: string; input: string },
  options: Options,
  deps: CallDeps,
): Promise<number> {
  let agent: RemoteAgent;
  try {
    const make = options.grpc === true ? grpcAgent : agentAt;
    agent = make({ url: what.url, id: what.id, token: options.token ?? deps.env['OUTRIDER_TOKEN'] });
  } catch (error) {
    say(deps, toAgentError(error));
    return USAGE;
  }
  try {
    const input = what.input === '-' ? await textOf(deps) : what.input;
    const request: ExecuteRequest = {
      input,
      ...(options.timeout !== undefined && { timeout_seconds: options.timeout }),
    };
    await answer(agent, request, options, deps);
    return 0;
  } catch (error) {
    if (deps.interrupted.aborted) return INTERRUPTED;
    say(deps, toAgentError(error));
    return FAILED;
  } finally {
    await agent.close();
  }
}

async function answer(agent: RemoteAgent, request: ExecuteRequest, options: Options, deps: CallDeps): Promise<void> {
  const { stdout, interrupted: signal } = deps;
  if (options.stream !== true) {
    const reply = await agent.execute(request, { signal });
    await print(stdout, options.json === true ? `${JSON.stringify(reply)}\n` : withLineEnd(reply.output));
    return;
  }
  let last = '';
  for await (const event of agent.stream(request, { signal })) {
    if (options.json === true) await print(stdout, `${JSON.stringify(event)}\n`);
    else {
      const text = textOfEvent(event);
      if (text !== '') await print(stdout, text);
      last = text.at(-1) ?? last;
    }
  }
  if (options.json !== true && last !== '\n') await print(stdout, '\n');
}

function textOfEvent(event: ExecuteEvent): string {
  return event.chunk?.text ?? '';
}

function withLineEnd(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** A reader that is slow slows the agent. */
function print(stdout: CallDeps['stdout'], text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout.write(stdout.isTTY === true ? shown(text) : text, (error) => (error ? reject(error) : resolve()));
  });
}

/** What an agent says is no command to a terminal, which can be told to hide text, or to put some into the clipboard. */
function shown(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/[^\P{Cc}\n\t]/gu, '\u{fffd}');
}

function say({ stderr }: CallDeps, error: AgentError): void {
  const { requestId } = factsOf(error);
  const request = requestId === undefined ? '' : ` (request ${requestId})`;
  // What stands behind an error is often what helps: which member of a reply is wrong, which connection failed.
  const said: string[] = [];
  for (let at: unknown = error; at instanceof AgentError; at = at.cause) said.push(at.message);
  // The far side has written it, and a terminal would obey it.
  const line = `${error.code}: ${said.join(': ')}${request}`.replace(/\p{Cc}+/gu, ' ');
  stderr.write(`outrider: ${line}\n`);
}

async function textOf({ stdin, interrupted }: CallDeps): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const read = async (): Promise<void> => {
    for await (const chunk of stdin) {
      size += chunk.length;
      if (size > MOST_INPUT) throw new AgentError('bad_request', `standard input is larger than ${MOST_INPUT} bytes`);
      chunks.push(chunk);
    }
  };
  const leave = new Promise<never>((_resolve, reject) => {
    interrupted.addEventListener('abort', () => reject(interrupted.reason), { once: true });
  });
  await Promise.race([read(), leave]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new AgentError('bad_request', 'standard input is not UTF-8 text');
  }
}

function seconds(text: string): number {
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && number > 0) return number;
  throw new InvalidArgumentError('expected a number of seconds, more than 0');
}
