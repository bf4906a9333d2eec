import { imageRepository } from './found-sidecar.ts';
import type { Json } from './json.ts';

/** The sidecar's, where nobody names another. `version`: of Outrider. */
export function defaultImage(version: string): string {
  return `outrider/outrider:${version}`;
}

/** What is wrong with how an image is pinned: what runs tomorrow is not what runs today. Undefined: nothing. */
export function unpinned(image: string): string | undefined {
  if (image.includes('@')) return undefined;
  // A colon before the last slash is that of a registry's port.
  const colon = image.lastIndexOf(':');
  if (colon < image.lastIndexOf('/') || colon === -1) return 'the image is not pinned: give it a tag, or a digest';
  return image.slice(colon + 1) === 'latest'
    ? 'the image is not pinned: `latest` is another one every time'
    : undefined;
}

/** True where what pulls the one image can pull the other: of Docker's own registry, which has no name, the first part is the owner. */
export function isSameRegistry(image: string, other: Json | undefined): boolean {
  const registry = (name: string) => imageRepository(name).split('/')[0];
  return typeof other === 'string' && registry(other) === registry(image);
}
