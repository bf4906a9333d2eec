import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { metric, parseMetrics } from '../support/metrics.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { fieldOf } from '../support/small-peer.ts';
import { until } from '../support/until.ts';

/** Each stands nowhere but in what callers send. */
const PLANTED = {
  ssn: '219-09-9999',
  card: '4111 1111 1111 1111',
  email: 'ada.planted@secret-mail.example',
  word: 'Bluebird',
  watched: 'nightjar-77',
  mask: 'ACC-12345678',
};

describe('the documented example and rules of each action, over the wire', () => {
  let agent: TestAgent;
  let collector: OtlpReceiver;
  let sidecar: Outrider;
  let replies = '';
  before(async () => {
    // Answers with nothing of what it was sent, so that what is found in a reply is the sidecar's doing.
    agent = await startAgent((_request, response) => response.end('{"ok":true}'));
    collector = await startOtlpReceiver();
    sidecar = await startOutrider({
      agentUrl: agent.url,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '50' },
      config: String.raw`
guardrails:
  - name: account-mask
    type: regex
    pattern: 'ACC-\d{8}'
    replace: "[CENSORED]"
  - name: plain
    type: regex
    pattern: 'plain-\d+'
  - name: watch
    type: keyword
    pattern: "nightjar-77, never-there"
    action: warn
  - name: no-bluebirds
    type: keyword
    pattern: "bluebird,kingfisher"
    action: block
`,
    });
  });
  after(async () => {
    await sidecar.stop();
    await collector.close();
    await agent.close();
  });

  /** Posts to the agent; gives the status, and what the agent got of it, if it got anything. */
  const send = async (body: unknown, headers: Record<string, string> = {}, path = '/invoke') => {
    const before = agent.seen.length;
    const reply = await http(sidecar.inbound + path, {
      body,
      headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
    });
    replies += JSON.stringify(reply.headers) + reply.text;
    const seen = agent.seen[before];
    return { status: reply.status, json: reply.json, seen, got: seen?.body.toString() };
  };

  test('the built-in rules redact in JSON: only the matched text changes, and the lengths are right', async () => {
    const body = `{ "a":"${PLANTED.ssn}","b" : ["to ${PLANTED.email}, now", 1.50, {"c":"card ${PLANTED.card}."}],"\\u00fc":"\\ud83d\\ude00 x" }`;
    const { status, seen, got } = await send(body);
    assert.equal(status, 200);
    const expected = body
      .replace(PLANTED.ssn, '[REDACTED-SSN]')
      .replace(PLANTED.email, '[REDACTED-EMAIL]')
      .replace(PLANTED.card, '[REDACTED-CC]');
    assert.equal(got, expected);
    assert.equal(fieldOf(seen?.headers ?? [], 'content-length'), String(Buffer.byteLength(expected)));
  });

  test('a clean body goes on byte for byte', async () => {
    const clean = '{ "n": 1.0e2, "order": "4111 1111 1111 1112", "x": "\\u0041",\n "x": 2 }';
    assert.equal((await send(clean)).got, clean);
  });

  test('forms, plain text, and JSON that is called something else', async () => {
    const form = new URLSearchParams({ who: PLANTED.email, ssn: PLANTED.ssn, rest: 'a b' }).toString();
    const { got } = await send(form, { 'Content-Type': 'application/x-www-form-urlencoded' });
    assert.deepEqual(Object.fromEntries(new URLSearchParams(got)), {
      who: '[REDACTED-EMAIL]',
      ssn: '[REDACTED-SSN]',
      rest: 'a b',
    });
    for (const type of ['text/plain', 'text/plain; charset=utf-8', 'text/markdown', 'application/xml']) {
      assert.equal(
        (await send(`Mail ${PLANTED.email}!`, { 'Content-Type': type })).got,
        'Mail [REDACTED-EMAIL]!',
        type,
      );
    }
    for (const type of [
      'text/plain',
      'application/json; charset=utf-8',
      'application/vnd.api+json',
      'application/x-www-form-urlencoded',
    ]) {
      const escaped = `{"m":"${PLANTED.email.replace('@', String.raw`\u0040`)}"}`;
      assert.deepEqual(
        JSON.parse((await send(escaped, { 'Content-Type': type })).got ?? ''),
        { m: '[REDACTED-EMAIL]' },
        type,
      );
    }
  });

  test('what is called binary is read when it is text, and streams when it is not', async () => {
    for (const type of ['image/png', 'application/octet-stream', 'application/grpc']) {
      const { got } = await send(`{"m":"${PLANTED.email}"}`, { 'Content-Type': type });
      assert.equal(got, '{"m":"[REDACTED-EMAIL]"}', type);
    }
    const binary = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0]), Buffer.alloc(12 * 2 ** 20, 0xa5)]);
    const { status, seen } = await send(binary, { 'Content-Type': 'application/octet-stream' });
    assert.equal(status, 200);
    assert.ok(seen?.body.equals(binary));
  });

  test('compressed bodies are read and go on in the same coding', async () => {
    const text = JSON.stringify({ m: `write to ${PLANTED.email}`, pad: 'x'.repeat(500) });
    for (const [coding, encode, decode] of [
      ['gzip', zlib.gzipSync, zlib.gunzipSync],
      ['deflate', zlib.deflateSync, zlib.inflateSync],
      ['br', zlib.brotliCompressSync, zlib.brotliDecompressSync],
    ] as const) {
      const { status, seen } = await send(encode(Buffer.from(text)), { 'Content-Encoding': coding });
      assert.equal(status, 200, coding);
      assert.equal(fieldOf(seen?.headers ?? [], 'content-encoding'), coding);
      assert.equal(decode(seen?.body ?? Buffer.of()).toString(), text.replace(PLANTED.email, '[REDACTED-EMAIL]'));
      const blocked = await send(encode(Buffer.from(`{"m":"${PLANTED.word}"}`)), { 'Content-Encoding': coding });
      assert.deepEqual([blocked.status, blocked.seen], [403, undefined], coding);
    }
    const unknown = await send(text, { 'Content-Encoding': 'rot13' });
    assert.deepEqual([unknown.status, unknown.seen], [415, undefined]);
    const bomb = await send(zlib.gzipSync(Buffer.alloc(64 * 2 ** 20)), { 'Content-Encoding': 'gzip' });
    assert.deepEqual([bomb.status, bomb.seen], [413, undefined]);
    const broken = await send('no gzip', { 'Content-Encoding': 'gzip' });
    assert.deepEqual([broken.status, broken.seen], [400, undefined]);
  });

  test('block: 403 that names the rule and not the text, whatever the case, and the agent never sees the request', async () => {
    for (const [body, type] of [
      [{ q: `about ${PLANTED.word}` }, 'application/json'],
      ['KINGFISHER', 'text/plain'],
      ['q=blue%62ird', 'application/x-www-form-urlencoded'],
      [String.raw`{"q":"bl\u0075ebird"}`, 'application/json'],
      [`{"${PLANTED.word}":1}`, 'application/json'],
    ] as const) {
      const { status, json, seen } = await send(body, { 'Content-Type': type });
      assert.deepEqual([status, json.code, json.rule, seen], [403, 'blocked', 'no-bluebirds', undefined]);
      assert.doesNotMatch(JSON.stringify(json), /bluebird(?!s)|kingfisher/i);
    }
  });

  test('redact with its own text or [REDACTED]; warn changes nothing', async () => {
    const { got } = await send({ a: `${PLANTED.mask} and plain-5`, b: PLANTED.watched });
    assert.deepEqual(JSON.parse(got ?? ''), { a: '[CENSORED] and [REDACTED]', b: PLANTED.watched });
  });

  test('a redaction without a declared length, and one of a body that came in pieces', async () => {
    const pieces = new ReadableStream({
      start(controller) {
        for (const piece of ['{"m":"ada.planted', '@secret-mail', '.example"}']) controller.enqueue(Buffer.from(piece));
        controller.close();
      },
    });
    const reply = await fetch(`${sidecar.inbound}/invoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
      body: pieces,
      duplex: 'half',
      signal: AbortSignal.timeout(10_000),
    });
    assert.equal(reply.status, 200);
    assert.equal(agent.seen.at(-1)?.body.toString(), '{"m":"[REDACTED-EMAIL]"}');
  });

  test('every hit is one audit row with rule, action, surface and count, and one count in /metrics', async () => {
    await send({ a: `${PLANTED.mask} ${PLANTED.mask}`, b: PLANTED.mask });
    const rows = await until(() => {
      const found = auditRows(sidecar.dataDir).filter(({ resource }) => resource === 'guardrail/account-mask');
      return found.length === 2 && found;
    }, 'the audit row');
    const { event_type, actor, metadata } = rows[1] ?? {};
    assert.deepEqual([event_type, actor], ['guardrail.redacted', 'test-agent']);
    const { path: _, ...facts } = JSON.parse(metadata ?? '');
    assert.deepEqual(facts, { rule: 'account-mask', action: 'redact', surface: 'request', count: 3 });
    const types = new Set(auditRows(sidecar.dataDir).map((row) => `${row.event_type} ${row.resource}`));
    for (const type of [
      'guardrail.redacted guardrail/ssn',
      'guardrail.redacted guardrail/credit_card',
      'guardrail.redacted guardrail/email',
      'guardrail.redacted guardrail/plain',
      'guardrail.warned guardrail/watch',
      'guardrail.blocked guardrail/no-bluebirds',
    ]) {
      assert.ok(types.has(type), `${type}: ${[...types].join(', ')}`);
    }
    const metrics = parseMetrics((await http(`${sidecar.helpers}/metrics`)).text);
    const hits = (rule: string): number => metric(metrics, 'outrider_guard_hits_total', { rule, surface: 'request' });
    assert.equal(hits('no-bluebirds'), 8);
    assert.ok(hits('email') >= 8 && hits('watch') === 1);
  });

  test('nowhere is anything left of what was found: replies, log, audit, metrics, health, spans, the database file', async () => {
    // In the path and the query as well, and in every name that a caller may choose.
    const odd = `/p/${encodeURIComponent(PLANTED.email)}/${PLANTED.ssn}?q=${encodeURIComponent(PLANTED.email)}`;
    await send({ [PLANTED.email]: { [PLANTED.mask]: PLANTED.card } }, { 'X-Note': PLANTED.email }, odd);
    await send(`{"broken": "${PLANTED.ssn}"`, {}, odd);
    await send({ m: PLANTED.email }, { Authorization: `Bearer ${PLANTED.email}` });
    await http(`${sidecar.helpers}/a2a/${PLANTED.ssn}`, {
      body: { method: PLANTED.email, params: { m: PLANTED.card } },
    });
    await http(`${sidecar.helpers}/mcp/${PLANTED.ssn}`, {
      body: { method: PLANTED.email, params: { m: PLANTED.card } },
    });
    await http(`${sidecar.helpers}/cost`, { body: `${PLANTED.email} {` });
    const status = (await http(`${sidecar.helpers}/metrics`)).text + (await http(`${sidecar.helpers}/health`)).text;
    const sent = agent.seen.length;
    await collector.waitFor((spans) => spans.filter(({ kind }) => kind === 'server').length > sent);
    await sidecar.process.stop();
    const places = {
      replies,
      status,
      log: sidecar.process.stdout + sidecar.process.stderr,
      spans: JSON.stringify(collector.spans(), (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
      audit: JSON.stringify(auditRows(sidecar.dataDir)),
    };
    assert.ok(places.log.includes('"path":"/invoke"'), 'requests are logged');
    assert.ok(places.spans.includes('/invoke') && places.audit.includes('guardrail.blocked'));
    const { host, ...rest } = { ...PLANTED, host: 'secret-mail', token: TOKEN };
    for (const [place, text] of Object.entries(places)) {
      for (const secret of [host, ...Object.values(rest)]) {
        for (const spelling of [
          secret,
          encodeURIComponent(secret),
          secret.toLowerCase(),
          Buffer.from(secret).toString('base64').slice(0, -2),
        ]) {
          // The block rule's own name is not its text.
          const found = text.replaceAll('no-bluebirds', '').indexOf(spelling);
          assert.ok(found < 0, `${spelling} is in ${place}: …${text.slice(Math.max(0, found - 80), found + 80)}…`);
        }
      }
    }
  });
});

test('the documented example word by word: a blocked SSN is 403, though the built-in rule comes first', async (t) => {
  const agent = await startAgent();
  t.after(() => agent.close());
  const sidecar = await startOutrider({
    agentUrl: agent.url,
    config: String.raw`
guardrails:
  - name: ssn-block
    type: regex            # or keyword: comma-separated, case-insensitive
    pattern: '\b\d{3}-\d{2}-\d{4}\b'
    action: block          # block | redact | warn; default redact
    replace: "[CENSORED]"  # default [REDACTED]
`,
  });
  t.after(() => sidecar.stop());
  for (const body of [{ text: `my number is ${PLANTED.ssn}` }, { text: '000-00-0000' }]) {
    const reply = await http(`${sidecar.inbound}/x`, { body, headers: { Authorization: `Bearer ${TOKEN}` } });
    assert.equal(reply.status, 403, reply.text);
    assert.ok(!reply.text.includes(PLANTED.ssn));
  }
  assert.equal(agent.seen.length, 0);
});

interface AuditRow {
  event_type: string;
  actor: string;
  resource: string;
  metadata: string;
}

function auditRows(dataDir: string): AuditRow[] {
  const db = new DatabaseSync(join(dataDir, 'ledger.db'), { readOnly: true, timeout: 5_000 });
  try {
    // The columns are those of the interface, and the table is STRICT.
    return db.prepare('SELECT * FROM audit_log ORDER BY seq').all() as unknown as AuditRow[];
  } finally {
    db.close();
  }
}
