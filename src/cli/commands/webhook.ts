import { isDeepStrictEqual } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readTlsIdentity, type TlsFiles } from '../../config/tls-files.ts';
import { watchFile } from '../../config/watch-file.ts';
import { makePlan } from '../../deploy/make-plan.ts';
import { PLATFORM_ANNOTATIONS } from '../../deploy/pod-settings.ts';
import type { Log } from '../../log.ts';
import { createLog } from '../../telemetry/log.ts';
import { startWebhook, type Webhook, type WebhookOptions } from '../../webhook.ts';
import { httpUrl, image, type PlanFlags, planOptions, seconds } from '../deploy/flags.ts';
import { VERSION } from '../version.ts';

interface WebhookFlags extends Pick<PlanFlags, 'image' | 'otelEndpoint' | 'ledgerUrl' | 'drainTimeout'> {
  readonly addr: string;
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly clientCa?: string;
  readonly allowAnnotations?: ReadonlySet<string>;
}

/** `outrider webhook`: the mutating admission webhook that puts the sidecar into pods of Kubernetes as they are made. */
export function webhookCommand(): Command {
  const command = new Command('webhook');
  return command
    .requiredOption('--tls-cert <file>', 'certificate with its chain (PEM); read again when it changes')
    .requiredOption('--tls-key <file>', 'its private key (PEM)')
    .option('--client-ca <file>', 'callers need a certificate that one of these has signed (PEM)')
    .option('--addr <host:port>', 'where to listen', ':8443')
    .addOption(new Option('--image <image>', "the sidecar's image").argParser(image))
    .addOption(
      new Option('--otel-endpoint <url>', 'where traces of sidecars go').argParser(httpUrl(command, '--otel-endpoint')),
    )
    .addOption(
      new Option('--ledger-url <url>', 'where their costs and audit rows go').argParser(
        httpUrl(command, '--ledger-url'),
      ),
    )
    .addOption(new Option('--drain-timeout <s>', 'seconds for calls in flight at the end of a pod').argParser(seconds))
    .addOption(
      new Option(
        '--allow-annotations <names>',
        `what pods may say of their own sidecar all the same, of ${PLATFORM_ANNOTATIONS.join(', ')}; with commas`,
      ).argParser(annotationNames),
    )
    .addHelpText(
      'after',
      '\nPods ask for a sidecar by the label outrider.dev/inject: "true". See docs/deploy/kubernetes-webhook.md.',
    )
    .action(async (flags: WebhookFlags) => {
      const log = createLog({ level: 'info', format: 'auto', stream: process.stderr });
      const stopped = new Promise<void>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
      });
      const files = { cert: flags.tlsCert, key: flags.tlsKey, clientCa: flags.clientCa };
      const plan = makePlan(undefined, planOptions(flags, VERSION));
      const tls = await readTlsIdentity(files);
      const webhook = await startWebhook({
        address: flags.addr,
        tls,
        plan,
        allowAnnotations: flags.allowAnnotations ?? new Set(),
        log,
      });
      log.info('the webhook listens', { port: webhook.port, image: plan.image });
      const renew = renewal(webhook, files, tls, log);
      const watches = [files.cert, files.key, ...(files.clientCa === undefined ? [] : [files.clientCa])].map((path) =>
        watchFile(path, renew),
      );
      await stopped;
      for (const watch of watches) watch.close();
      await webhook.close();
    });
}

function annotationNames(text: string): ReadonlySet<string> {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !PLATFORM_ANNOTATIONS.some((known) => known === name));
  if (unknown === undefined) return new Set(names);
  throw new InvalidArgumentError(`Expected names of ${PLATFORM_ANNOTATIONS.join(', ')}, with commas between them.`);
}

/** A certificate that cannot be used, such as one whose key has not been replaced yet, leaves the old one in force. */
function renewal(webhook: Webhook, files: TlsFiles, first: WebhookOptions['tls'], log: Log): () => Promise<void> {
  let inForce = first;
  return async () => {
    try {
      const read = await readTlsIdentity(files);
      if (isDeepStrictEqual(read, inForce)) return;
      webhook.renew(read);
      inForce = read;
      log.info('the certificate was read', { file: files.cert });
    } catch (error) {
      log.error('the certificate cannot be used; the one in force stays', { error });
    }
  };
}
