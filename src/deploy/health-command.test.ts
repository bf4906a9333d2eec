import assert from 'node:assert/strict';
import { test } from 'node:test';
import { movePort } from './health-command.ts';

test("the container's own port moves, wherever it stands; that of another host stays", () => {
  const cases: [string, string][] = [
    ['curl -fsS http://localhost:8000/healthz', 'curl -fsS http://localhost:8081/healthz'],
    ['curl http://127.0.0.1:8000 && curl http://[::1]:8000', 'curl http://127.0.0.1:8081 && curl http://[::1]:8081'],
    ['nc -z localhost 8000', 'nc -z localhost 8081'],
    ['wget http://$HOST:8000/', 'wget http://$HOST:8081/'],
    ['curl http://localhost:${PORT:-8000}/', 'curl http://localhost:8081/'],
    ['curl http://model-server:8000/health', 'curl http://model-server:8000/health'],
    ['probe --size 18000 x8000 8000.5', 'probe --size 18000 x8000 8000.5'],
  ];
  for (const [before, after] of cases) {
    assert.equal(movePort(before, 8000, 8081), after);
    assert.deepEqual(movePort(['CMD-SHELL', before], 8000, 8081), ['CMD-SHELL', after]);
  }
});

test('where port 80 is meant without being said, it is said', () => {
  assert.equal(movePort('curl http://localhost/healthz', 80, 8081), 'curl http://localhost:8081/healthz');
  assert.equal(movePort('curl http://elsewhere/healthz', 80, 8081), 'curl http://elsewhere/healthz');
});
