import { svg } from "./dom";

/** Strokes on a 24 by 24 grid. */
const PATHS = {
  play: "M8 5.5v13l11-6.5z",
  fullscreen:
    "M4 9V5.5A1.5 1.5 0 0 1 5.5 4H9M15 4h3.5A1.5 1.5 0 0 1 20 5.5V9M20 15v3.5a1.5 1.5 0 0 1-1.5 1.5H15M9 20H5.5A1.5 1.5 0 0 1 4 18.5V15",
  fullscreenLeave:
    "M9 4v3.5A1.5 1.5 0 0 1 7.5 9H4M20 9h-3.5A1.5 1.5 0 0 1 15 7.5V4M15 20v-3.5a1.5 1.5 0 0 1 1.5-1.5H20M4 15h3.5A1.5 1.5 0 0 1 9 16.5V20",
  sound: "M4 9.5v5h3.2L12 19V5L7.2 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11",
  muted: "M4 9.5v5h3.2L12 19V5L7.2 9.5zM16 9.5l5 5M21 9.5l-5 5",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4",
  chevron: "M8 14l4-4 4 4",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  chat: "M5 5h14a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 19 16h-7l-4.5 4v-4H5a1.5 1.5 0 0 1-1.5-1.5v-8A1.5 1.5 0 0 1 5 5z",
  panel:
    "M5 5h14a1.5 1.5 0 0 1 1.5 1.5v11A1.5 1.5 0 0 1 19 19H5a1.5 1.5 0 0 1-1.5-1.5v-11A1.5 1.5 0 0 1 5 5zM15 5v14",
  screen:
    "M5 5h14a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 19 16H5a1.5 1.5 0 0 1-1.5-1.5v-8A1.5 1.5 0 0 1 5 5zM9 20h6",
  send: "M5 12h13M12.5 6l6 6-6 6",
  stop: "M8 8h8v8H8z",
  people:
    "M9 11.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM3.2 19c.4-3.2 2.8-4.9 5.8-4.9s5.4 1.7 5.8 4.9M16 5.4a3 3 0 0 1 0 5.8M17.2 14.4c2.2.5 3.4 2.1 3.7 4.6",
  copy: "M9 9h9.5v10.5H9zM6 15H5V4.5h9.5V6",
  share: "M12 14V4M8.2 7.5L12 4l3.8 3.5M6 11.5v8h12v-8",
  cube: "M12 3.8l7 4v8.4l-7 4-7-4V7.8zM5.2 7.9L12 12l6.8-4.1M12 12v8",
  link: "M9 6H6.5A1.5 1.5 0 0 0 5 7.5v10A1.5 1.5 0 0 0 6.5 19h10a1.5 1.5 0 0 0 1.5-1.5V15M13 5h6v6M19 5l-8.5 8.5",
  thumbUp:
    "M8 11l3.6-6.6a1.9 1.9 0 0 1 2 2.3L13 10h4.7a1.6 1.6 0 0 1 1.6 2l-1.5 6a1.6 1.6 0 0 1-1.6 1.2H8zM8 11H5v8.2h3",
  thumbDown:
    "M16 13l-3.6 6.6a1.9 1.9 0 0 1-2-2.3L11 14H6.3a1.6 1.6 0 0 1-1.6-2l1.5-6a1.6 1.6 0 0 1 1.6-1.2H16zM16 13h3V4.8h-3",
  wave: "M4 12h2.5l2.5-6 4.5 12 2.5-6H20",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon that takes the colour of the text around it. */
export function icon(name: IconName): SVGElement {
  const path = svg("path", { d: PATHS[name] });
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, path);
}

/** Three bars that `data-grade` on an ancestor lights. */
export function bars(): SVGElement {
  const bar = (x: number, height: number): SVGElement =>
    svg("rect", {
      class: "bar",
      x: String(x),
      y: String(19 - height),
      width: "3.6",
      height: String(height),
      rx: "1.2",
    });
  const attributes = { class: "bars", viewBox: "0 0 24 24", "aria-hidden": "true" };
  return svg("svg", attributes, bar(4, 5), bar(10.2, 9.5), bar(16.4, 14));
}
