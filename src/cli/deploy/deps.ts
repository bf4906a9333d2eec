import type { Environment } from '../../environment.ts';
import { VERSION } from '../version.ts';

/** What `inject`, `eject` and `deploy` need of the world. */
export interface DeployDeps {
  readonly env: Environment;
  readonly cwd: string;
  /** Of Outrider: the default image's tag. */
  readonly version: string;
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** With which code the process ends; 0 when it is not called. */
  readonly setExitCode: (code: number) => void;
}

export function ofThisProcess(): DeployDeps {
  return {
    env: process.env,
    cwd: process.cwd(),
    version: VERSION,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}
