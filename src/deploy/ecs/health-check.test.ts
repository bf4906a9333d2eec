import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedPorts } from './health-check.ts';

test("the container's own ports that a health check asks are found; those of others and other numbers are not", () => {
  const cases: readonly (readonly [readonly string[], readonly number[]])[] = [
    [['CMD-SHELL', 'curl -fsS http://localhost:8000/healthz || exit 1'], [8000]],
    [['CMD', 'wget', '-q', 'http://127.0.0.1:8000'], [8000]],
    [
      ['CMD-SHELL', 'curl http://[::1]:8000/ && curl http://0.0.0.0:9000/'],
      [8000, 9000],
    ],
    [['CMD', 'nc', '-z', 'localhost', '8000'], [8000]],
    [['CMD', '/bin/grpc_health_probe', '-addr=:8000'], [8000]],
    [['CMD-SHELL', 'curl -f http://localhost/ 2>/dev/null'], [80]],
    [['CMD', '/bin/grpc_health_probe', '-addr', ':8000'], [8000]],
    [['CMD-SHELL', 'curl -f --unix-socket /tmp/app.sock http://localhost/health'], []],
    [['CMD-SHELL', 'test $(date +%H :30)'], []],
    [['CMD-SHELL', 'nc localhost 2>/dev/null'], []],
    [['CMD-SHELL', 'curl http://model-server:8000/ http://x.localhost:8000/'], []],
    [['CMD-SHELL', 'curl http://localhost:${PORT:-8000}/'], []],
    [['CMD-SHELL', 'curl http://localhost:99999/'], []],
    [['CMD', '/app/health', '--retries', '3'], []],
  ];
  for (const [command, ports] of cases) {
    const found = askedPorts({ healthCheck: { command } }, ['containerDefinitions', 0]);
    assert.deepEqual(
      found.map(({ port }) => port),
      ports,
      command.join(' '),
    );
  }
  assert.deepEqual(askedPorts({}, []), []);
});
