"""
Any number of made-up furniture products, the same ones every time.

    python bench/rag/synthetic.py 100000 > products.jsonl
"""

import json
import random
import sys
from collections.abc import Iterator

THINGS = [
    ("sofa", "소파", "sofa"), ("recliner", "리클라이너", "recliner"),
    ("dining table", "식탁", "dining table"), ("coffee table", "커피 테이블", "coffee table"),
    ("desk", "책상", "desk"), ("office chair", "사무용 의자", "office chair"),
    ("armchair", "암체어", "armchair"), ("bed frame", "침대 프레임", "bed"),
    ("mattress", "매트리스", "mattress"), ("wardrobe", "옷장", "wardrobe"),
    ("bookcase", "책장", "bookcase"), ("dresser", "서랍장", "dresser"),
    ("tv stand", "거실장", "tv stand"), ("floor lamp", "플로어 램프", "floor lamp"),
    ("pendant light", "펜던트 조명", "pendant light"), ("rug", "러그", "rug"),
    ("curtain", "커튼", "curtain"), ("mirror", "거울", "mirror"),
    ("vase", "화병", "vase"), ("cushion", "쿠션", "cushion"), ("stool", "스툴", "stool"),
    ("shoe cabinet", "신발장", "shoe cabinet"), ("wall shelf", "벽선반", "wall shelf"),
    ("bunk bed", "이층침대", "bed"), ("nightstand", "협탁", "nightstand"),
]  # fmt: skip
MATERIALS = [
    ("oak", "오크"), ("walnut", "월넛"), ("solid wood", "원목"), ("leather", "가죽"),
    ("fabric", "패브릭"), ("velvet", "벨벳"), ("rattan", "라탄"), ("marble", "대리석"),
    ("steel", "스틸"), ("linen", "린넨"), ("boucle", "부클"), ("glass", "유리"),
]  # fmt: skip
COLOURS = [
    ("white", "화이트"), ("black", "블랙"), ("grey", "그레이"), ("beige", "베이지"),
    ("brown", "브라운"), ("navy", "네이비"), ("green", "그린"), ("cream", "크림"),
]  # fmt: skip
STYLES = [
    ("scandinavian", "북유럽"), ("modern", "모던"), ("mid-century", "미드센추리"),
    ("minimalist", "미니멀"), ("industrial", "인더스트리얼"), ("classic", "클래식"),
    ("vintage", "빈티지"), ("japandi", "재팬디"), ("korean", "한국풍"),
    ("bohemian", "보헤미안"),
]  # fmt: skip
ROOMS = [
    ("living room", "거실"), ("bedroom", "침실"), ("kitchen", "주방"), ("study", "서재"),
    ("kids room", "아이방"), ("entryway", "현관"), ("studio apartment", "원룸"),
]  # fmt: skip
QUALITIES = [
    ("compact", "컴팩트한"), ("foldable", "접이식"), ("cozy", "아늑한"),
    ("modular", "모듈형"),
    ("easy to clean", "관리하기 쉬운"), ("sturdy", "튼튼한"), ("premium", "고급스러운"),
    ("four-seater", "4인용"), ("two-seater", "2인용"), ("with storage", "수납형"),
]  # fmt: skip
SYLLABLES = ["lo", "na", "vi", "ka", "ren", "mo", "sel", "ti", "bru", "ha", "den", "or"]


def products(count: int) -> Iterator[dict[str, object]]:
    """Yield *count* products."""
    dice = random.Random(7)  # noqa: S311 - not for secrets
    for number in range(count):
        thing, material = dice.choice(THINGS), dice.choice(MATERIALS)
        colour, style = dice.choice(COLOURS), dice.choice(STYLES)
        room, quality = dice.choice(ROOMS), dice.choice(QUALITIES)
        series = "".join(dice.choices(SYLLABLES, k=3)).capitalize()
        yield {
            "id": f"p{number:07}",
            "name": {
                "en": f"{series} {quality[0]} {material[0]} {thing[0]}, {colour[0]}",
                "ko": f"{series} {quality[1]} {material[1]} {thing[1]} {colour[1]}",
            },
            "description": {
                "en": f"A {quality[0]} {style[0]} {thing[0]} in {colour[0]} {material[0]} for "
                f"the {room[0]}, {dice.randint(30, 240)} cm wide.",
                "ko": f"{room[1]}에 어울리는 {style[1]} 스타일의 {quality[1]} {thing[1]}이다.",
            },
            "price": str(dice.randint(20, 4000) * 1000),
            "currency": "KRW",
            "style": style[0],
            "category": thing[2],
            "attributes": {"material": material[0], "colour": colour[0]},
            "stock": dice.randint(0, 20),
        }


if __name__ == "__main__":
    for product in products(int(sys.argv[1])):
        print(json.dumps(product, ensure_ascii=False))
