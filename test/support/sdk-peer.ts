import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';
import { type AgentCard, type Message, TaskState } from '@a2a-js/sdk';
import { AgentEvent, type AgentExecutor, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import { serve } from './agent.ts';

// It brings no types, and needs none for two calls.
const express = createRequire(import.meta.url)('express');

export interface SdkPeer {
  /** Its JSON-RPC endpoint is at `/rpc`. */
  url: string;
  card: AgentCard;
  headers: IncomingHttpHeaders[];
  /** Lets it send the next piece of its answer. */
  next(): void;
}

const { TASK_STATE_WORKING: WORKING, TASK_STATE_COMPLETED: COMPLETED } = TaskState;

/** An A2A agent on the official SDK that answers in two pieces; when `stepwise`, each only after `next`. */
export async function sdkPeerFor(t: TestContext, { stepwise = false } = {}): Promise<SdkPeer> {
  const gate = gateOf(stepwise);
  const headers: IncomingHttpHeaders[] = [];
  const app = express();
  const server = createServer((request, response) => {
    headers.push(request.headers);
    app(request, response);
  });
  const { url, ...served } = await serve(server);
  t.after(() => served.close());
  const card = cardOf(`${url}/rpc`);
  const requestHandler = new DefaultRequestHandler(card, new InMemoryTaskStore(), parrot(gate.pass));
  app.use(
    '/rpc',
    jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication, legacyCompat: { enabled: true } }),
  );
  return { url, card, headers, next: gate.open };
}

/** `pass` waits until `open` was called once more than it was passed. */
function gateOf(closed: boolean): { pass: () => Promise<void>; open: () => void } {
  let permits = 0;
  const waiting: (() => void)[] = [];
  return {
    pass: async () => {
      if (!closed) return;
      if (permits > 0) permits--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    open: () => {
      const next = waiting.shift();
      if (next === undefined) permits++;
      else next();
    },
  };
}

function parrot(pass: () => Promise<void>): AgentExecutor {
  return {
    cancelTask: async () => undefined,
    execute: async ({ taskId, contextId, userMessage }, bus) => {
      const status = (state: TaskState) => ({ state, message: undefined, timestamp: new Date().toISOString() });
      bus.publish(
        AgentEvent.task({
          id: taskId,
          contextId,
          status: status(WORKING),
          artifacts: [],
          history: [],
          metadata: undefined,
        }),
      );
      for (const [index, piece] of ['you said', ` ${textOf(userMessage)}`].entries()) {
        await pass();
        const part = {
          content: { $case: 'text' as const, value: piece },
          metadata: undefined,
          filename: '',
          mediaType: 'text/plain',
        };
        const artifact = {
          artifactId: 'a',
          name: 'answer',
          description: '',
          parts: [part],
          metadata: undefined,
          extensions: [],
        };
        bus.publish(
          AgentEvent.artifactUpdate({
            taskId,
            contextId,
            artifact,
            append: index > 0,
            lastChunk: index === 1,
            metadata: undefined,
          }),
        );
      }
      await pass();
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: status(COMPLETED), metadata: undefined }));
      bus.finished();
    },
  };
}

function textOf(message: Message): string {
  return message.parts.map((part) => (part.content?.$case === 'text' ? part.content.value : '')).join('');
}

function cardOf(url: string): AgentCard {
  const versions = ['1.0', '0.3'];
  return {
    name: 'parrot',
    description: '',
    supportedInterfaces: versions.map((protocolVersion) => ({
      url,
      protocolBinding: 'JSONRPC',
      tenant: '',
      protocolVersion,
    })),
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
