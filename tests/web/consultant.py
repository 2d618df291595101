"""A consultant that says what a test tells it, on the socket of a real server."""

import json
from typing import Any, Final

from playwright.async_api import Page, Route, WebSocketRoute

Message = dict[str, Any]

PICTURE: Final = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 80 80'>"
    "<rect width='80' height='80' fill='{colour}'/>"
    "<path d='M14 50v-9a6 6 0 0 1 6-6h40a6 6 0 0 1 6 6v9z' fill='#fff8'/></svg>"
)

SOFAS: Final[list[Message]] = [
    {
        "id": f"sofa-0{number}",
        "name": name,
        "price": price,
        "currency": "KRW",
        "style": style,
        "category": "sofa",
        "description": "",
        "image": f"pictures/{colour}.svg",
        "ueAsset": f"/Game/Showroom/Sofa/sofa_0{number}",
        "score": 1.0 - number / 10,
        "reason": reason,
    }
    for number, name, price, style, colour, reason in [
        (
            1,
            "하늘 3인용 패브릭 소파",
            "1290000",
            "scandinavian",
            "8a7a6a",
            "따뜻한 그레이 패브릭",
        ),
        (2, "바람 4인용 가죽 소파", "1490000", "modern", "6b4a35", "코냑 브라운 소가죽"),
        (3, "구름 모듈형 코너 소파", "1450000", "modern", "b3a58f", "크림색 부클"),
        (4, "단 2인용 소파", "690000", "japandi", "5f6b5a", "낮은 원목 다리"),
    ]
]


class Consultant:
    """
    Takes the chat messages of one page out of its socket, and answers for the server.

    All others go on to the real server, so that the picture and the scene are real.
    """

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.history: list[Message] = []
        self._socket: WebSocketRoute | None = None

    async def join(self, page: Page) -> None:
        """Stand between *page* and its server from now on."""
        await page.route("**/api/chat", _offer)
        await page.route("**/pictures/*.svg", _draw)
        await page.route_web_socket("**/*", self._stand_between)

    def say(self, kind: str, **fields: Any) -> None:
        """Send the page a message about its last question."""
        message = {"type": kind, "id": self.question["id"], **fields}
        self._send(message)

    @property
    def question(self) -> Message:
        """The last question of the page."""
        return next(each for each in reversed(self.heard) if each["type"] == "chat")

    def said(self, kind: str) -> list[Message]:
        """Return what the page sent of *kind*."""
        return [each for each in self.heard if each["type"] == kind]

    def _stand_between(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        self._socket = socket

        def forward(text: str | bytes) -> None:
            message = json.loads(text)
            if str(message.get("type", "")).startswith("chat"):
                self._take(message)
            else:
                server.send(text)

        socket.on_message(forward)

    def _take(self, message: Message) -> None:
        self.heard.append(message)
        if message["type"] == "chatHistory":
            self._send({"type": "chatHistory", "messages": self.history})

    def _send(self, message: Message) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps(message))


async def _offer(route: Route) -> None:
    await route.fulfill(json={"chat": True})


async def _draw(route: Route) -> None:
    colour = "#" + route.request.url.rsplit("/", 1)[-1].removesuffix(".svg")
    await route.fulfill(body=PICTURE.format(colour=colour), content_type="image/svg+xml")
