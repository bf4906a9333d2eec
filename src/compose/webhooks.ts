import type { WebhookConfig } from '../config/guard.ts';
import type { Webhook } from '../layers/guard-webhook.ts';
import { type HttpClient, httpClient } from '../net/client.ts';

export interface WebhookClients {
  /** The same connections for the same origin, also after a reload: calls under way keep the rules that they began with. */
  webhook(config: WebhookConfig): Webhook;
  close(): Promise<void>;
}

/** Connections to the endpoints of webhook rules. */
export function webhookClients(connectTimeoutMs: number): WebhookClients {
  const clients = new Map<string, HttpClient>();
  const clientFor = (origin: string, timeoutMs: number): HttpClient => {
    const key = `${timeoutMs} ${origin}`;
    const known = clients.get(key);
    if (known !== undefined) return known;
    const client = httpClient(origin, {
      name: 'the guardrail',
      connectTimeoutMs: Math.min(connectTimeoutMs, timeoutMs),
      responseTimeoutMs: timeoutMs,
      idleTimeoutMs: timeoutMs,
    });
    clients.set(key, client);
    return client;
  };
  return {
    webhook({ name, endpoint, timeoutMs, onError, replace, token }) {
      const { origin, pathname, search } = new URL(endpoint);
      const { send } = clientFor(origin, timeoutMs);
      return { name, target: pathname + search, token: token?.reveal(), timeoutMs, onError, replace, send };
    },
    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}
