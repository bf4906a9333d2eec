import { isPortNumber } from '../container-spec.ts';
import { type DeclaredPort, portClashes } from '../containers.ts';
import { getAt } from '../edit.ts';
import { movePort } from '../health-command.ts';
import { isObject, type Json, type JsonObject, listOf, type Path } from '../json.ts';
import type { Plan } from '../plan.ts';
import type { Fault, Note } from '../target.ts';

const COMMAND: Path = ['healthCheck', 'command'];
const LOCAL = String.raw`(?<![\w.-])(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])`;

/** `localhost:8000`, `localhost 8000`, `-addr=:8000`, `-addr :8000`. */
const PORTS = new RegExp(String.raw`(?:${LOCAL}(?::|\s+)|(?<=(?:^|\s)-[\w-]+[\s=]['"]?):)(\d{1,5})(?![\w.>])`, 'g');
const WITHOUT_PORT = new RegExp(String.raw`http://${LOCAL}(?![:\w.])`);

/** Of curl: whatever the URL says, no port is asked. */
const SOCKET = /--(?:abstract-)?unix-socket\b/;

/** The container's own ports that its health check asks, as far as the command says. */
export function askedPorts(container: JsonObject, path: Path): DeclaredPort[] {
  const words = listOf(getAt(container, COMMAND)).filter((word) => typeof word === 'string');
  const text = words.join(' ');
  const ports = [...text.matchAll(PORTS)].map(([, port]) => Number(port));
  const all = new Set(WITHOUT_PORT.test(text) && !SOCKET.test(text) ? [...ports, 80] : ports);
  return [...all].filter(isPortNumber).map((port) => ({ document: 0, path: [...path, ...COMMAND], port }));
}

/** True for a port that the health check names in any way. */
export function namesPort(container: JsonObject, port: number): boolean {
  const command = getAt(container, COMMAND);
  return JSON.stringify(movePort(command, port, 0)) !== JSON.stringify(command);
}

/** The health check with the agent's new port. */
export function moveHealthCheck({ healthCheck }: JsonObject, from: number | undefined, plan: Plan): Json | undefined {
  if (!isObject(healthCheck) || from === undefined) return healthCheck;
  return { ...healthCheck, command: movePort(healthCheck['command'], from, plan.agentPort) ?? null };
}

interface CheckedAgent {
  readonly container: JsonObject;
  /** What its health check asks of its own. */
  readonly asked: readonly DeclaredPort[];
  /** Where callers reached the agent, as far as that is known. */
  readonly from: number | undefined;
  /** True where somebody said so: a mapping only lets it be guessed. */
  readonly isSaid: boolean;
}

/**
 * What is to be said of a health check that asks another port of the agent's: were the agent moved from there, the check
 * would fail for ever, and ECS replace the task as often.
 */
export function healthFindings(
  { container, asked, from, isSaid }: CheckedAgent,
  plan: Plan,
): { readonly faults: readonly Fault[]; readonly notes: readonly Note[] } {
  // Where nobody says another port, the agent may well have been there before.
  const isKept = plan.agentPortChosen || from === undefined;
  const others = asked.filter(({ port }) => port !== from && !(isKept && port === plan.agentPort));
  const faults = others.flatMap((one) =>
    portClashes(plan, [one]).map((fault) =>
      one.port === plan.agentPort ? { ...fault, message: `${fault.message}, or the agent with --agent-port` } : fault,
    ),
  );
  const [first] = others;
  const asksAgent = others.length < asked.length || (from !== undefined && namesPort(container, from));
  if (first === undefined || asksAgent || faults.length > 0) return { faults, notes: [] };
  const { port, ...place } = first;
  if (from === undefined && !isSaid) {
    const all = others.map((one) => one.port).join(' and ');
    const message = `the health check asks ports ${all}, and goes on asking them: if the agent has one of them, say so with --agent-port`;
    return { faults, notes: [{ ...place, message }] };
  }
  if (isSaid || from === undefined) {
    const message = `the health check asks port ${port}, and goes on asking it: change it, if the agent has nothing there any more`;
    return { faults, notes: [{ ...place, message }] };
  }
  const message =
    `the health check asks port ${port}, while callers seem to have port ${from}: if the agent has both, say --agent-port ` +
    `${plan.agentPort}, or ${from} where it does not read PORT; if it has one port, say --agent-port ${port}`;
  return { faults: [{ ...place, message }], notes: [] };
}
