import { isObject, type Json } from '../json.ts';
import type { PublicPort } from '../public-port.ts';
import { isAgents } from './services.ts';

/** True of a hook (`postStart`, `preStop`) whose request the kubelet sends to the agent: to its port, and to no other host than the pod. */
export function asksAgent(hook: Json | undefined, port: PublicPort): boolean {
  const request = isObject(hook) ? (hook['httpGet'] ?? hook['tcpSocket']) : undefined;
  return isObject(request) && (request['host'] ?? '') === '' && isAgents(request['port'], port);
}
