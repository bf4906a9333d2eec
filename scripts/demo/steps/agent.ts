import { type Answer, at } from '../http.ts';
import type { Tour } from '../tour.ts';

/** Notes what an answer of the example agent cost, by its own account. */
export function noteCost({ notes }: Tour, answer: unknown): void {
  notes.answers.push({
    event: at(answer, 'cost_event'),
    input: Number(at(answer, 'usage', 'input_tokens')),
    output: Number(at(answer, 'usage', 'output_tokens')),
    usd: Number(at(answer, 'cost_usd')),
  });
}

/** Asks the gist agent through its sidecar, and notes what it cost. */
export async function invoke(tour: Tour, input: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { inbound, token } = tour.stage.gist;
  const answer = await tour.ask({ url: `${inbound}/invoke`, token, headers, json: { input } });
  if (answer.status === 200) noteCost(tour, answer.json);
  return answer;
}

/** How many questions have reached the gist agent, as it counts them. */
export async function invocations({ stage, quietly }: Tour): Promise<unknown> {
  const { json } = await quietly({ url: `${stage.gist.inbound}/stats`, token: stage.gist.token });
  return at(json, 'invocations');
}

/** Words as the agents count them. */
export function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Whole nano-dollars. */
export function nanos(usd: unknown): number {
  return Math.round(Number(usd) * 1e9);
}
