import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fieldsFor, fieldsForStream } from './guard-changed.ts';
import { redigested } from './guard-digest.ts';
import { isFieldSigned, isSigned } from './guard-signed.ts';

test('what makes a body signed', () => {
  for (const headers of [
    ['X-Hub-Signature', 'sha1=00'],
    ['x-hub-signature-256', 'sha256=00'],
    ['X-Signature', '00'],
    ['X-Signature-Ed25519', '00'],
    ['Stripe-Signature', 't=1'],
    ['X-Slack-Signature', 'v0=00'],
    ['X-Shopify-Hmac-Sha256', '00'],
    ['X-Amz-Content-Sha256', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
    ['Signature-Input', 'sig1=("@method" "content-digest");created=1'],
    ['Signature-Input', 'sig1=("content-digest";req "@status")'],
    ['Signature', 'keyId="k",headers="(request-target) digest",signature="x"'],
    ['Authorization', 'Signature keyId="k",headers="host digest"'],
    ['Content-Type', 'multipart/signed; boundary=b'],
    ['Content-Type', 'application/jose'],
    ['Content-Type', 'application/pkcs7-mime; smime-type=signed-data'],
    ['Content-Type', 'application/secevent+jwt'],
  ]) {
    assert.ok(isSigned(headers, 'body'), headers.join(': '));
  }
});

test('what does not', () => {
  for (const headers of [
    ['X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD'],
    ['Signature-Input', 'sig1=("@method" "@path" "x-content-digest-note");created=1'],
    ['Signature', 'sig1=:AA==:'],
    ['Authorization', 'Bearer headers="digest"'],
    ['Content-Digest', 'sha-256=:AA==:'],
    ['X-Signature-Note', 'none'],
    ['Content-Type', 'application/json'],
  ]) {
    assert.ok(!isSigned(headers, 'body'), headers.join(': '));
  }
});

test('targets and fields that a signature covers', () => {
  assert.ok(isSigned(['Signature-Input', 'a=("@path")'], 'target'));
  assert.ok(isSigned(['Signature-Input', 'a=("@query-param";name="q")'], 'target'));
  assert.ok(isSigned(['Signature', 'keyId="k",headers="(request-target) date"'], 'target'));
  assert.ok(isSigned([], 'target', '/x?X-Amz-Signature=00'));
  assert.ok(!isSigned(['Signature-Input', 'a=("content-digest")'], 'target', '/x?design=1'));
  assert.ok(isFieldSigned(['Signature-Input', 'a=("x-note")'], 'x-note'));
  assert.ok(!isFieldSigned(['Signature-Input', 'a=("x-note-2")'], 'x-note'));
  assert.ok(!isFieldSigned([], 'x-note'));
});

test('digests of other bytes, by the functions that were used', () => {
  const body = Buffer.from('new');
  const sum = (hash: string): string => createHash(hash).update(body).digest('base64');
  assert.equal(redigested('content-md5', 'x', body), sum('md5'));
  assert.equal(
    redigested('content-digest', 'sha-256=:x:,sha-512=:y:', body),
    `sha-256=:${sum('sha256')}:, sha-512=:${sum('sha512')}:`,
  );
  assert.equal(redigested('repr-digest', 'unixsum=:x:, md5=:y:', body), `md5=:${sum('md5')}:`);
  assert.equal(
    redigested('digest', 'SHA-256=x==,SHA=y,id-sha-256=z', body),
    `SHA-256=${sum('sha256')},SHA=${sum('sha1')}`,
  );
  for (const value of ['', 'crc32c=:x:', 'nonsense', 'x, y'])
    assert.equal(redigested('content-digest', value, body), undefined);
});

test('fields of a changed body, and of one that may change', () => {
  const headers = [
    'ETag',
    '"v"',
    'content-length',
    '9',
    'Content-Length',
    '9',
    'Transfer-Encoding',
    'chunked',
    'X',
    'y',
  ];
  assert.deepEqual(fieldsFor(headers, Buffer.from('new')), ['ETag', 'W/"v"', 'content-length', '3', 'X', 'y']);
  assert.deepEqual(fieldsFor(['ETag', 'W/"v"'], Buffer.from('new')), ['ETag', 'W/"v"', 'Content-Length', '3']);
  assert.deepEqual(fieldsForStream(['Content-Length', '9', 'ETag', '"v"']), ['ETag', 'W/"v"']);
});
