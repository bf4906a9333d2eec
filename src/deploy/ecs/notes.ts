import { type JsonObject, objectsOf } from '../json.ts';
import { type Plan, SIDECAR_NAME } from '../plan.ts';
import { shown } from '../shown.ts';
import type { Note } from '../target.ts';
import type { Found } from './agent.ts';
import { secretsMessage } from './secrets.ts';

/** Fargate kills a container this long after SIGTERM, whatever `stopTimeout` says. */
export const FARGATE_STOP_SECONDS = 120;

export function essentialNote({ container, path }: Found): Note[] {
  if (container['essential'] !== false) return [];
  const message = 'the agent is essential now: without it the task would go on with nothing but its sidecar';
  return [{ document: 0, path: [...path, 'essential'], message }];
}

export function drainNote(plan: Plan, drainSeconds: number): Note[] {
  if (drainSeconds === plan.drainSeconds) return [];
  const message =
    `drain_timeout is ${drainSeconds} s instead of ${plan.drainSeconds} s: ` +
    `Fargate grants a container ${FARGATE_STOP_SECONDS} s to stop`;
  return [{ document: 0, path: [], message }];
}

/** The service, which is not in this file, names the container and the port. */
export function serviceNote({ container, path }: Found, from: number | undefined, plan: Plan): Note[] {
  if (from === undefined) return [];
  const port = plan.inboundPort;
  const before = `"containerName": "${shown(container['name'])}", "containerPort": ${from}`;
  const message =
    `a service with a load balancer must be updated with "containerName": "${SIDECAR_NAME}", "containerPort": ${port} ` +
    `instead of ${before}; its target group must ask /ready, and its security group let port ${port} in`;
  return [{ document: 0, path: [...path, 'portMappings'], message }];
}

/** `sidecar`: its container. */
export function secretsNote(task: JsonObject, sidecar: JsonObject, { path }: Found): Note[] {
  const secrets = objectsOf(sidecar['secrets']);
  if (secrets.length === 0) return [];
  return [{ document: 0, path, message: secretsMessage(secrets, task['executionRoleArn'] !== undefined) }];
}
