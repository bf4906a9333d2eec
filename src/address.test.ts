import assert from 'node:assert/strict';
import { it } from 'node:test';
import { collide, isLoopback, parseAddress, reaches } from './address.ts';

function address(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
}

it('reads addresses, each IP address in one spelling', () => {
  assert.deepEqual(parseAddress(':8080'), { host: '', port: 8080 });
  assert.deepEqual(parseAddress('127.1:0'), { host: '127.0.0.1', port: 0 });
  assert.deepEqual(parseAddress('[0:0:0:0:0:0:0:1]:1'), { host: '::1', port: 1 });
  assert.deepEqual(parseAddress('LOCALHOST:1'), { host: 'localhost', port: 1 });
  for (const text of ['', '8080', 'x:', ':65536', ':-1', ':1x', '[::1:1', 'a b:1', '256.1.1.1:1']) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

it('knows loopback by address, not by the look of a name', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'a.localhost']) assert.ok(isLoopback(host), host);
  for (const host of ['', '0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com']) {
    assert.ok(!isLoopback(host), host);
  }
});

it('knows which listener a connection may arrive at', () => {
  const yes = [
    ['127.0.0.1:1', ':1'],
    ['localhost:1', '127.0.0.1:1'],
    ['[::1]:1', 'localhost:1'],
    ['0.0.0.0:1', '127.0.0.1:1'],
    ['agent:1', 'agent:1'],
  ] as const;
  for (const [target, listener] of yes) assert.ok(reaches(address(target), address(listener)), `${target} ${listener}`);
  const no = [
    ['127.0.0.1:1', ':2'],
    ['127.0.0.2:1', '127.0.0.1:1'],
    ['agent:1', ':1'],
    ['10.0.0.1:1', '127.0.0.1:1'],
  ] as const;
  for (const [target, listener] of no) assert.ok(!reaches(address(target), address(listener)), `${target} ${listener}`);
});

it('knows which listeners collide', () => {
  assert.ok(collide(address(':1'), address('10.0.0.1:1')));
  assert.ok(collide(address('127.0.0.1:1'), address('localhost:1')));
  assert.ok(!collide(address('10.0.0.1:1'), address('127.0.0.1:1')));
  assert.ok(!collide(address(':0'), address(':0')));
});
