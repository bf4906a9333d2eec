import { isObject, isSidecar } from '../containers.ts';
import type { Json, Path } from '../json.ts';
import type { Place } from '../target.ts';

/** The first container, service or task of a file that is a sidecar, whoever put it there. */
export function findSidecar(documents: readonly Json[]): Place | undefined {
  for (const [document, data] of documents.entries()) {
    const path = sidecarPath(data, []);
    if (path !== undefined) return { document, path };
  }
  return undefined;
}

function sidecarPath(data: Json, path: Path): Path | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  if (isObject(data) && isSidecar(data['name'] ?? path.at(-1), imageOf(data)) && imageOf(data) !== undefined)
    return path;
  const entries = Array.isArray(data) ? data.map((item: Json, index) => [index, item] as const) : Object.entries(data);
  for (const [step, value] of entries) {
    const found = sidecarPath(value, [...path, step]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Nomad has it in the task's `config`. */
function imageOf(data: Readonly<Record<string, Json>>): Json | undefined {
  const { image, Image, config, Config } = data;
  return (
    image ??
    Image ??
    (isObject(config) ? config['image'] : undefined) ??
    (isObject(Config) ? Config['image'] : undefined)
  );
}
