"""
The life of a session as pure functions: transitions and deadlines.

`lua/30_sessions.lua` says the same for Redis; the contract tests hold both to it.
"""

from msgspec.structs import replace

from matchmaker.model import (
    EndReason,
    Rules,
    Session,
    SessionState,
    Warned,
)

NEVER = float("inf")


def reserve(session: Session, rules: Rules, now: float) -> Session:
    """Give a session its place; the caller sets host, instance and pool."""
    return replace(
        session,
        state=SessionState.RESERVED,
        reserved_until=now + rules.reservation,
        waited=session.waited + now - session.queued_at,
        poll_by=0.0,
        warned=0,
    )


def activate(session: Session, player_id: str, now: float) -> Session:
    """Start or continue streaming; the maximum duration runs from the first start."""
    return replace(
        session,
        state=SessionState.ACTIVE,
        player_id=player_id,
        started_at=session.started_at or now,
        ends_at=session.ends_at or now + session.max_duration,
        grace_until=0.0,
        last_input=now,
        warned=session.warned & ~Warned.IDLE,
    )


def pause(session: Session, rules: Rules, now: float, *, holder: str) -> Session:
    """Keep the place for a while after the stream broke."""
    return replace(
        session,
        state=SessionState.GRACE,
        grace_until=now + rules.grace,
        holder=holder,
        player_id="",
    )


def requeue(session: Session, rules: Rules, now: float) -> Session:
    """Put a session whose instance is gone back to waiting; its time starts anew."""
    return replace(
        session,
        state=SessionState.QUEUED,
        host="",
        instance="",
        pool="",
        player_id="",
        queued_at=now,
        waits=session.waits + 1,
        ends_at=0.0,
        grace_until=0.0,
        reserved_until=0.0,
        warned=0,
        poll_by=0.0 if session.holder else now + rules.grace,
    )


def carry(session: Session, now: float) -> Session:
    """Leave a session that goes to another instance the time that it still has."""
    if not session.ends_at:
        return session
    return replace(session, max_duration=max(0.0, session.ends_at - now))


def finish(session: Session, reason: EndReason, now: float) -> Session:
    """End a session for good."""
    waited = now - session.queued_at if session.state is SessionState.QUEUED else 0.0
    return replace(
        session,
        state=SessionState.ENDED,
        ended_at=now,
        reason=reason,
        waited=session.waited + waited,
    )


def pardon(session: Session, rules: Rules, now: float) -> Session:
    """Let every limit but the maximum duration begin anew: nobody could be told of news."""
    match session.state:
        case SessionState.QUEUED if session.poll_by:
            return replace(session, poll_by=now + rules.poll)
        case SessionState.RESERVED:
            return replace(session, reserved_until=now + rules.reservation)
        case SessionState.GRACE:
            return replace(session, grace_until=now + rules.grace)
        case SessionState.ACTIVE:
            return replace(session, last_input=now, warned=session.warned & ~Warned.IDLE)
    return session


def deadline(session: Session, rules: Rules) -> float:
    """Return when something must happen to *session* next; infinity for never."""
    match session.state:
        case SessionState.QUEUED:
            return session.poll_by or NEVER
        case SessionState.RESERVED:
            return session.reserved_until
        case SessionState.ACTIVE:
            return min(_limit(session, rules), _idle(session, rules))
        case SessionState.GRACE:
            return min(session.grace_until, _limit(session, rules))
        case SessionState.ENDED:
            return session.ended_at + rules.retention


def _limit(session: Session, rules: Rules) -> float:
    """Return the next of: warning of the maximum duration, the maximum duration."""
    if session.warned & Warned.MAX_DURATION:
        return session.ends_at
    return session.ends_at - rules.warning


def _idle(session: Session, rules: Rules) -> float:
    if not rules.idle:
        return NEVER
    if session.warned & Warned.IDLE:
        return session.last_input + rules.idle
    return _idle_warning(session, rules)


def _idle_warning(session: Session, rules: Rules) -> float:
    """Return when to warn: before a short limit not at once after each input."""
    return session.last_input + max(rules.idle - rules.warning, rules.idle / 2)


def overdue(session: Session, rules: Rules, now: float) -> EndReason | None:
    """Return why a session that has not ended must end now, if it must."""
    match session.state:
        case SessionState.QUEUED if session.poll_by and session.poll_by <= now:
            return EndReason.ABANDONED
        case SessionState.RESERVED if session.reserved_until <= now:
            return EndReason.RESERVATION_EXPIRED
        case SessionState.ACTIVE | SessionState.GRACE if session.ends_at <= now:
            return EndReason.MAX_DURATION
        case SessionState.GRACE if session.grace_until <= now:
            return EndReason.DISCONNECTED
        case SessionState.ACTIVE if rules.idle and session.last_input + rules.idle <= now:
            return EndReason.IDLE
    return None


def warnings(session: Session, rules: Rules, now: float) -> Warned:
    """Return the warnings that are due and were not given yet."""
    due = Warned.NOTHING
    if session.state not in (SessionState.ACTIVE, SessionState.GRACE):
        return due
    if session.ends_at - rules.warning <= now:
        due |= Warned.MAX_DURATION
    is_active = session.state is SessionState.ACTIVE
    if rules.idle and is_active and _idle_warning(session, rules) <= now:
        due |= Warned.IDLE
    return due & ~Warned(session.warned)
