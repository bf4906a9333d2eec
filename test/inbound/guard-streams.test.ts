import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { type Conducted, conduct } from '../support/conduct.ts';
import { TOKEN } from '../support/outrider.ts';
import { raw } from '../support/raw.ts';
import { until } from '../support/until.ts';

const MAIL = 'ada.planted@secret-mail.example';

let it: Conducted;
before(async () => {
  it = await conduct(`
stream_hold: 50ms
guardrails:
  - { name: no-bluebirds, type: keyword, pattern: "bluebird", action: block, on: [response] }
  - { name: watch, type: keyword, pattern: "nightjar", action: warn }
`);
});
after(() => it.close());

const sse = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const delta = (content: string): object => ({ choices: [{ index: 0, delta: { content } }] });
/** What a model has said, all in all. */
const said = (text: string): string =>
  Array.from(text.matchAll(/^data: (\{.*\})$/gm), ([, json]) => JSON.parse(json ?? '').choices[0].delta.content).join(
    '',
  );

describe('replies that stream', () => {
  test('each event leaves before the next one comes', async () => {
    const { turn, head, end, text } = await it.exchange();
    turn.response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    turn.response.flushHeaders();
    assert.equal((await head).statusCode, 200);
    let sent = '';
    // Each ends with what cannot become part of a match.
    for (const word of ['The ', 'answer, ', 'in 3 ', 'words. ']) {
      sent += sse(delta(word));
      turn.response.write(sse(delta(word)));
      await until(() => text() === sent, `the event with "${word}"`);
    }
    turn.response.end('data: [DONE]\n\n');
    assert.equal(await end, 'complete');
    assert.equal(text(), `${sent}data: [DONE]\n\n`);
  });

  test('what may become a match leaves after a pause, when it is little', async () => {
    const { turn, end, text } = await it.exchange();
    turn.response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    turn.response.write(sse(delta('Hello')));
    await until(() => said(text()) === 'Hello', 'the word');
    turn.response.end();
    assert.equal(await end, 'complete');
  });

  test('a card number in six events is one card number; the events stay what they are, and in order', async () => {
    const before = await it.counted('outrider_guard_hits_total', { rule: 'credit_card', surface: 'response' });
    const { turn, end, text } = await it.exchange();
    turn.response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const parts = ['card ', '4111', ' 1111', ' 11', '11 1', '111', ', thanks'];
    for (const part of parts) turn.response.write(sse(delta(part)));
    turn.response.end('data: [DONE]\n\n');
    assert.equal(await end, 'complete');
    assert.equal(said(text()), 'card [REDACTED-CC], thanks');
    assert.equal(text().match(/^data: /gm)?.length, parts.length + 1);
    assert.ok(text().endsWith('data: [DONE]\n\n'));
    assert.equal(
      await it.counted('outrider_guard_hits_total', { rule: 'credit_card', surface: 'response' }),
      before + 1,
    );
  });

  test('a block in the middle ends an event stream with an event, and gives the agent up', async () => {
    const { turn, head, end, text } = await it.exchange();
    turn.response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    turn.response.write(sse(delta('about ')));
    await until(() => text() !== '', 'the first event');
    for (const part of ['blue', 'bird', ' and more ']) turn.response.write(sse(delta(part)));
    assert.equal(await end, 'complete');
    assert.equal((await head).statusCode, 200);
    const [first, ...rest] = text().split('\n\n');
    assert.equal(`${first}\n\n`, sse(delta('about ')));
    const last = rest.at(-2) ?? '';
    assert.match(last, /^event: error\ndata: \{.*\}$/);
    const problem = JSON.parse(last.slice(last.indexOf('{')));
    assert.deepEqual([problem.status, problem.code, problem.rule], [403, 'blocked', 'no-bluebirds']);
    assert.doesNotMatch(text(), /and more|bird"/);
    await turn.closed;
    assert.equal(turn.response.writableFinished, false);
  });

  test('the same for NDJSON, with a line; plain text breaks off', async () => {
    const lines = await it.exchange();
    lines.turn.response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    lines.turn.response.write('{"n":1}\n');
    await until(() => lines.text() === '{"n":1}\n', 'the first line');
    lines.turn.response.write('{"t":"bluebird"}\n{"n":2}\n');
    assert.equal(await lines.end, 'complete');
    const last = JSON.parse(lines.text().trim().split('\n').at(-1) ?? '');
    assert.deepEqual([last.error.code, last.error.rule], ['blocked', 'no-bluebirds']);
    assert.ok(!lines.text().includes('"n":2'));

    const text = await it.exchange();
    text.turn.response.writeHead(200, { 'Content-Type': 'text/plain' });
    text.turn.response.write('a first line. ');
    await until(() => text.text() === 'a first line. ', 'the first line');
    text.turn.response.write('a bluebird here');
    assert.equal(await text.end, 'broken');
    assert.doesNotMatch(text.text(), /bluebird/i);
    await text.turn.closed;
  });

  test('compressed streams flow as well', async () => {
    for (const [coding, make, unmake] of [
      ['gzip', zlib.createGzip, zlib.gunzipSync],
      ['br', zlib.createBrotliCompress, zlib.brotliDecompressSync],
      ['zstd', zlib.createZstdCompress, zlib.zstdDecompressSync],
    ] as const) {
      const { turn, end, bytes } = await it.exchange();
      turn.response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Content-Encoding': coding });
      const encoder = make();
      encoder.pipe(turn.response);
      for (const part of ['card ', '4111 1111', ' 1111 ', '1111. ', 'bye']) {
        const before = bytes().length;
        encoder.write(sse(delta(part)));
        await new Promise<void>((resolve) => {
          encoder.flush(resolve);
        });
        if (part === 'card ') await until(() => bytes().length > before, `the first token, ${coding}`);
      }
      encoder.end();
      assert.equal(await end, 'complete', coding);
      assert.equal(said(unmake(bytes()).toString()), 'card [REDACTED-CC]. bye', coding);
    }
  });

  test('a declared length is not kept for what may change on its way; trailers are', async () => {
    const { turn, head, end, text } = await it.exchange();
    const body = `first line\nto ${MAIL} now\n`;
    turn.response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': String(body.length) });
    turn.response.write(body.slice(0, 11));
    await until(() => text().length > 0, 'the first line');
    turn.response.end(body.slice(11));
    assert.equal((await head).headers['content-length'], undefined);
    assert.equal(await end, 'complete');
    assert.equal(text(), 'first line\nto [REDACTED-EMAIL] now\n');

    const trailing = await it.exchange();
    trailing.turn.response.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'X-Took' });
    trailing.turn.response.write('text. ');
    trailing.turn.response.addTrailers({ 'X-Took': '7' });
    trailing.turn.response.end(MAIL);
    assert.equal(await trailing.end, 'complete');
    assert.equal(trailing.text(), 'text. [REDACTED-EMAIL]');
    assert.equal((await trailing.head).trailers['x-took'], '7');
  });

  test('a digest behind a stream goes when something in it was changed, and stays otherwise', async () => {
    for (const word of [MAIL, 'nobody']) {
      const { turn, head, end, text } = await it.exchange();
      turn.response.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'X-Took, Content-Digest' });
      turn.response.write('text. ');
      await until(() => text() !== '', 'the first word');
      turn.response.addTrailers({ 'X-Took': '7', 'Content-Digest': 'sha-256=:AA==:' });
      turn.response.end(word);
      assert.equal(await end, 'complete');
      const { trailers } = await head;
      assert.equal(trailers['x-took'], '7');
      assert.equal(trailers['content-digest'], word === MAIL ? undefined : 'sha-256=:AA==:');
    }
  });

  test('a caller who leaves cancels the agent; what was found is recorded all the same', async () => {
    const labels = { rule: 'watch', action: 'warn', surface: 'response' };
    const before = await it.counted('outrider_guard_hits_total', labels);
    const { turn, text, leave } = await it.exchange();
    turn.response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    turn.response.write(sse(delta('a nightjar sings. ')));
    await until(() => text() !== '', 'the first event');
    leave();
    await turn.closed;
    await until(async () => (await it.counted('outrider_guard_hits_total', labels)) === before + 1, 'the count');
  });

  test('an agent that breaks off breaks the reply off, after what it had said', async () => {
    const { turn, end, text } = await it.exchange();
    turn.response.writeHead(200, { 'Content-Type': 'text/plain' });
    turn.response.write(`hello ${MAIL}`);
    await until(() => text().startsWith('hello'), 'the beginning');
    turn.response.destroy();
    assert.equal(await end, 'broken');
    assert.equal(text(), 'hello [REDACTED-EMAIL]');
  });

  test('a slow reader slows the agent', async () => {
    const turn = await it.unread(
      `POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 0\r\n\r\n`,
    );
    turn.response.writeHead(200, { 'Content-Type': 'text/plain' });
    let written = 0;
    const line = Buffer.from(`${'lorem ipsum dolor '.repeat(3600)}\n`);
    // Sockets and buffers on the way take some megabytes, not all of it.
    for (let i = 0; i < 2000; i++) {
      written += line.length;
      if (!turn.response.write(line)) {
        const drained = await Promise.race([
          new Promise<boolean>((resolve) => {
            turn.response.once('drain', () => resolve(true));
          }),
          new Promise<boolean>((resolve) => {
            setTimeout(resolve, 1_000, false);
          }),
        ]);
        if (!drained) break;
      }
    }
    assert.ok(written < 2000 * line.length, 'the agent was made to wait');
    turn.response.destroy();
  });
});

test('a reply over HTTP/1.0 ends with its connection', async () => {
  const coming = it.nextTurn();
  const answered = raw(it.inbound, `GET / HTTP/1.0\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  const turn = await coming;
  turn.response.writeHead(200, { 'Content-Type': 'text/plain' });
  turn.response.write('one ');
  turn.response.end(MAIL);
  const { text } = await answered;
  assert.ok(text.endsWith('\r\n\r\none [REDACTED-EMAIL]'), text);
});
