import { main } from './main.ts';

// A reader that has seen enough (`| head`) is no fault, and does not change what a command has found out.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? (process.exitCode ?? 0) : 1),
);

const code = await main(process.argv.slice(2));
// Not left to an empty event loop: what hangs at the end must not hang a rollout. But a pipe takes no more than its reader
// does, and what it has not taken yet would be lost.
if (process.stdout.writableLength > 0) process.stdout.write('', () => process.exit(code));
else process.exit(code);
