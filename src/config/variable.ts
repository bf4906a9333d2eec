/**
 * How the text of a variable is read. `address`: text, with `$PORT` as its port where the platform is to
 * choose it. `pairs`: `NAME=VALUE,NAME=VALUE`, percent-encoded (OTLP exporter specification).
 */
export type Form = 'text' | 'address' | 'flag' | 'json' | 'pairs' | 'switch';

export interface Variable {
  readonly name: string;
  /** The name that AgentBreeder gives it. */
  readonly alias?: string;
  /** The key of the configuration file that it stands over. */
  readonly key?: string;
  readonly form: Form;
  readonly description: string;
  readonly secret?: true;
}
