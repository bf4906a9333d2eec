import { at, listAt } from '../http.ts';
import { shorten } from '../page.ts';
import { Skip, type Step } from '../tour.ts';

const MESSAGE = { messageId: 'm1', role: 'ROLE_USER', parts: [{ text: 'one two three' }] };
const V1 = { 'A2A-Version': '1.0' };

const send: Step = {
  title: 'A2A: other agents are one POST away',
  async run({ stage, ask, same, holds }) {
    const { helpers } = stage.gist;
    const params = { message: 'The ferry left early. Nobody was on the ferry.' };
    const short = await ask({ url: `${helpers}/a2a/colleague`, json: { params } });
    const expected = { agent: 'colleague', status: 'completed', output: 'In short: The ferry left early.' };
    same("tasks/send is filled in, the peer's token added: the colleague answers", at(short.json, 'result'), expected);
    holds(
      'as a whole JSON-RPC response',
      at(short.json, 'jsonrpc') === '2.0' && at(short.json, 'id') !== undefined,
      short.text,
    );

    const json = { method: 'SendMessage', params: { message: MESSAGE } };
    const outcome = (reply: unknown): string[] => {
      const task = at(reply, 'result', 'task');
      const parts = listAt(task, 'artifacts', 0, 'parts').map((part) => at(part, 'text'));
      return [String(at(task, 'status', 'state')), parts.join('')];
    };
    const long = await ask(
      { url: `${helpers}/a2a/backwards`, headers: V1, json },
      (answer) => `${answer.status} ${outcome(answer.json).join(': ')}`,
    );
    const done = ['TASK_STATE_COMPLETED', 'three two one'];
    same('a peer on the official A2A SDK has done its task', outcome(long.json), done);
    const unknown = await ask({ url: `${helpers}/a2a/nobody`, json: { params } });
    same(
      'a peer that is not configured is -32010',
      [unknown.status, at(unknown.json, 'error', 'code')],
      [404, -32_010],
    );
  },
};

const stream: Step = {
  title: 'A2A: a streaming answer comes as the peer gives it',
  async run({ stage, page, listen, same, holds }) {
    const json = { method: 'SendStreamingMessage', params: { message: MESSAGE } };
    const pieces: { ms: number; text: string }[] = [];
    let state: unknown;
    for await (const { at: ms, data } of listen({ url: `${stage.gist.helpers}/a2a/backwards`, headers: V1, json })) {
      const result = at(data, 'result');
      const kind = Object.keys(result ?? {})[0] ?? 'nothing';
      const text = at(result, 'artifactUpdate', 'artifact', 'parts', 0, 'text');
      if (typeof text === 'string') pieces.push({ ms, text });
      state = at(result, 'statusUpdate', 'status', 'state') ?? at(result, 'task', 'status', 'state') ?? state;
      page.output(`${String(Math.round(ms)).padStart(5)} ms  ${kind.padEnd(14)}  ${String(text ?? state)}`);
    }
    same(
      'the answer, and that it is complete',
      [pieces.map(({ text }) => text).join(''), state],
      ['three two one', 'TASK_STATE_COMPLETED'],
    );
    const took = (pieces.at(-1)?.ms ?? 0) - (pieces[0]?.ms ?? 0);
    holds('piece by piece, not at the end', pieces.length === 3 && took > 150, pieces);
  },
};

const TRANSPORTS = [
  { name: 'stdio', title: 'MCP over stdio: the sidecar starts the server and keeps it' },
  { name: 'sse', title: 'MCP over HTTP with SSE' },
  { name: 'http', title: 'MCP over streamable HTTP' },
];

const mcp = TRANSPORTS.map(
  ({ name, title }): Step => ({
    title,
    async run({ stage, ask, quietly, same, holds }) {
      const { helpers } = stage.gist;
      const tools = (reply: unknown): unknown[] => listAt(reply, 'result', 'tools').map((tool) => at(tool, 'name'));
      const url = `${helpers}/mcp/${name}`;
      const list = await ask({ url, json: { method: 'tools/list' } }, ({ status, json }) =>
        shorten(`${status} ${tools(json).length} tools: ${tools(json).join(', ')}`, 96),
      );
      const known = tools(list.json);
      holds(
        `its ${known.length} tools in one JSON reply, without a handshake`,
        known.includes('echo') && known.includes('get-sum'),
        list.text,
      );
      const json = { method: 'tools/call', params: { name: 'get-sum', arguments: { a: 19, b: 23 } } };
      const sum = await ask({ url, json });
      same('a tool did its work', at(sum.json, 'result', 'content', 0, 'text'), 'The sum of 19 and 23 is 42.');
      const health = await quietly({ url: `${helpers}/health` });
      const { transport, sessions } = Object(at(health.json, 'mcp_servers', name));
      same('over this transport, in one session', [transport, sessions], [name, 1]);
    },
  }),
);

const python: Step = {
  title: 'The same beside an agent in Python, started apart from its sidecar',
  async run({ stage, ask, same, holds }) {
    if (stage.python === undefined) throw new Skip('there is no python3, 3.9 or later, on this machine');
    const { inbound, token } = stage.colleague;
    const json = { input: 'Call Ada at ada@example.com' };
    const answer = await ask(
      { url: `${inbound}/invoke`, token, json },
      ({ status, headers, text }) => `${status} Server: ${String(headers['server'])}\n${text}`,
    );
    holds('it is Python that answers', /Python\/3/.test(String(answer.headers['server'])), answer.headers);
    same('and it read no address either', at(answer.json, 'output'), 'In short: Call Ada at [REDACTED-EMAIL]');
  },
};

export const peers: Step[] = [send, stream, ...mcp, python];
