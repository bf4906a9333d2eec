import { isObject, type Json, listOf } from '../json.ts';
import { SIDECAR_NAME } from '../plan.ts';
import type { Note } from '../target.ts';
import { dependenciesOf } from './depends-on.ts';
import { textOf } from './variables.ts';

/** Services of a file without the sidecar that name it still: those that somebody added beside it. Compose refuses the file. */
export function leftBehind(documents: readonly Json[]): Note[] {
  return documents.flatMap((root, document) => {
    const services = isObject(root) ? root['services'] : undefined;
    if (!isObject(services) || services[SIDECAR_NAME] !== undefined) return [];
    return Object.entries(services).flatMap(([name, service]) =>
      namesSidecar(service).map((key) => ({
        document,
        path: ['services', name, key],
        message: `${name} names the service ${SIDECAR_NAME}, which is gone: name the agent here`,
      })),
    );
  });
}

function namesSidecar(service: Json): string[] {
  if (!isObject(service)) return [];
  const { depends_on: dependsOn, links, network_mode: mode } = service;
  return [
    ...(dependenciesOf(dependsOn)[SIDECAR_NAME] === undefined ? [] : ['depends_on']),
    ...(listOf(links).some((link) => textOf(link).split(':')[0] === SIDECAR_NAME) ? ['links'] : []),
    ...(mode === `service:${SIDECAR_NAME}` ? ['network_mode'] : []),
  ];
}
