import { isObject, type Json, type JsonObject, type Path } from './json.ts';
import { SIDECAR_NAME } from './plan.ts';
import { ManifestError, MOST_FAULTS, type Place } from './target.ts';

/**
 * An image's name without tag and digest; what a variable stands for in it is left out. An admission webhook asks this of texts that
 * nobody has looked at yet, and of any length: no regular expression that begins anew at each character.
 */
export function imageRepository(image: string): string {
  const [name = ''] = withoutVariables(image).split('@', 1);
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

/** Without each `${…}`. */
function withoutVariables(text: string): string {
  let kept = '';
  let at = 0;
  for (;;) {
    const start = text.indexOf('${', at);
    const end = start === -1 ? -1 : text.indexOf('}', start);
    if (end === -1) return kept + text.slice(at);
    kept += text.slice(at, start);
    at = end + 1;
  }
}

const KNOWN = /(^|\/)(outrider\/outrider|[^/]*agentbreeder-sidecar)$/;

/** True for a sidecar, ours or AgentBreeder's, whoever put it there. What has its name and is none is refused by `refuseImpostors`. */
export function isSidecar(name: Json | undefined, image: Json | undefined): boolean {
  return typeof image === 'string' && (name === SIDECAR_NAME || KNOWN.test(imageRepository(image)));
}

/** What whoever deploys is told when a sidecar that was there already gets another image. */
export function upgradeMessage(name: string, image: string): string {
  return `the sidecar that is there already (${name}) was brought to ${image}; nothing else was changed, and whether callers can go around it was not looked at`;
}

interface Found extends Place {
  readonly name: Json | undefined;
  readonly image: Json | undefined;
}

/** The sidecars of a file, whoever put them there. */
export function findSidecars(documents: readonly Json[]): Place[] {
  return programsIn(documents).filter(({ name, image }) => isSidecar(name, image));
}

/** Throws `ManifestError` for what has the sidecar's name and is none: it would be taken for one, and the agent would stay unguarded. */
export function refuseImpostors(documents: readonly Json[], ours: string): void {
  const faults = programsIn(documents)
    .filter(({ name }) => name === SIDECAR_NAME)
    .filter(({ image }) => typeof image !== 'string' || !isKnown(imageRepository(image), ours))
    .map(({ document, path }) => ({
      document,
      path,
      message: `what is named ${SIDECAR_NAME} here is no sidecar by its image: rename it, or, if it is one, say its image with --image`,
    }));
  if (faults.length > 0) throw new ManifestError(faults.slice(0, MOST_FAULTS));
}

function isKnown(repository: string, ours: string): boolean {
  return KNOWN.test(repository) || repository === imageRepository(ours);
}

/** Lists and mappings whose members run: containers, services, tasks. */
const RUNS: ReadonlySet<string | number | undefined> = new Set([
  'containers',
  'initContainers',
  'containerDefinitions',
  'services',
  'Tasks',
]);

function programsIn(documents: readonly Json[]): Found[] {
  const found: Found[] = [];
  const walk = (data: Json, document: number, path: Path): void => {
    if (typeof data !== 'object' || data === null) return;
    if (Array.isArray(data)) return data.forEach((item: Json, index) => walk(item, document, [...path, index]));
    if (!isObject(data)) return;
    const image = imageOf(data);
    if (image !== undefined || RUNS.has(path.at(-2))) {
      found.push({ document, path, name: data['name'] ?? data['Name'] ?? path.at(-1), image });
    }
    for (const [key, value] of Object.entries(data)) walk(value, document, [...path, key]);
  };
  for (const [document, data] of documents.entries()) walk(data, document, []);
  return found;
}

/** Where the image of a program stands in it; Nomad has it in the task's `Config`. */
export function imagePath(data: JsonObject): Path {
  if (typeof data['image'] === 'string') return ['image'];
  const key = isObject(data['config']) ? 'config' : 'Config';
  return [key, 'image'];
}

function imageOf(data: JsonObject): Json | undefined {
  const { image, config, Config } = data;
  const inner = isObject(config) ? config : Config;
  return image ?? (isObject(inner) ? inner['image'] : undefined);
}
