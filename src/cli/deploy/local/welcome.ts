export interface WelcomeFacts {
  /** Base URL. */
  readonly inbound: string;
  /** Base URL; undefined where nobody but the agent can reach it. */
  readonly helpers?: string;
  /** Made up for this run, and shown because nobody could know it; undefined: callers have theirs. */
  readonly token: string | undefined;
  /** Where costs and the audit log are; undefined where that is inside a container. */
  readonly dataDir?: string | undefined;
}

/** What to try first, ready to be pasted. */
export function welcome({ inbound, helpers, token, dataDir }: WelcomeFacts): string {
  const bearer = token ?? '$AGENT_AUTH_TOKEN';
  const quote = token === undefined ? '"' : "'";
  const facts = [
    ['agent, through the sidecar', inbound],
    ["the agent's helpers", helpers === undefined ? undefined : `${helpers}/health`],
    ['costs and audit log', dataDir],
  ] as const;
  return `
Outrider rides beside the agent.

${facts.map(([what, where]) => (where === undefined ? '' : `  ${what.padEnd(28)} ${where}\n`)).join('')}
${token === undefined ? '' : 'No AGENT_AUTH_TOKEN is set, so one was made up for this run.\n\n'}Call the agent, with a path and a body of its own:

  curl -s ${inbound}/invoke -H ${quote}Authorization: Bearer ${bearer}${quote} -H 'Content-Type: application/json' -d '{"input":"hello"}'

Ctrl-C ends both.

`;
}

export function aloneText(url: string): string {
  return `
The agent runs alone, told by PORT to listen on ${url}. Ctrl-C ends it.

`;
}
