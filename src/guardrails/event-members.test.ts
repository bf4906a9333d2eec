import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEndKind, mayBeConstant, memberClass } from './event-members.ts';

test('what a member is called says what it is', () => {
  for (const [name, cls] of Object.entries({
    delta: 'piece',
    partial_json: 'piece',
    text_delta: 'piece',
    argsTextDelta: 'piece',
    content: 'text',
    answer: 'text',
    type: 'kind',
    id: 'protocol',
    run_id: 'protocol',
    taskId: 'protocol',
    created_at: 'protocol',
    mimeType: 'protocol',
    index: 'plain-index',
    output_index: 'index',
    contentBlockIndex: 'index',
    token_index: 'protocol',
    artifactId: 'index',
    finish_reason: 'finish',
    lastChunk: 'end',
    done: 'done',
    append: 'append',
    paid: 'other',
    format_: 'other',
    constructor: 'other',
    ['x'.repeat(100)]: 'other',
  })) {
    assert.equal(memberClass(name), cls, name);
    // Known names are kept.
    assert.equal(memberClass(name), cls, name);
  }
  for (let i = 0; i < 3000; i++) assert.equal(memberClass(`k${i}`), 'other');
});

test('kinds of events that end a text', () => {
  for (const kind of [
    'content_block_stop',
    'message_stop',
    'response.output_text.done',
    'text-end',
    'TEXT_MESSAGE_END',
    'response.completed',
  ]) {
    assert.ok(isEndKind(kind), kind);
  }
  for (const kind of [
    'content_block_delta',
    'text-delta',
    'agent',
    'legend',
    'TEXT_MESSAGE_CONTENT',
    'artifact-update',
    '',
  ]) {
    assert.ok(!isEndKind(kind), kind);
  }
});

test('text in pieces is not taken for what never changes', () => {
  for (const value of ['weather-bot', 'en', 'fp_44709d6fcb', 'v1.2/x']) assert.ok(mayBeConstant(value), value);
  for (const value of ['1', '4111', 'a', ' ha', 'two words', '', '-', '123-45'])
    assert.ok(!mayBeConstant(value), value);
});
