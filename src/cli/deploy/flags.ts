import { type Command, InvalidArgumentError, Option } from 'commander';
import { nearest } from '../../config/suggest.ts';
import { addressFault } from '../../deploy/address-fault.ts';
import { unpinned } from '../../deploy/image.ts';
import type { PlanOptions } from '../../deploy/make-plan.ts';
import { DEPLOY_TARGETS, type DeployTarget } from '../../deploy/targets.ts';
import type { DeployDeps } from './deps.ts';
import { Failure } from './failure.ts';

/** What `inject` and `deploy` have in common, as commander gives it. */
export interface PlanFlags {
  readonly image?: string;
  readonly agentPort?: number;
  readonly inboundPort?: number;
  readonly workload?: string;
  readonly container?: string;
  readonly secretStore?: string;
  readonly otelEndpoint?: string;
  readonly ledgerUrl?: string;
  readonly drainTimeout?: number;
  readonly networkPolicy?: boolean;
}

export function withPlanFlags(command: Command): Command {
  return command
    .addOption(new Option('--image <image>', "the sidecar's image").argParser(image))
    .addOption(new Option('--agent-port <port>', 'where the agent listens, on loopback; default: 8081').argParser(port))
    .addOption(new Option('--inbound-port <port>', 'where the sidecar listens; default: 8080').argParser(port))
    .option('--workload <name>', 'the workload that is the agent, where there are several')
    .option('--container <name>', "the agent's container, where there are several")
    .option('--secret-store <ref>', 'where the platform keeps the secrets: a Secret, an ARN, the URL of a vault')
    .addOption(new Option('--otel-endpoint <url>', 'where traces go').argParser(httpUrl(command, '--otel-endpoint')))
    .addOption(
      new Option('--ledger-url <url>', 'where costs and audit rows go').argParser(httpUrl(command, '--ledger-url')),
    )
    .addOption(new Option('--drain-timeout <s>', 'seconds for calls in flight at the end').argParser(seconds))
    .option('--network-policy', 'kubernetes: add a NetworkPolicy that lets callers reach the sidecar only');
}

export function planOptions(flags: PlanFlags, version: string): PlanOptions {
  const { image, agentPort, inboundPort, workload, container, secretStore, otelEndpoint, ledgerUrl } = flags;
  return {
    version,
    ...(image !== undefined && { image }),
    ...(agentPort !== undefined && { agentPort }),
    ...(inboundPort !== undefined && { inboundPort }),
    ...(workload !== undefined && { workload }),
    ...(container !== undefined && { container }),
    ...(secretStore !== undefined && { secretStore }),
    ...(otelEndpoint !== undefined && { otelEndpoint }),
    ...(ledgerUrl !== undefined && { ledgerUrl }),
    ...(flags.drainTimeout !== undefined && { drainSeconds: flags.drainTimeout }),
    ...(flags.networkPolicy !== undefined && { networkPolicy: flags.networkPolicy }),
  };
}

/** What flags alone can have wrong, or should be said of them. Throws `Failure`. */
export function checkPlanFlags(flags: PlanFlags, target: DeployTarget, deps: DeployDeps): void {
  const { image, networkPolicy, secretStore } = flags;
  if (networkPolicy === true && target !== 'kubernetes') {
    throw new Failure(`--network-policy is of Kubernetes; ${target} has none`);
  }
  if (secretStore !== undefined && target === 'compose') {
    throw new Failure('--secret-store is of platforms that keep secrets; compose takes them from its environment');
  }
  const fault = image === undefined ? undefined : unpinned(image);
  if (fault !== undefined) deps.stderr.write(`--image: note: ${fault}\n`);
}

export function targetOption(): Option {
  return new Option('--target <target>', `one of ${DEPLOY_TARGETS.join(', ')}`).makeOptionMandatory().argParser(target);
}

function target(text: string): string {
  const name = DEPLOY_TARGETS.find((candidate) => candidate === text.toLowerCase());
  if (name !== undefined) return name;
  const meant = ALIASES[text.toLowerCase()] ?? nearest(text, DEPLOY_TARGETS);
  throw new InvalidArgumentError(
    `There is no such target; ${meant === undefined ? `there are ${DEPLOY_TARGETS.join(', ')}` : `did you mean ${meant}?`}`,
  );
}

/** What these platforms are called as well. */
const ALIASES: Readonly<Record<string, string>> = {
  'docker-compose': 'compose',
  docker: 'compose',
  k8s: 'kubernetes',
  'cloud-run': 'cloudrun',
  gcp: 'cloudrun',
  knative: 'kubernetes',
  fargate: 'ecs',
  aws: 'ecs',
  azure: 'aca',
  'container-apps': 'aca',
  containerapps: 'aca',
};

export function port(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 65_535) throw new InvalidArgumentError('Expected a port: 1 to 65535.');
  return number;
}

const LONGEST_DRAIN_S = 3600;

export function seconds(text: string): number {
  const number = /^\d{1,4}s?$/.test(text) ? Number.parseInt(text, 10) : 0;
  if (number < 1 || number > LONGEST_DRAIN_S) throw new InvalidArgumentError('Expected seconds: 1 to 3600.');
  return number;
}

/** The parser of an option that is an address. What is wrong with it is said without it: a password may stand in it. */
export function httpUrl(command: Command, option: string): (text: string) => string {
  return (text) => {
    const fault = /^https?:\/\//i.test(text)
      ? addressFault(text, 'give it to the sidecar as a secret')
      : 'expected an http:// or https:// URL';
    if (fault !== undefined) command.error(`error: option ${option}: ${fault}`, { code: 'outrider.address' });
    return text;
  };
}

/** `[registry/]name[:tag][@digest]`; more is the platform's to judge. */
export function image(text: string): string {
  if (/^[\w][\w.:/@-]{0,400}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected an image: [REGISTRY/]NAME[:TAG][@DIGEST].');
}
