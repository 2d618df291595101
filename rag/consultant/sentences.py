"""All that the consultant says without a model, in Korean and English."""

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ko": {
        "first": "추천 제품 {count}가지입니다.",
        "first of": "{asked} 추천 제품 {count}가지입니다.",
        "one": "이 제품을 추천합니다.",
        "one of": "{asked} 중에서 이 제품을 추천합니다.",
        "focus": "말씀하신 제품은 {name} ({price})입니다. {facts} {about}",
        "showing": "{name}: 공간에 배치합니다.",
        "nothing": "조건에 맞는 제품을 찾지 못했습니다. 예산이나 스타일을 바꿔 보세요.",
        "kind": "찾으시는 종류의 제품은 없어서 가까운 제품을 골랐습니다.",
        "style": "그 스타일의 {kind} 없어서 다른 스타일에서 골랐습니다.",
        "looks": "{words} {kind} 없어서 가까운 제품을 골랐습니다.",
        "budget": "{budget}의 {kind} 없습니다. 가격은 {nearest}부터입니다.",
        "budget above": "{budget}의 {kind} 없습니다. 가장 비싼 것은 {nearest}입니다.",
        "cheaper": "더 저렴한 {kind} 없습니다.",
        "dearer": "조건 안에서 더 비싼 {kind} 없습니다.",
        "others": "보여 드리지 않은 {kind} 더 없습니다. 예산이나 스타일을 바꿔 보세요.",
        "absent": "카탈로그에 {kind} 없습니다. 다른 제품을 찾아 드릴까요?",
        "currency": (
            "가격이 {prices} 기준이라 {budget} 예산과는 비교할 수 없었습니다. "
            "예산을 {prices}로 말씀해 주세요."
        ),
        "which": "어떤 제품을 말씀하시나요? 먼저 찾으시는 제품을 알려 주세요.",
        "it": "제품은",
        "up to": "{high} 이하",
        "from": "{low} 이상",
        "between": "{low}~{high}",
        "matched": "말씀하신 조건({words})에 맞음",
        "left": "예산보다 {amount} 저렴",
        "exact": "예산에 꼭 맞음",
        "together": "{count}개에 {amount}",
        "style of": "{style} 스타일 {kind}",
        "people": "{people}인에 적합",
        "near": "요청과 가장 비슷한 제품",
        "partners": "조건에 맞는 파트너 {count}곳입니다.",
        "one partner": "조건에 맞는 파트너입니다.",
        "no partners": "조건에 맞는 파트너를 찾지 못했습니다. 지역이나 예산을 바꿔 보세요.",
        "elsewhere": "{place}에서 일하는 파트너는 없어서 다른 지역의 파트너를 골랐습니다.",
        "price from": "{amount}부터",
        "works in": "{places}에서 활동",
        "styled": "{style} 스타일로 바꿉니다.",
        "greeting": "어떤 제품을 찾으시나요? 종류, 예산, 스타일을 말씀해 주세요.",
        "unsure": "무엇을 찾으시는지 확실하지 않습니다. 가장 가까운 제품입니다.",
        "unclear": (
            "무엇을 찾으시는지 이해하지 못했습니다. 소파나 조명처럼 종류를 말씀해 주시거나 "
            "예산, 스타일, 공간을 알려 주세요."
        ),
        "over together": "모두 합쳐 예산 안에 드는 조합이 없어 가장 저렴한 조합을 골랐습니다.",
        "set of": "{kinds} 조합으로 모두 {amount}입니다.",
        "missing": "{kind} 카탈로그에 없습니다.",
        "cheapest": (
            "더 저렴한 {kind} 없습니다. 보여 드린 {name} ({price}) 제품이 가장 저렴합니다."
        ),
        "sold out": "현재 품절",
        "in stock": "재고가 {count}개 있습니다.",
        "no stock": "지금은 품절입니다.",
        "silent size": "크기는 카탈로그에 적혀 있지 않습니다.",
        "silent stock": "재고는 카탈로그에 적혀 있지 않습니다.",
        "silent delivery": "배송에 대해서는 카탈로그에 적혀 있지 않으니 매장에 문의해 주세요.",
        "silent order": "주문과 결제는 여기서 할 수 없으니 매장에 문의해 주세요.",
        "silent discount": "할인에 대해서는 아는 것이 없습니다. 가격은 카탈로그의 가격입니다.",
        "silent returns": (
            "교환, 환불, 보증은 카탈로그에 적혀 있지 않으니 매장에 문의해 주세요."
        ),
        "silent care": "세탁이나 관리 방법은 카탈로그에 적혀 있지 않습니다.",
        "order at": "주문은 제품 페이지에서 하실 수 있습니다: {url}",
        "thanks": "감사합니다. 더 찾으시는 것이 있으면 말씀해 주세요.",
        "bye": "감사합니다. 안녕히 가세요.",
        "who": (
            "저는 이 쇼룸의 상담 프로그램입니다. 카탈로그에서 제품과 파트너를 찾아 드립니다."
        ),
        "yes": (
            "네. 제품을 공간에 놓아 보거나, 더 저렴한 것이나 다른 색을 찾아 드릴 수 있습니다."
        ),
        "no": "알겠습니다. 무엇을 바꿀까요? 종류, 예산, 스타일을 말씀해 주세요.",
        "restart": "처음부터 다시 시작하겠습니다. 어떤 제품을 찾으시나요?",
        "rude": (
            "도움이 되지 못해 죄송합니다. 찾으시는 제품과 예산을 알려 주시면 다시 "
            "찾아보겠습니다."
        ),
        "other": (
            "저는 이 쇼룸의 제품과 파트너만 도와 드릴 수 있습니다. 어떤 제품을 찾으시나요?"
        ),
        "which style": (
            "어떤 스타일로 바꿀까요? 예를 들어 북유럽, 모던, 인더스트리얼이 있습니다."
        ),
        "partner focus": "{name}: {reason}. {about}",
        "no cheaper partner": "더 저렴한 파트너는 없습니다.",
    },
    "en": {
        "first": "Here are {count} I recommend.",
        "first of": "{asked}: here are {count} I recommend.",
        "one": "This is the one I recommend.",
        "one of": "{asked}: this is the one I recommend.",
        "focus": "You mean {name} ({price}): {facts} {about}",
        "showing": "Placing {name} in the scene.",
        "nothing": "I found nothing that meets this. Try another budget or style.",
        "kind": "There is nothing of exactly this kind, so these are the closest.",
        "style": "There is no {kind} in that style, so these are in others.",
        "looks": "There is no {words} {kind}, so these are the closest.",
        "budget": "There is no {kind} {budget}. Prices begin at {nearest}.",
        "budget above": "There is no {kind} {budget}. The most expensive one costs {nearest}.",
        "cheaper": "There is no cheaper {kind}.",
        "dearer": "There is no more expensive {kind} that meets this.",
        "others": "You have seen every {kind} that meets this. Try another budget or style.",
        "absent": "The catalogue has no {kind}. Shall I look for something else?",
        "currency": (
            "Prices are in {prices}, so I could not compare them with a budget of {budget}. "
            "Tell me your budget in {prices}."
        ),
        "which": "Which product do you mean? Tell me first what you are looking for.",
        "it": "product",
        "up to": "up to {high}",
        "from": "from {low}",
        "between": "between {low} and {high}",
        "matched": "matches {words}",
        "left": "{amount} under your budget",
        "exact": "exactly your budget",
        "together": "{count} of them for {amount}",
        "style of": "{style} {kind}",
        "people": "right for {people} people",
        "near": "closest to your request",
        "partners": "These {count} partners meet this.",
        "one partner": "This partner meets this.",
        "no partners": "I found no partner that meets this. Try another region or budget.",
        "elsewhere": "I found no partner in {place}. These work elsewhere.",
        "price from": "from {amount}",
        "works in": "works in {places}",
        "styled": "Changing the style to {style}.",
        "greeting": "What are you looking for? Tell me the kind, your budget and a style.",
        "unsure": "I am not sure what you mean. These come closest.",
        "unclear": (
            "I did not understand what you are looking for. Name a thing, such as a sofa or a "
            "lamp, or tell me your budget, a style or a room."
        ),
        "over together": "No set of these is within your budget, so this is the cheapest one.",
        "set of": "{kinds}: {amount} together.",
        "missing": "The catalogue has no {kind}.",
        "cheapest": "There is no cheaper {kind}: {name} ({price}) is the cheapest I showed.",
        "sold out": "sold out at the moment",
        "in stock": "There are {count} in stock.",
        "no stock": "It is sold out at the moment.",
        "silent size": "The catalogue does not give its size.",
        "silent stock": "The catalogue does not say how many there are.",
        "silent delivery": "The catalogue says nothing about delivery; please ask the shop.",
        "silent order": "I cannot take orders here; please ask the shop.",
        "silent discount": "I know of no discounts; prices are those of the catalogue.",
        "silent returns": (
            "The catalogue says nothing about returns or warranty; please ask the shop."
        ),
        "silent care": "The catalogue does not say how to clean it.",
        "order at": "You can order it on its page: {url}",
        "thanks": "You are welcome. Tell me if there is anything else.",
        "bye": "Thank you, and goodbye.",
        "who": (
            "I am the showroom's consultant, a program: I find products and partners in the "
            "catalogue."
        ),
        "yes": (
            "Good. I can place one in the scene, or look for something cheaper or another "
            "colour."
        ),
        "no": "All right. What shall I change: the kind, the budget or the style?",
        "restart": "Let us start again. What are you looking for?",
        "rude": (
            "I am sorry that I was no help. Tell me what you are looking for, and your budget."
        ),
        "other": (
            "I can only help with this showroom's products and partners. What do you need?"
        ),
        "which style": "Which style? For example Scandinavian, modern or industrial.",
        "partner focus": "{name}: {reason}. {about}",
        "no cheaper partner": "There is no cheaper partner.",
    },
}
