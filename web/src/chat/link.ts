const WEB = ["http:", "https:"];

/** `url` when a page may follow it or show it: no script in an address from a catalogue. */
export function safeUrl(url: string, base: string): string | undefined {
  try {
    const { protocol, href } = new URL(url, base);
    return url !== "" && WEB.includes(protocol) ? href : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Where a picture of the catalogue may be. A path from the root (`/demo/images/a.svg`) is the
 * site's own, which may be served below a path of the host; then the host's.
 */
export function pictureUrls(path: string, base: string): readonly string[] {
  const isOfSite = /^\/(?![/\\])/.test(path);
  const places = isOfSite ? [path.slice(1), path] : [path];
  const urls = places.map((each) => safeUrl(each, base)).filter((url) => url !== undefined);
  return [...new Set(urls)];
}
