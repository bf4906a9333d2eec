// The agent of every row: reads the request and answers with a small JSON document.
import { createServer } from 'node:http';

const body = Buffer.from(JSON.stringify({ output: 'x'.repeat(200) }));
createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    response.end(body);
  });
}).listen(Number(process.env['PORT']), '127.0.0.1');
