import type { Variable } from './variable.ts';

/** What only a host reads of its environment; the rest it has in common with a sidecar. */
export const HOST_ONLY = [
  { name: 'OUTRIDER_HOST_ADDR', key: 'addr', form: 'text', description: 'Where HTTP and gRPC are served' },
  {
    name: 'OUTRIDER_HOST_KEYS_FILE',
    form: 'text',
    key: 'auth.keys_file',
    description: 'File of API keys, one a line with its roles; re-read when it changes',
  },
  {
    name: 'OUTRIDER_HOST_CONFIG',
    form: 'text',
    description: "The host's configuration file; `--config` wins over it",
  },
] as const satisfies readonly Variable[];
