/** What is known of an image from its name. */
export interface Base {
  /** Why the executable cannot run there. */
  readonly fault?: string;
  /** Undefined: unknown. */
  readonly entrypoint?: readonly string[];
  /** `UID:GID`, or `root`. */
  readonly user?: string;
  /** Where the loader looks for libraries without being told. */
  readonly libraries: '/usr/lib/' | '/usr/lib64/';
}

/** Official images, and what `docker image inspect` says of their entrypoint. */
const ENTRYPOINTS: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /^(python|ruby|golang|rust|debian|ubuntu|perl|elixir|erlang|buildpack-deps|amazonlinux|fedora|almalinux|rockylinux)$/,
    [],
  ],
  [/^node$/, ['docker-entrypoint.sh']],
  [/^gcr\.io\/distroless\/cc(-debian\d+)?$/, []],
  // The version of Python is that of the release; a name without one has had several.
  [/^gcr\.io\/distroless\/python3-debian12$/, ['/usr/bin/python3.11']],
  [/^gcr\.io\/distroless\/python3-debian13$/, ['/usr/bin/python3.13']],
];

/** Images whose user is not root, by name and tag. */
const USERS: readonly (readonly [RegExp, string])[] = [
  [/:[^:]*nonroot/, '65532:65532'],
  [/^cgr\.dev\//, '65532:65532'],
  [/^mcr\.microsoft\.com\/dotnet\/.*:.*(chiseled|distroless)/, '1654:1654'],
  [/^bitnami(legacy|secure)?\//, '1001:0'],
  [/^registry\.(access\.)?redhat\.(com|io)\/ubi\d+\/(python|nodejs)-/, '1001:0'],
];

export function knownBase(image: string): Base {
  const lower = image.toLowerCase();
  const [name, tag] = split(lower);
  const libraries = /amazonlinux|fedora|almalinux|rockylinux|centos|\bubi\d|redhat|public\.ecr\.aws\/lambda/.test(name)
    ? '/usr/lib64/'
    : '/usr/lib/';
  const entrypoint = ENTRYPOINTS.find(([pattern]) => pattern.test(name))?.[1];
  const user = USERS.find(([pattern]) => pattern.test(`${name}:${tag}`))?.[1] ?? (entrypoint && 'root');
  const why = unfit(name, tag);
  return {
    libraries,
    ...(why !== undefined && { fault: why }),
    ...(entrypoint !== undefined && { entrypoint }),
    ...(user !== undefined && { user }),
  };
}

function unfit(name: string, tag: string): string | undefined {
  const needs = 'outrider needs glibc, libstdc++ and a loader for them';
  if (name === 'scratch') return `${needs}, and scratch has nothing: use a base such as gcr.io/distroless/cc-debian13`;
  if (/alpine|musl/.test(tag) || /(^|[/-])(alpine|musl)/.test(name) || /^busybox$/.test(name)) {
    return `${needs}, and ${name}${tag === '' ? '' : `:${tag}`} has musl or none: use a base with glibc, such as one of the -slim tags`;
  }
  if (/distroless\/(static|base)(-|$)/.test(name))
    return `${needs}, and ${name} lacks some: use gcr.io/distroless/cc-debian13`;
  if (/(^|\/)windows(\/|$)|\/(nanoserver|servercore)/.test(name))
    return 'outrider is a program for Linux, and this base is Windows';
  return undefined;
}

/** Name and tag; `docker.io/library/` is what names without a registry mean. */
function split(image: string): [string, string] {
  const [withTag = ''] = image.split('@');
  const [, name = '', tag = ''] = /^(.*?)(?::([^/:]+))?$/.exec(withTag) ?? [];
  return [name.replace(/^(docker\.io\/)?library\/|^docker\.io\//, ''), tag];
}
