import { Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { watchTokenFile } from '../../config/token-file.ts';
import { TokenSet } from '../../layers/authenticate.ts';
import { startSidecar } from '../../sidecar.ts';

export function sidecarCommand(): Command {
  return new Command('sidecar').option('--config <file>').action(async (options: { config?: string }) => {
    const { config, warnings } = await loadConfig({ env: process.env, configPath: options.config });
    const log = {
      info: (msg: string, f = {}) => console.log(JSON.stringify({ level: 'info', msg, ...f })),
      warn: (msg: string, f = {}) => console.log(JSON.stringify({ level: 'warn', msg, ...f })),
    } as never as import('../../log.ts').Log;
    for (const w of warnings) log.warn(w);
    let tokens: TokenSet | undefined;
    if (config.authToken) tokens = new TokenSet([{ name: 'default', token: config.authToken.reveal() }]);
    if (config.authTokensFile)
      await watchTokenFile(
        config.authTokensFile,
        (list) => {
          tokens = new TokenSet(list);
        },
        (m) => log.warn(m),
      );
    const sidecar = await startSidecar({ config, tokens: () => tokens, log });
    await new Promise((r) => process.once('SIGTERM', r));
    await sidecar.drain();
    await sidecar.close();
    process.exit(0);
  });
}
