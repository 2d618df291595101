"""
Draw the demonstration products: one small SVG for each, by category and colour.

    python bench/rag/demo_pictures.py rag/data/demo
"""

import json
import sys
from pathlib import Path

COLOURS = {
    "grey": "#9aa0a6", "brown": "#8a5a3b", "cream": "#efe6d4", "beige": "#d8c3a5",
    "navy": "#2b3a67", "green": "#3f7d5a", "charcoal": "#4a4e54", "yellow": "#d9a62e",
    "black": "#2d2d30", "natural": "#cfa876", "white": "#f4f4f1", "terracotta": "#c4683f",
    "walnut": "#6b4630", "red": "#b13a3a", "orange": "#d9772b", "gold": "#c9a227",
    "blue": "#4472a8", "transparent": "#cfe3ea",
}  # fmt: skip
LEG, EDGE = "#5b4636", "#00000033"


def rect(  # noqa: PLR0917 - SVG's own order
    x: float, y: float, w: float, h: float, fill: str, radius: float = 4
) -> str:
    """Return a rounded rectangle."""
    return (
        f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{radius}" fill="{fill}" '
        f'stroke="{EDGE}"/>'
    )


def circle(x: float, y: float, radius: float, fill: str) -> str:
    """Return a disc."""
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" stroke="{EDGE}"/>'


def legs(left: float, right: float, top: float, bottom: float) -> str:
    """Return two legs."""
    return "".join(rect(x, top, 6, bottom - top, LEG, 2) for x in (left, right - 6))


def seat(c: str) -> str:
    """Return a sofa or armchair."""
    arms = rect(30, 88, 22, 52, c, 9) + rect(188, 88, 22, 52, c, 9)
    cushions = rect(52, 102, 68, 26, c, 8) + rect(120, 102, 68, 26, c, 8)
    return (
        legs(46, 194, 138, 156)
        + rect(40, 62, 160, 60, c, 14)
        + cushions
        + arms
        + rect(48, 124, 144, 16, c, 4)
    )


def chair(c: str) -> str:
    """Return a chair."""
    return legs(86, 154, 108, 160) + rect(84, 44, 72, 52, c, 10) + rect(80, 98, 80, 16, c, 6)


def table(c: str) -> str:
    """Return a table or desk."""
    return legs(46, 194, 82, 156) + rect(34, 72, 172, 14, c, 4)


def bed(c: str) -> str:
    """Return a bed."""
    pillow = rect(58, 88, 44, 16, "#ffffff", 7)
    return (
        legs(40, 200, 140, 156)
        + rect(34, 56, 20, 88, LEG, 5)
        + rect(40, 104, 164, 38, c, 7)
        + pillow
    )


def cabinet(c: str) -> str:
    """Return storage: a body with doors or drawers."""
    fronts = "".join(rect(62, 46 + i * 34, 116, 28, c, 3) for i in range(3))
    knobs = "".join(circle(120, 60 + i * 34, 3, LEG) for i in range(3))
    return legs(66, 174, 150, 162) + rect(54, 38, 132, 114, c, 5) + fronts + knobs


def lamp(c: str) -> str:
    """Return a lamp."""
    glow = circle(120, 62, 44, "#ffe9a855")
    shade = f'<path d="M94 44h52l16 42H78z" fill="{c}" stroke="{EDGE}"/>'
    return glow + rect(117, 84, 6, 66, LEG, 2) + rect(96, 148, 48, 8, LEG, 4) + shade


def flat(c: str) -> str:
    """Return something flat: a rug, a curtain, bedding."""
    lines = "".join(rect(44, 58 + i * 22, 152, 8, "#ffffff55", 2) for i in range(4))
    return rect(36, 46, 168, 100, c, 6) + lines


def disc(c: str) -> str:
    """Return a mirror or clock."""
    return circle(120, 96, 56, LEG) + circle(120, 96, 49, c if c != "#2d2d30" else "#dfe8ec")


def vessel(c: str) -> str:
    """Return a vase, pot, candle or other small thing."""
    body = f'<path d="M98 70h44q26 40 0 84H98q-26-44 0-84z" fill="{c}" stroke="{EDGE}"/>'
    return rect(104, 56, 32, 18, c, 4) + body


SHAPES = {
    "sofa": seat, "sofa bed": seat, "armchair": seat, "recliner": seat, "bean bag": vessel,
    "outdoor furniture": seat, "pet bed": flat, "chair": chair, "stool": table,
    "ottoman": table,
    "bench": table, "table": table, "desk": table, "vanity": table, "bed": bed, "crib": bed,
    "lounger": bed, "mattress": bed, "topper": bed, "lamp": lamp, "light": lamp,
    "chandelier": lamp, "parasol": lamp, "rug": flat, "mat": flat, "curtain": flat,
    "blind": flat, "duvet": flat, "bedding": flat, "pillow": flat, "blanket": flat,
    "cushion": flat, "painting": flat, "divider": flat, "mirror": disc, "clock": disc,
    "vase": vessel, "pot": vessel, "plant": vessel, "candle": vessel, "diffuser": vessel,
}  # fmt: skip


def picture(category: str, colour: str) -> str:
    """Return the SVG of a product."""
    words = [category, category.rsplit(maxsplit=1)[-1]]
    shape = next((SHAPES[word] for word in words if word in SHAPES), cabinet)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 180" role="img">'
        f'<title>{category}</title><rect width="240" height="180" fill="#eef0ee"/>'
        f'<ellipse cx="120" cy="160" rx="92" ry="9" fill="#0000001a"/>'
        f"{shape(COLOURS.get(colour, '#b8b0a4'))}</svg>\n"
    )


def main(folder: Path) -> None:
    """Draw every product of the catalogue in *folder*."""
    pictures = folder / "images"
    pictures.mkdir(exist_ok=True)
    for line in (folder / "products.jsonl").read_text("utf-8").splitlines():
        product = json.loads(line)
        drawn = picture(product["category"], product["attributes"]["colour"])
        (pictures / f"{product['id']}.svg").write_text(drawn, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
