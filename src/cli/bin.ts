import { main } from './main.ts';

// Not left to an empty event loop: what hangs at the end must not hang a rollout.
process.exit(await main(process.argv.slice(2)));
