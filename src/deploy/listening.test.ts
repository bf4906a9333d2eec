import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from './json.ts';
import { listeningPorts } from './listening.ts';

const portsOf = (...commands: Json[]) =>
  listeningPorts(commands.map((words, index) => ({ document: 0, path: [index], words }))).map(({ port }) => port);

test('a command that is certain to listen on a port is found', () => {
  for (const words of [
    'uvicorn main:app --host 0.0.0.0 --port 8000',
    ['uvicorn', 'app:app', '--port=8000'],
    ['python', '-m', 'uvicorn', 'app:app', '--host', '0.0.0.0', '--port', 8000],
    ['gunicorn', 'app:app', '-b', '0.0.0.0:8000', '--timeout', '8080'],
    ['gunicorn', '-b:8000', 'app:app'],
    ['gunicorn', '--bind=[::]:8000'],
    ['waitress-serve', '--listen=*:8000', 'app:app'],
    ['/app/.venv/bin/flask', 'run', '-p', '8000'],
    ['php', '-S', 'localhost:8000'],
    ['serve', '-l', 'tcp://0.0.0.0:8000'],
    ['npm', 'run', 'start', '--', '--port', '8000'],
    ['dotnet', 'app.dll', '--urls', 'http://+:8000'],
    ['java', '-Dserver.port=8000', '-jar', 'app.jar'],
    ['streamlit', 'run', 'app.py', '--server.port', '8000'],
    ['python', 'manage.py', 'runserver', '0.0.0.0:8000'],
    'python manage.py runserver 8000',
    ['python', '-m', 'http.server', '8000'],
    ['uwsgi', '--http', ':8000'],
    ['sh', '-c', 'PORT=8000 exec node server.js'],
    'sh -c "pg_isready --host db --port 5432 && redis-server --port 6379 & exec uvicorn app:app --port 8000"',
  ]) {
    assert.deepEqual(portsOf(words), [8000], JSON.stringify(words));
  }
});

test('the flags may stand apart from the server that they are of', () => {
  assert.deepEqual(portsOf(['flask', 'run'], ['-p', '8000']), [8000]);
  assert.deepEqual(portsOf(['python', '-m', 'uvicorn', 'a:b'], ['--port', '8000', '--host', '0.0.0.0']), [8000]);
});

test('a number of which that is not certain is left alone', () => {
  for (const words of [
    ['agent', '--max-tokens', '8000'],
    ['agent', '-p', '8000'],
    ['agent', '--metrics-port', '8000', '--db-port=8000', '--timeout', '8000'],
    ['agent', '--host', 'search.internal', '--port', '8000'],
    ['agent', '--hostname=db', '--port=8000'],
    ['agent', '--listen', 'search:8000', '--http', 'http://search:8000'],
    ['gunicorn', '-b', 'unix:/run/8000.sock', '-w', '8000'],
    ['daphne', '-b', '0.0.0.0', 'app:app'],
    ['uvicorn', '--port', '$PORT'],
    ['uvicorn', '--port', '800000'],
    ['uvicorn', '--port'],
    'wait-for-it db:8000 --port 8000',
    'psql --port 8000',
    'agent 8000',
    null,
    [],
    [{ port: 8000 }],
  ]) {
    assert.deepEqual(portsOf(words), [], JSON.stringify(words));
  }
});

test('the place is that of the word', () => {
  const command = { document: 1, path: ['command'] };
  assert.deepEqual(listeningPorts([{ ...command, words: ['a', '--port', '8000'] }]), [
    { document: 1, path: ['command', 2], port: 8000 },
  ]);
  assert.deepEqual(listeningPorts([{ ...command, words: 'a --port 8000' }]), [{ ...command, port: 8000 }]);
});

test('a long script takes no time', () => {
  const start = performance.now();
  listeningPorts([{ document: 0, path: [], words: `${'--host=a --port= '.repeat(50_000)}${'-'.repeat(100_000)}` }]);
  assert.ok(performance.now() - start < 2_000);
});
