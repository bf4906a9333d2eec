import { isObject, type Json, type JsonObject } from '../json.ts';

/** Cloud Run waits four minutes for a startup probe, at most. */
const MOST_SECONDS = 240;
const PERIOD_SECONDS = 2;
const MOST_FAILURES = MOST_SECONDS / PERIOD_SECONDS;
const AGENT_STARTUP: JsonObject = {
  periodSeconds: PERIOD_SECONDS,
  timeoutSeconds: 1,
  failureThreshold: MOST_FAILURES,
};

/**
 * How often and how long to ask the sidecar whether the agent has started, for as long as the agent's own probe (undefined: it
 * has none) grants it. Where that probe waits inside one try, as Cloud Run's default does (`tcpSocket`, one failure allowed after
 * 240 s), its window is cut into short tries: the sidecar is there at once, and its first answers are refusals.
 * https://cloud.google.com/run/docs/configuring/healthchecks#tcp-default
 */
export function startupTiming(probe: JsonObject | undefined): JsonObject {
  if (probe === undefined || Object.keys(probe).length === 0) return AGENT_STARTUP;
  const { httpGet, tcpSocket: _, grpc, ...timing } = probe;
  const failures = countOr(timing['failureThreshold'], 3);
  if (failures > 1 && (isObject(httpGet) || isObject(grpc))) return timing;
  const seconds = countOr(timing['periodSeconds'], 10) * failures;
  return {
    ...timing,
    periodSeconds: PERIOD_SECONDS,
    timeoutSeconds: Math.min(countOr(timing['timeoutSeconds'], 1), PERIOD_SECONDS),
    // One more, which is the try at the end of the window.
    failureThreshold: Math.min(Math.ceil(seconds / PERIOD_SECONDS) + 1, MOST_FAILURES),
  };
}

function countOr(value: Json | undefined, otherwise: number): number {
  return typeof value === 'number' && value > 0 ? value : otherwise;
}
