import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { unpinned } from './image.ts';
import { sidecarConfig } from './sidecar-config.ts';
import type { DeclaredServer } from './sidecar-config-mcp.ts';
import type { DeclaredPeer } from './sidecar-config-peers.ts';

const NOTHING = { guardrails: [], peers: [], servers: [], takenPorts: [] };

const peer = (name: string, more: Partial<DeclaredPeer> = {}): DeclaredPeer => ({
  name,
  url: 'http://p',
  tokenWritten: true,
  ...more,
});
const image = (name: string, port?: number): DeclaredServer => ({
  index: 0,
  name,
  image: 'i:1',
  ...(port !== undefined && { port }),
});

it('keys stand there for what is declared, and no others', () => {
  const { config, secrets, mcpContainers, findings } = sidecarConfig(NOTHING);
  assert.deepEqual([config, secrets, mcpContainers, findings], [{}, [], [], []]);
});

describe('variables of tokens that stood in the file', () => {
  const variables = (peers: DeclaredPeer[]) => sidecarConfig({ ...NOTHING, peers }).secrets;

  it('have the name of the peer', () => {
    assert.deepEqual(variables([peer('research-agent')]), ['OUTRIDER_PEER_RESEARCH_AGENT_TOKEN']);
    assert.deepEqual(variables([peer('a', { tokenWritten: false })]), []);
  });

  it('are never the same for two peers, nor one that somebody named', () => {
    const named = peer('x', { tokenWritten: false, tokenEnv: 'OUTRIDER_PEER_A_B_2_TOKEN' });
    assert.deepEqual(variables([peer('a-b'), peer('a.b'), named, peer('A_B')]), [
      'OUTRIDER_PEER_A_B_TOKEN',
      'OUTRIDER_PEER_A_B_3_TOKEN',
      'OUTRIDER_PEER_A_B_2_TOKEN',
      'OUTRIDER_PEER_A_B_4_TOKEN',
    ]);
    const guardrails = [{ name: 'g', endpoint: 'http://g', token_env: 'OUTRIDER_PEER_P_TOKEN' }];
    const { secrets } = sidecarConfig({ ...NOTHING, guardrails, peers: [peer('p')] });
    assert.deepEqual(secrets, ['OUTRIDER_PEER_P_TOKEN', 'OUTRIDER_PEER_P_2_TOKEN']);
  });

  it('for any names', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,6}$/), { maxLength: 30 });
    fc.assert(
      fc.property(names, (some) => {
        const made = variables(some.map((name) => peer(name)));
        assert.equal(new Set(made).size, some.length);
        for (const variable of made) assert.match(variable, /^[A-Z_][A-Z0-9_]*$/);
      }),
    );
  });
});

describe('MCP servers that are images', () => {
  it('get ports that nobody has', () => {
    const servers = [image('a'), image('b', 3101), image('c'), image('d')];
    const { mcpContainers, config } = sidecarConfig({ ...NOTHING, servers, takenPorts: [3100] });
    assert.deepEqual(
      mcpContainers.map(({ port }) => port),
      [3102, 3101, 3103, 3104],
    );
    assert.deepEqual(config['mcp_servers'], {
      a: { transport: 'streamable_http', url: 'http://127.0.0.1:3102/mcp' },
      b: { transport: 'streamable_http', url: 'http://127.0.0.1:3101/mcp' },
      c: { transport: 'streamable_http', url: 'http://127.0.0.1:3103/mcp' },
      d: { transport: 'streamable_http', url: 'http://127.0.0.1:3104/mcp' },
    });
  });

  it('have names that every platform takes, each once', () => {
    const slugs = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/), { maxLength: 20 });
    fc.assert(
      fc.property(slugs, (names) => {
        const { mcpContainers } = sidecarConfig({ ...NOTHING, servers: names.map((name) => image(name)) });
        assert.equal(new Set(mcpContainers.map(({ name }) => name)).size, names.length);
        for (const { name } of mcpContainers) assert.match(name, /^mcp-[a-z0-9]([a-z0-9-]{0,57}[a-z0-9])?$/);
      }),
    );
  });

  it('are asked where their transport is served', () => {
    const sse = { ...image('a', 1), transport: 'sse' as const };
    const { config } = sidecarConfig({ ...NOTHING, servers: [sse, { ...sse, name: 'b', path: '/' }] });
    assert.deepEqual(config['mcp_servers'], {
      a: { transport: 'sse', url: 'http://127.0.0.1:1/sse' },
      b: { transport: 'sse', url: 'http://127.0.0.1:1/' },
    });
  });

  it('are not carried when they cannot be reached, nor are their secrets asked for', () => {
    const unreachable: DeclaredServer[] = [
      { ...image('a'), transport: 'stdio', tokenEnv: 'T' },
      { index: 1, name: 'b', url: 'http://b', transport: 'stdio' },
      { index: 2, name: 'c', command: 'x', transport: 'sse' },
      { index: 3, name: 'd' },
    ];
    const { config, secrets, mcpContainers, findings } = sidecarConfig({ ...NOTHING, servers: unreachable });
    assert.deepEqual([config, secrets, mcpContainers], [{}, [], []]);
    assert.deepEqual(
      findings.map(({ path }) => path),
      [0, 1, 2, 3].map((index) => ['mcp_servers', index]),
    );
    for (const { message } of findings) assert.match(message, /^not carried: /);
  });
});

it('an image is pinned by a tag that is not latest, or by a digest', () => {
  for (const pinned of ['a:1', 'r:5000/a:1.2', `a@sha256:${'0'.repeat(64)}`, 'a:latest@sha256:0', 'a:latest-1']) {
    assert.equal(unpinned(pinned), undefined, pinned);
  }
  for (const loose of ['a', 'r:5000/a', 'r.example.com/b/a'])
    assert.match(unpinned(loose) ?? '', /give it a tag/, loose);
  assert.match(unpinned('r:5000/a:latest') ?? '', /another one every time/);
});
