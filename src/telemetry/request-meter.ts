import type { BodyEnd } from '../body.ts';
import { KNOWN_METHODS } from '../protocols/attributes.ts';
import type { Family, Sample } from './exposition.ts';
import { type Histogram, histogram } from './instruments.ts';

/** From a sidecar's own replies to a model that thinks for minutes, in seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

const STATUSES = 1_000;

/** The counts of one surface. Structurally the `RequestMeter` of the `measure` layer. */
export interface SurfaceMeter {
  begin(): void;
  replied(method: string, status: number, seconds: number): void;
  ended(seconds: number, end: BodyEnd): void;
}

interface State {
  /** By method index × 1000 + status; status 0 stands for whatever lies outside 100–599. */
  readonly requests: Map<number, number>;
  readonly head: Histogram;
  readonly whole: Histogram;
  readonly ends: Record<BodyEnd, number>;
  inFlight: number;
}

/** Counts of requests for any number of surfaces. What is done for one request allocates nothing once it was seen before. */
export function requestMeters(): { surface(name: string): SurfaceMeter; families(): Family[] } {
  const surfaces = new Map<string, { state: State; meter: SurfaceMeter }>();
  return {
    surface(name) {
      const known = surfaces.get(name);
      if (known !== undefined) return known.meter;
      const state: State = {
        requests: new Map(),
        head: histogram(SECONDS),
        whole: histogram(SECONDS),
        ends: { complete: 0, failed: 0, cancelled: 0 },
        inFlight: 0,
      };
      const meter = surfaceMeter(state);
      surfaces.set(name, { state, meter });
      return meter;
    },
    families: () => families([...surfaces].map(([surface, { state }]) => ({ surface, state }))),
  };
}

function surfaceMeter(state: State): SurfaceMeter {
  const { requests, head, whole, ends } = state;
  return {
    begin() {
      state.inFlight++;
    },
    replied(method, status, seconds) {
      // -1, an unknown method, becomes the slot after the known ones.
      const index = KNOWN_METHODS.indexOf(method);
      const row = index < 0 ? KNOWN_METHODS.length : index;
      const key = row * STATUSES + (status >= 100 && status <= 599 ? status : 0);
      requests.set(key, (requests.get(key) ?? 0) + 1);
      head.observe(seconds);
    },
    ended(seconds, end) {
      state.inFlight--;
      ends[end]++;
      whole.observe(seconds);
    },
  };
}

function families(surfaces: readonly { surface: string; state: State }[]): Family[] {
  const each = (samples: (state: State, surface: string) => Sample[]): Sample[] =>
    surfaces.flatMap(({ surface, state }) => samples(state, surface));
  return [
    {
      name: 'outrider_requests_total',
      help: 'Replies by surface, method and status.',
      type: 'counter',
      samples: each(({ requests }, surface) =>
        [...requests].map(([key, value]) => ({
          labels: {
            surface,
            method: KNOWN_METHODS[Math.floor(key / STATUSES)] ?? 'other',
            status: key % STATUSES === 0 ? 'other' : String(key % STATUSES),
          },
          value,
        })),
      ),
    },
    {
      name: 'outrider_requests_in_flight',
      help: 'Requests whose reply has not ended yet.',
      type: 'gauge',
      samples: each(({ inFlight }, surface) => [{ labels: { surface }, value: inFlight }]),
    },
    {
      name: 'outrider_reply_head_seconds',
      help: 'Time from the arrival of a request to the headers of its reply.',
      type: 'histogram',
      samples: each(({ head }, surface) => head.samples({ surface })),
    },
    {
      name: 'outrider_request_duration_seconds',
      help: "Time from the arrival of a request to the end of its reply's body.",
      type: 'histogram',
      samples: each(({ whole }, surface) => whole.samples({ surface })),
    },
    {
      name: 'outrider_reply_ends_total',
      help: 'How replies ended: complete, failed (broken off by their source) or cancelled (given up by the caller).',
      type: 'counter',
      samples: each(({ ends }, surface) =>
        Object.entries(ends).map(([end, value]) => ({ labels: { surface, end }, value })),
      ),
    },
  ];
}
