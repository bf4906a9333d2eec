/** Names of ports that an agent has beside the one of its callers. */
const BESIDE_HTTP = /(?<![a-z])(?:metrics?|prometheus|healthz?|admin|debug|grpc)(?![a-z])/i;

/** True of the name of a port that hardly is where callers of the agent come in. */
export function isNamedBesideHttp(name: string): boolean {
  return BESIDE_HTTP.test(name);
}
