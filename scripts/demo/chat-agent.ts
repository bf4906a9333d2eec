// An agent that speaks WebSocket: says whether it was shown a token, and then everything back in capitals.
import { WebSocketServer } from 'ws';

const port = Number(process.env['PORT']);
const server = new WebSocketServer({ host: '127.0.0.1', port });
server.on('connection', (socket, request) => {
  socket.send(JSON.stringify({ path: request.url, shown_a_token: request.headers.authorization !== undefined }));
  socket.on('message', (data: Buffer) => socket.send(data.toString().toUpperCase()));
});
process.once('SIGTERM', () => {
  for (const socket of server.clients) socket.terminate();
  server.close();
});
