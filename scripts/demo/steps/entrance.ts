import { at } from '../http.ts';
import type { Step } from '../tour.ts';
import { invocations } from './agent.ts';

const openPaths: Step = {
  title: 'Open to everyone: liveness, readiness and the API document',
  async run({ stage, ask, same, holds }) {
    const { inbound } = stage.gist;
    const health = await ask({ url: `${inbound}/health` });
    same('it lives, and says who it is and nothing else', health.json, {
      status: 'ok',
      agent: 'gist',
      version: '1.0.0',
    });
    const ready = await ask({ url: `${inbound}/ready` });
    same('it is ready: the agent accepts connections', [ready.status, ready.json], [200, { status: 'ready' }]);
    const summary = (document: unknown): { openapi: unknown; paths: string[] } => ({
      openapi: at(document, 'openapi'),
      paths: Object.keys(at(document, 'paths') ?? {}),
    });
    const { json } = await ask({ url: `${inbound}/openapi.json` }, (answer) => {
      const { openapi, paths } = summary(answer.json);
      return `${answer.status} OpenAPI ${String(openapi)}: ${paths.join(' ')}`;
    });
    const { openapi, paths } = summary(json);
    holds('the document is OpenAPI 3.1', String(openapi).startsWith('3.1'), openapi);
    const merged = ['/health', '/ready', '/openapi.json', '/invoke', '/stream'].every((path) => paths.includes(path));
    holds("it has the sidecar's paths and, merged in, the agent's", merged, paths);
  },
};

const bearer: Step = {
  title: 'Everything else needs a token',
  async run(tour) {
    const { stage, ask, quietly, same } = tour;
    const { inbound } = stage.gist;
    const before = await invocations(tour);
    const question = { url: `${inbound}/invoke`, json: { input: 'Anybody there?' } };
    const without = await ask(
      question,
      ({ status, headers, text }) => `${status} WWW-Authenticate: ${headers['www-authenticate']}\n${text}`,
    );
    same(
      'without one: 401, and how to do better',
      [without.status, without.headers['www-authenticate']],
      [401, 'Bearer'],
    );
    const wrong = await quietly({ ...question, token: `${stage.gist.token}x` });
    same('with a wrong one: 401', wrong.status, 401);
    const tricks = ['/HEALTH', '/%68ealth', '//health', '/health/', '/ready;x', '/openapi.json%00'];
    const statuses = await Promise.all(
      tricks.map((trick) => quietly({ url: inbound + trick }).then(({ status }) => status)),
    );
    same(
      `no spelling opens another path: ${tricks.join(' ')}`,
      statuses,
      tricks.map(() => 401),
    );
    same('the agent saw none of it', await invocations(tour), before);
  },
};

export const entrance: Step[] = [openPaths, bearer];
