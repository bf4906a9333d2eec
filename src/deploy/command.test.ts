import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAddressInCommand, portInCommand } from './command.ts';

const at = { document: 0, path: ['command'] };

test('a command that names the port to listen on is found', () => {
  for (const words of [
    ['uvicorn', 'app:app', '--port', '8000'],
    ['uvicorn', '--port=8000'],
    ['gunicorn', '-b', ':8000', 'app:app'],
    ['gunicorn', '--bind=0.0.0.0:8000'],
    ['gunicorn', '-b', '[::]:8000'],
    ['flask', 'run', '-p', '8000'],
    ['flask', 'run', '-p8000'],
    ['php', '-S', 'localhost:8000'],
    ['serve', '-l', 'tcp://0.0.0.0:8000'],
    ['dotnet', 'app.dll', '--urls', 'http://+:8000'],
    ['java', '-Dserver.port=8000', '-jar', 'app.jar'],
    ['python', '-m', 'http.server', '8000'],
    ['python', '-m', 'http.server', 8000],
    ['sh', '-c', 'PORT=8000 exec node server.js'],
    'sh -c "uvicorn app:app --port 8000"',
  ]) {
    assert.equal(portInCommand({ ...at, words }, 8000).length, 1, JSON.stringify(words));
  }
});

test('a number that is no port to listen on is not', () => {
  for (const words of [
    ['agent', '--max-tokens', '8000'],
    ['agent', '--search', 'http://search:8000/v1'],
    ['agent', '--retries=8000'],
    ['uvicorn', '--port', '18000'],
    ['uvicorn', '--port', '80'],
    'sh -c "uvicorn --port $PORT"',
    ['sh', '-c', `uvicorn --port \${PORT:-8000}`],
    null,
    undefined,
    [],
    [{ port: 8000 }],
  ]) {
    assert.deepEqual(portInCommand({ ...at, words }, 8000), [], JSON.stringify(words));
  }
});

test('the place is that of the word', () => {
  assert.deepEqual(portInCommand({ ...at, words: ['a', 'b', '--port', '8000'] }, 8000), [
    { document: 0, path: ['command', 3] },
  ]);
  assert.deepEqual(portInCommand({ ...at, words: 'a --port 8000' }, 8000), [at]);
});

test('an address that stands for every interface is found', () => {
  for (const words of ['--host 0.0.0.0', '--bind=0.0.0.0:80', '-b [::]:80', '--host ::', '--urls http://*:80']) {
    assert.equal(openAddressInCommand({ ...at, words }).length, 1, words);
  }
  for (const words of ['--host 127.0.0.1', '--bind localhost:80', '--model a::b', '--version 10.0.0.0']) {
    assert.deepEqual(openAddressInCommand({ ...at, words }), [], words);
  }
});
