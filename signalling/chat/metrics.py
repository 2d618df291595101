"""What operators watch of the consultant, read off the events on their way to visitors."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge, Histogram

from signalling.metrics import Metrics

if TYPE_CHECKING:
    from rag.consultant.answering import Send
    from rag.consultant.events import Done, Error, Event

STAGES: Final[Mapping[str, str]] = {
    "understand": "understand",
    "embed": "embed",
    "search": "search",
    "firstToken": "first_token",
    "total": "total",
}
"""Names of `chatDone`'s timings as labels."""

LIMITS: Final[Mapping[str, str]] = {
    "rate_limited": "chat_per_minute",
    "overloaded": "chat_concurrency",
}
"""Refusals, and the option that sets the limit they met."""

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds."""


class ChatMetrics:
    """Counts questions, stages, tokens and thumbs; nothing of what anybody wrote."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        registry = metrics.registry
        self._questions = Counter(
            "signalling_chat_questions",
            "Questions to the consultant by outcome: done, degraded, cancelled or error code.",
            ["outcome"],
            registry=registry,
        )
        self._degraded = Counter(
            "signalling_chat_degraded",
            "Answers that were made without a part that did not answer.",
            ["part"],
            registry=registry,
        )
        self._stages = Histogram(
            "signalling_chat_stage_seconds",
            "Time of each stage of an answer; first_token and total count from the question.",
            ["stage"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._tokens = Counter(
            "signalling_chat_tokens",
            "Tokens a chat model read (input) and wrote (output).",
            ["model", "direction"],
            registry=registry,
        )
        self._cost = Counter(
            "signalling_chat_cost",
            "What a chat model cost, in the currency of chat_input_price.",
            ["model"],
            registry=registry,
        )
        self._thumbs = Counter(
            "signalling_chat_feedback",
            "Thumbs that were taken.",
            ["helpful"],
            registry=registry,
        )

    def watch_running(self, count: Callable[[], float]) -> None:
        """Read the number of answers under way whenever somebody scrapes."""
        gauge = Gauge(
            "signalling_chat_answers_running",
            "Answers under way.",
            registry=self._metrics.registry,
        )
        gauge.set_function(count)

    def observing(self, send: "Send") -> "Send":
        """Return *send*, with each event counted before it goes out."""

        def observe(event: "Event") -> None:
            self.count(event)
            send(event)

        return observe

    def count(self, event: "Event") -> None:
        """Count what an event says about its question; most say nothing."""
        from rag.consultant.events import Done, Error  # noqa: PLC0415 - brought by an extra

        if isinstance(event, Done):
            self._done(event)
        elif isinstance(event, Error):
            self._failed(event)

    def refused(self, code: str) -> None:
        """Count a question that never reached the consultant."""
        self._questions.labels(code).inc()

    def thumb(self, *, helpful: bool) -> None:
        """Count a thumb."""
        self._thumbs.labels("yes" if helpful else "no").inc()

    def _done(self, done: "Done") -> None:
        self._questions.labels(_outcome(done)).inc()
        for part in done.degraded:
            self._degraded.labels(part).inc()
        for name, milliseconds in done.timings.items():
            if name in STAGES:
                self._stages.labels(STAGES[name]).observe(milliseconds / 1e3)
        usage = done.usage
        spent = {"input": usage.input_tokens, "output": usage.output_tokens}
        for direction, tokens in spent.items():
            if tokens:
                self._tokens.labels(done.model, direction).inc(tokens)
        if done.cost:
            self._cost.labels(done.model).inc(float(done.cost))

    def _failed(self, error: "Error") -> None:
        self._questions.labels(error.code).inc()
        if error.code in LIMITS:
            self._metrics.limited(LIMITS[error.code])


def _outcome(done: "Done") -> str:
    if done.cancelled:
        return "cancelled"
    return "degraded" if done.degraded else "done"
