/** The sidecar's, where nobody names another. `version`: of Outrider. */
export function defaultImage(version: string): string {
  return `outrider/outrider:${version}`;
}

/** What is wrong with how an image is pinned: what runs tomorrow is not what runs today. Undefined: nothing. */
export function unpinned(image: string): string | undefined {
  if (image.includes('@')) return undefined;
  // A colon before the last slash is that of a registry's port.
  const tag = /:([^/]*)$/.exec(image)?.[1];
  if (tag === undefined) return 'the image is not pinned: give it a tag, or a digest';
  return tag === 'latest' ? 'the image is not pinned: `latest` is another one every time' : undefined;
}
