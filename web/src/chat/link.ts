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
