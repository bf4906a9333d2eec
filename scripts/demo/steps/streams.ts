import { once } from 'node:events';
import { WebSocket } from 'ws';
import { at } from '../http.ts';
import type { Step } from '../tour.ts';
import { noteCost } from './agent.ts';

const PAUSE_MS = 100;

const sse: Step = {
  title: 'Server-sent events come token by token',
  async run(tour) {
    const { page, stage, same, holds } = tour;
    const { inbound, token } = stage.gist;
    const json = { input: 'The ferry left early and nobody was on board.', delay_ms: PAUSE_MS };
    const words: string[] = [];
    const times: number[] = [];
    let whole: unknown;
    for await (const { at: ms, event, data } of tour.listen({ url: `${inbound}/stream`, token, json })) {
      page.output(
        `${String(Math.round(ms)).padStart(5)} ms  ${event.padEnd(5)}  ${String(at(data, 'text') ?? at(data, 'output'))}`,
      );
      times.push(ms);
      if (event === 'token') words.push(String(at(data, 'text')));
      else {
        whole = at(data, 'output');
        noteCost(tour, data);
      }
    }
    same(`${words.length} tokens, and together they are the answer`, words.join(''), whole);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    const apart = gaps.filter((gap) => gap > PAUSE_MS / 4).length;
    holds(
      `they came as the agent wrote them, ${PAUSE_MS} ms apart`,
      words.length > 5 && apart >= words.length / 2,
      gaps,
    );
  },
};

const redactedStream: Step = {
  title: 'A rule finds its words in a stream, over several tokens',
  async run(tour) {
    const { page, stage, same } = tour;
    const { inbound, token } = stage.gist;
    const json = { input: 'The Grey Heron left early with nobody on board.', delay_ms: PAUSE_MS / 4 };
    const pieces: string[] = [];
    let whole: unknown;
    for await (const { event, data } of tour.listen({ url: `${inbound}/stream`, token, json })) {
      page.output(`${event.padEnd(5)}  ${JSON.stringify(at(data, 'text') ?? at(data, 'output'))}`);
      if (event === 'token') pieces.push(String(at(data, 'text')));
      else {
        whole = at(data, 'output');
        noteCost(tour, data);
      }
    }
    same('as many tokens as the agent wrote, and none has the name', pieces.join(''), whole);
    same('what stands there instead', whole, 'In short: The [SHIP] left early with nobody on board.');
  },
};

const webSocket: Step = {
  title: 'WebSocket passes through, after the token was checked',
  async run({ stage, page, same }) {
    const { inbound, token } = stage.chat;
    const url = `${inbound.replace('http', 'ws')}/talk`;
    page.command('wscat -c ws${CHAT#http}/talk');
    const refused = new WebSocket(url);
    // A refused upgrade is an error too, once nobody takes the answer.
    refused.on('error', () => undefined);
    const signal = AbortSignal.timeout(5_000);
    const [, response] = await once(refused, 'unexpected-response', { signal });
    page.output(`${response.statusCode} ${response.statusMessage}`);
    refused.terminate();
    same('without a token: 401', response.statusCode, 401);

    page.command('wscat -c ws${CHAT#http}/talk -H "$CHAT_AUTH"');
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
    const said: string[] = [];
    socket.on('message', (data: Buffer) => {
      said.push(data.toString());
      page.output(`< ${data.toString()}`);
    });
    while (said.length < 1) await once(socket, 'message', { signal });
    page.output('> hello, sidecar');
    socket.send('hello, sidecar');
    while (said.length < 2) await once(socket, 'message', { signal });
    socket.close();
    await once(socket, 'close', { signal });
    same('both sides speak', said[1], 'HELLO, SIDECAR');
    same('and the agent was not shown the token', said[0], JSON.stringify({ path: '/talk', shown_a_token: false }));
  },
};

export const streams: Step[] = [sse, redactedStream, webSocket];
