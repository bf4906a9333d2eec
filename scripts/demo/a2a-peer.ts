import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentCard, type Message, TaskState } from '@a2a-js/sdk';
import { AgentEvent, type AgentExecutor, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';

// It brings no types, and needs none for one call.
const express = createRequire(import.meta.url)('express');

/** Between two pieces of an answer, so that streaming can be told from buffering. */
const PAUSE_MS = 250;

/** A peer served by the official A2A SDK: says what it was told backwards, a word at a time. JSON-RPC at `/a2a`. */
export async function startA2aPeer(): Promise<{ url: string; close: () => Promise<void> }> {
  const app = express();
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server that listens has such an address.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const requestHandler = new DefaultRequestHandler(cardOf(`${url}/a2a`), new InMemoryTaskStore(), backwards);
  app.use('/a2a', jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }));
  return {
    url,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const backwards: AgentExecutor = {
  cancelTask: async () => undefined,
  execute: async ({ taskId, contextId, userMessage }, bus) => {
    const status = (state: TaskState) => ({ state, message: undefined, timestamp: new Date().toISOString() });
    const task = {
      id: taskId,
      contextId,
      status: status(TaskState.TASK_STATE_WORKING),
      artifacts: [],
      history: [],
      metadata: undefined,
    };
    bus.publish(AgentEvent.task(task));
    const words = textOf(userMessage).split(' ').toReversed();
    for (const [index, word] of words.entries()) {
      await sleep(PAUSE_MS);
      const value = index === 0 ? word : ` ${word}`;
      const part = { content: { $case: 'text' as const, value }, metadata: undefined, filename: '', mediaType: '' };
      const artifact = {
        artifactId: 'a',
        name: '',
        description: '',
        parts: [part],
        metadata: undefined,
        extensions: [],
      };
      const place = { append: index > 0, lastChunk: index === words.length - 1, metadata: undefined };
      bus.publish(AgentEvent.artifactUpdate({ taskId, contextId, artifact, ...place }));
    }
    bus.publish(
      AgentEvent.statusUpdate({
        taskId,
        contextId,
        status: status(TaskState.TASK_STATE_COMPLETED),
        metadata: undefined,
      }),
    );
    bus.finished();
  },
};

function textOf(message: Message): string {
  return message.parts.map((part) => (part.content?.$case === 'text' ? part.content.value : '')).join('');
}

function cardOf(url: string): AgentCard {
  return {
    name: 'backwards',
    description: '',
    supportedInterfaces: [{ url, protocolBinding: 'JSONRPC', tenant: '', protocolVersion: '1.0' }],
    provider: undefined,
    version: '1',
    capabilities: { streaming: true, pushNotifications: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: ['text/plain'],
    defaultOutputModes: ['text/plain'],
    skills: [],
    signatures: [],
  };
}
