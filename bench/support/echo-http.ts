// The yardstick of HTTP: node:http that reads a JSON body and writes one.
import { createServer } from 'node:http';

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString();
    const { input = '' } = text === '' ? {} : JSON.parse(text);
    const body = JSON.stringify({
      output: input,
      token_count: 1,
      execution_time_ms: 0,
      loop_count: 0,
      stop_reason: 'completed',
    });
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  });
}).listen(Number(process.env['PORT']), '127.0.0.1');
