import type { Log } from '../log.ts';

/** Where errors come up that nobody caught: `process`, or an emitter in tests. */
export interface StraySource {
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (thrown: unknown) => void): unknown;
}

export interface StrayOptions {
  readonly log: Pick<Log, 'error'>;
  /** Asks for an orderly end. Called once. */
  readonly stop: () => void;
}

export interface StrayErrors {
  /** Whether an exception has asked for the end. */
  hasStopped(): boolean;
}

/**
 * For a process that runs code of others, from now on. A promise that was rejected and that nobody waits for concerns its owner
 * alone: it is logged. After an exception that nobody caught nobody knows what was left half done: it is logged, and the process
 * ends, but in order, so that everybody who waits is told.
 */
export function strayErrors(source: StraySource, { log, stop }: StrayOptions): StrayErrors {
  let stopped = false;
  source.on('unhandledRejection', (error) => {
    log.error('a promise was rejected, and nobody waited for it', { error });
  });
  source.on('uncaughtException', (error) => {
    log.error('an exception was not caught: the process ends', { error });
    if (!stopped) stop();
    stopped = true;
  });
  return { hasStopped: () => stopped };
}
