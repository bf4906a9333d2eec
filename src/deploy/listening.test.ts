import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from './json.ts';
import { listeningPorts, namesPortVariable } from './listening.ts';

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
    ['/agent', '-addr', ':8000'],
    ['hypercorn', '--insecure-bind', '0.0.0.0:8000'],
    'uvicorn a:b --port 8000 --backend postgres',
    'uvicorn a:b --port 8000 || uvicorn a:b --port 8000',
    'python -m debugpy --listen 0.0.0.0:5678 -m uvicorn a:b --port 8000',
    ['sh', '-c', 'exec gunicorn a:b \\\n  -k uvicorn.workers.UvicornWorker \\\n  -b 0.0.0.0:8000'],
    ['sh', '-c', '# once: uvicorn a:b --port 9000\nexec uvicorn a:b --port 8000 # and no other'],
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
    'python wait_for_db.py --host $$DB_HOST --port 8000',
    ['clickhouse-client', '--host', '$CH', '--port', '8000'],
    ['/cloud-sql-proxy.linux.amd64', '--port', '8000'],
    ['agent.py', '--http', 'http://localhost:8000'],
    ['debugpy', '--listen', '0.0.0.0:8000', 'agent.py'],
    ['dlv', 'exec', '--listen=:8000', '/agent'],
    ['ray', 'start', '--head', '--port=8000'],
    ['sh', '-c', 'redis-server --port 8000 --daemonize yes; exec python agent.py'],
    'bash -lc "until pg_isready --port 8000; do sleep 1; done; exec python agent.py"',
    ['sh', '-c', 'sync.py \\\n --host db.internal \\\n --port 8000'],
    'agent 8000',
    null,
    [],
    [{ port: 8000 }],
  ]) {
    assert.deepEqual(portsOf(words), [], JSON.stringify(words));
  }
});

test('a command that puts PORT in itself is known', () => {
  const names = (words: Json) => namesPortVariable([{ document: 0, path: [], words }]);
  for (const words of ['a --port $PORT', ['sh', '-c', 'a -b :$${PORT:-8000}'], ['a', '${PORT}']]) {
    assert.equal(names(words), true, JSON.stringify(words));
  }
  for (const words of ['a --port 8000', ['$PORTAL'], 'PORT=8000 a', null]) assert.equal(names(words), false);
});

test('what a script starts beside its last program is told from that', () => {
  const mainOf = (words: Json) => listeningPorts([{ document: 0, path: [], words }]).map((one) => one.isMain);
  assert.deepEqual(mainOf(['sh', '-c', 'chroma run --port 8000 & exec python agent.py']), [false]);
  assert.deepEqual(mainOf(['bash', '-lc', 'chroma run --port 9000 & exec uvicorn a:b --port 8000']), [false, true]);
  assert.deepEqual(mainOf('uvicorn a:b --port 8000 || uvicorn a:b --port 8000'), [true]);
});

test('the place is that of the word', () => {
  const command = { document: 1, path: ['command'] };
  assert.deepEqual(listeningPorts([{ ...command, words: ['a', '--port', '8000'] }]), [
    { document: 1, path: ['command', 2], port: 8000, isMain: true },
  ]);
  const [found] = listeningPorts([{ ...command, words: 'a --port 8000' }]);
  assert.deepEqual(found, { ...command, port: 8000, isMain: true });
});

test('a long script takes no time', () => {
  const start = performance.now();
  for (const words of [
    `${'--host=a --port= '.repeat(50_000)}${'-'.repeat(100_000)}`,
    '--port 8000 '.repeat(80_000),
    Array.from({ length: 65_535 }, (_, port) => `--port ${port + 1}`).join(' '),
    'sh -c a --port 8000;'.repeat(50_000),
    ' #'.repeat(500_000),
  ]) {
    listeningPorts([{ document: 0, path: [], words }]);
  }
  assert.ok(performance.now() - start < 2_000);
});
