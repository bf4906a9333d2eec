import { at } from '../http.ts';
import type { Step } from '../tour.ts';
import { invocations, invoke, wordsOf } from './agent.ts';

const PERSONAL = 'Pay 4111 1111 1111 1111, SSN 536-90-4399, ask ada@example.com: Bluebird';
const REDACTED = 'Pay [REDACTED-CC], SSN [REDACTED-SSN], ask [REDACTED-EMAIL]: [PROJECT]';
const PRIVATE_KEY = '-----BEGIN RSA PRIVATE KEY----- MIIEow';

/** What no row, log line or reply may hold. */
export const SECRETS = ['4111 1111', 'ada@example.com', '536-90-4399', 'Bluebird', 'Grey Heron', 'PRIVATE KEY'];

const redact: Step = {
  title: 'Personal data never reaches the agent',
  async run(tour) {
    const { json } = await invoke(tour, PERSONAL);
    const [output, counted] = [at(json, 'output'), at(json, 'usage', 'input_tokens')];
    tour.same('what the agent read, in its own words, has none of it', output, `In short: ${REDACTED}`);
    const [sent, seen] = [wordsOf(PERSONAL).length, wordsOf(REDACTED).length];
    tour.same(`it counted ${String(counted)} words: those of the redacted text (${sent} were sent)`, counted, seen);
  },
};

const block: Step = {
  title: 'A block rule: the agent never sees the request',
  async run(tour) {
    const before = await invocations(tour);
    const { status, text, json } = await invoke(tour, PRIVATE_KEY);
    tour.same('refused with 403, by the rule of the configuration', [status, at(json, 'rule')], [403, 'private-keys']);
    tour.holds('the reply does not repeat what was matched', !/PRIVATE KEY|MIIE/.test(text), text);
    const after = await invocations(tour);
    tour.same(`the agent's count of questions is ${String(after)}, as before`, after, before);
  },
};

export const guardrails: Step[] = [redact, block];
