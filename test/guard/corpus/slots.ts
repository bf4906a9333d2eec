/** Chooses what goes into a body: values that are to be found, and values that are not. */
import { barePhone, email, ipv4, ipv6, nationalPhone, phone } from './contact.ts';
import { decoy } from './decoys.ts';
import type { Draft, Value } from './draft.ts';
import { bareSsn, cardDigits, formatCard, formatIban, iban, routingNumber, ssn } from './numbers.ts';
import type { Random } from './random.ts';
import { awsSecret, connectionString, SECRETS } from './secrets.ts';

const TYPES: readonly (readonly [number, string])[] = [
  [22, 'credit_card'],
  [16, 'ssn'],
  [16, 'iban'],
  [22, 'email'],
  [14, 'phone'],
  [8, 'ipv4'],
  [5, 'ipv6'],
  [4, 'us_routing_number'],
  [18, 'secret'],
];

const found = (type: string, text: string): Value => ({ topic: type, text, label: { type, text } });

/** Personal data of a type in one of its many forms, or a made-up secret. */
export function positive(random: Random, type = random.weighted(TYPES)): Value {
  switch (type) {
    case 'credit_card':
      return found(type, formatCard(random, cardDigits(random)));
    case 'ssn':
      return random.chance(0.05) ? byContext(type, 'ssn_bare', bareSsn(random)) : found(type, ssn(random));
    case 'iban':
      return found(type, formatIban(random, iban(random)));
    case 'email':
      return random.chance(0.03) ? repository(random) : found(type, email(random));
    case 'phone':
      if (random.chance(0.04)) return byContext(type, 'phone_bare', barePhone(random));
      if (random.chance(0.06)) return byContext(type, 'phone_bare', nationalPhone(random));
      return found(type, phone(random));
    case 'ipv4':
      return random.chance(0.1) ? login(random) : found(type, ipv4(random));
    case 'ipv6':
      return found(type, ipv6(random));
    case 'us_routing_number':
      return byContext(type, type, routingNumber(random));
    default:
      return secret(random);
  }
}

function byContext(type: string, topic: string, text: string): Value {
  return { topic, text, label: { type, text, by: 'context' }, isContextual: true };
}

/** What has the form of an address counts as one, be it the login at a host of repositories. */
function repository(random: Random): Value {
  const text = `git@${random.pick(['github.com', 'gitlab.com', 'bitbucket.org'])}`;
  const path = random.pick([':acme/site.git', ':team/api-server.git']);
  return { topic: 'id', text: text + path, label: { type: 'email', text } };
}

/** An address of a host, and none of a person. */
function login(random: Random): Value {
  const address = ipv4(random);
  const text = `${random.pick(['admin', 'root', 'ec2-user'])}@${address}`;
  return { topic: 'login', text, label: { type: 'ipv4', text: address } };
}

function secret(random: Random): Value {
  const type = random.pick(Object.keys(SECRETS));
  const text = random.pick(SECRETS[type] ?? [])(random);
  const label = { type, text };
  if (type === 'azure_key') return { topic: 'assignment', text: connectionString(text), label };
  if (type !== 'aws_key' || random.chance(0.7)) return { topic: 'secret', text, label };
  const [before, key] = awsSecret(random);
  return { topic: 'assignment', text: before + key, label: { type, text: key, by: 'context' } };
}

export interface SlotOptions {
  /** How likely a value is one that is to be found. */
  readonly share: number;
  /** Whether values may have several lines. */
  readonly lines?: boolean;
  /** Whether there will be words, or a name, before the value. */
  readonly context?: boolean;
}

/** The next value, noted in the draft. */
export function slot(draft: Draft, { share, lines = true, context = true }: SlotOptions): Value {
  const { random } = draft;
  for (;;) {
    const value = random.chance(share) ? positive(random) : decoy(random);
    if ((lines || !value.text.includes('\n')) && (context || !value.isContextual)) return draft.put(value);
  }
}
