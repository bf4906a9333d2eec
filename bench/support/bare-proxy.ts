// The yardstick: what node:http and undici cost when nothing is done with a request but passing it on.
import { createServer } from 'node:http';
import { Pool } from 'undici';

const pool = new Pool(String(process.env['AGENT_URL']));
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host']);
const endToEnd = (headers: NodeJS.Dict<string | string[]>): Record<string, string | string[]> => {
  const out: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !HOP.has(name)) out[name] = value;
  return out;
};

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    pool
      .request({
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: endToEnd(request.headers),
        body: chunks.length === 0 ? null : Buffer.concat(chunks),
      })
      .then((reply) => {
        response.writeHead(reply.statusCode, endToEnd(reply.headers));
        reply.body.pipe(response);
      })
      .catch(() => response.writeHead(502).end());
  });
}).listen(Number(process.env['PORT']), '127.0.0.1');
