"""Signed ids, grants and the calendar of tokens, without any socket."""

import contextlib
import json
import math
from base64 import urlsafe_b64encode

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.access.identity import OPEN, Credential, Grant, Signer, Users
from signalling.access.keys import KeySetUnusable, parse_key_set
from signalling.access.tokens import TokenRefused, TokenVerifier
from signalling.errors import CloseCode
from signalling.expiry import HORIZON_SECONDS, Calendar
from tests.signalling.tokens import SECRET, Issuer, key_set, token

SIGNER = Signer("secret")


class NoKeys:
    """A key set without any."""

    def find(self, header: dict[str, object]) -> None:
        """See `Keys`."""

    async def lookup(self, header: dict[str, object]) -> None:
        """See `Keys`."""


class TestSigner:
    """Values with a signature."""

    @given(st.text(max_size=60), st.text(max_size=20))
    def test_what_is_signed_comes_back(self, value: str, purpose: str) -> None:
        """A value of at most some dozen characters survives the round trip."""
        assert SIGNER.verify(purpose, SIGNER.sign(purpose, value)) == value

    @given(st.text(max_size=40), st.text())
    def test_nothing_else_does(self, value: str, forged: str) -> None:
        """Any other text is no signed value, and never raises."""
        if forged != SIGNER.sign("user", value):
            assert SIGNER.verify("user", forged) != value

    def test_purposes_are_apart(self) -> None:
        """What was signed for one purpose is worth nothing for another."""
        assert SIGNER.verify("session", SIGNER.sign("user", "ada")) is None

    def test_purpose_and_value_are_apart(self) -> None:
        """The border between purpose and value cannot be moved."""
        signed = SIGNER.sign("a", "b\0c")
        assert SIGNER.verify("a\0b", signed) is None

    def test_users_are_anonymous_ids_only(self) -> None:
        """A signed value that is no anonymous id is no user."""
        users = Users(SIGNER)
        assert users.anonymous(SIGNER.sign("anonymous-user", "ada")) is None
        assert users.anonymous(users.signed("anon:1")) == "anon:1"


class TestGrant:
    """What a connection may do."""

    @pytest.mark.parametrize(
        ("patterns", "allowed", "refused"),
        [
            (None, ["a", "", "*"], []),
            ((), [], ["a", ""]),
            (("Kiosk*", "Lobby"), ["Kiosk", "Kiosk12", "Lobby"], ["kiosk", "Lobby1", "XKiosk"]),
            (("[ab]?",), ["a1", "b2"], ["c1", "a"]),
        ],
    )
    def test_patterns(
        self, patterns: tuple[str, ...] | None, allowed: list[str], refused: list[str]
    ) -> None:
        """Patterns match whole ids, with case; none at all means every id."""
        grant = Grant(streamers=patterns)
        assert all(grant.may_watch(name) for name in allowed)
        assert not any(grant.may_watch(name) for name in refused)

    def test_bare_user_id(self) -> None:
        """Only a trusted back end names a user; a JWT's own name wins over a signed id."""
        users = Users(SIGNER)
        backend = Grant(credential=Credential.ADMIN, scopes=frozenset({"admin"}), user="anon:1")
        ada = Grant(credential=Credential.JWT, user="ada")
        signed = users.signed("anon:2")
        assert users.of(backend, user_id="bob") == "bob"
        assert users.of(ada, user=signed, user_id="bob") == "ada"
        assert users.of(Grant(user="anon:1"), user=signed, user_id="bob") == "anon:2"
        assert users.of(Grant(user="anon:1"), user="anon:2") == "anon:1"

    def test_nobody_is_the_same_holder_as_nobody(self) -> None:
        """Two peers that showed nothing have nothing in common."""
        assert not OPEN.is_same_holder(OPEN)


class TestVerifier:
    """JWTs by themselves."""

    @given(st.text(max_size=200))
    def test_any_text(self, text: str) -> None:
        """No text is taken for a token, and none raises anything else."""
        verifier = TokenVerifier(secret=SECRET, keys=None, now=lambda: 0.0)
        with pytest.raises(TokenRefused):
            verifier.verify_now(text)

    @given(
        st.dictionaries(
            st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jku", "x5c"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(max_size=9),
                lambda inner: (
                    st.lists(inner, max_size=2)
                    | st.dictionaries(st.text(max_size=5), inner, max_size=2)
                ),
                max_leaves=3,
            )
            | st.sampled_from(["none", "HS256", "RS256", "ES256", "../../dev/null"]),
        )
    )
    def test_any_header(self, header: dict[str, object]) -> None:
        """No header makes a token of strangers good, or the verifier raise anything else."""
        verifier = TokenVerifier(secret=SECRET, keys=NoKeys(), now=lambda: 0.0)
        parts = (json.dumps(header).encode(), b'{"sub":"ada"}', b"signature")
        forged = ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
        with pytest.raises(TokenRefused):
            verifier.verify_now(forged)

    @given(
        st.dictionaries(
            st.sampled_from(["sub", "scope", "streamers", "streamer_ids", "host", "x"]),
            st.none() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=9)),
        )
    )
    def test_any_claims(self, claims: dict[str, object]) -> None:
        """An issuer's mistake in a claim refuses the token; it never raises anything else."""
        verifier = TokenVerifier(secret=SECRET, keys=None, now=lambda: 0.0)
        try:
            signed = token(**claims)
        except TypeError:
            # PyJWT signs no token whose subject is no string.
            return
        with contextlib.suppress(TokenRefused):
            assert isinstance(verifier.verify_now(signed).user, str)

    @pytest.mark.parametrize("exp", [math.inf, -1, "soon", None, 10**400, [1]])
    def test_odd_expiry(self, exp: object) -> None:
        """A token whose end is no date is refused; without one it lasts."""
        payload = {"sub": "ada"} | ({} if exp is None else {"exp": exp})
        signed = jwt.encode(payload, SECRET, algorithm="HS256")
        verifier = TokenVerifier(secret=SECRET, keys=None, now=lambda: 0.0)
        if exp is None:
            assert verifier.verify_now(signed).expires_at is None
        else:
            with pytest.raises(TokenRefused):
                verifier.verify_now(signed)


class TestKeySets:
    """Published keys."""

    @given(st.binary(max_size=60) | st.recursive(
        st.none() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["keys", "kty", "n", "e", "crv", "x"]), inner),
    ).map(orjson.dumps))  # fmt: skip
    def test_any_bytes(self, raw: bytes) -> None:
        """What is no key set is said to be none, and raises nothing else."""
        with pytest.raises(KeySetUnusable):
            parse_key_set(raw)

    def test_only_usable_keys(self) -> None:
        """Secrets, keys for encryption and unknown kinds in a set are left out."""
        good = Issuer.ec("good").jwk
        members = [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            {**Issuer.ec("enc").jwk, "use": "enc"},
            {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
            "nonsense",
            good,
        ]
        assert [key.key_id for key in parse_key_set(orjson.dumps({"keys": members}))] == [
            "good"
        ]

    def test_both_algorithms(self) -> None:
        """RS256 and ES256 keys may stand in one set."""
        keys = parse_key_set(key_set(Issuer.rsa("r"), Issuer.ec("e")))
        assert {key.algorithm_name for key in keys} == {"RS256", "ES256"}


class Closable:
    """A link that remembers how it was closed."""

    def __init__(self) -> None:
        self.codes: list[CloseCode] = []

    def send(self, payload: bytes) -> None:
        """Nothing is sent in these tests."""

    def ping(self) -> None:
        """Nor pinged."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Remember how."""
        assert reason
        self.codes.append(code)


class TestCalendar:
    """When tokens end."""

    @given(
        st.lists(st.floats(-50, 200), max_size=20),
        st.lists(st.floats(0, 40), min_size=1, max_size=10),
    )
    def test_each_is_closed_once_and_in_time(
        self, ends: list[float], steps: list[float]
    ) -> None:
        """Whatever the ends and however the clock jumps: once, never early, a second late."""
        calendar, links = Calendar(0), [Closable() for _ in ends]
        for link, end in zip(links, ends, strict=True):
            calendar.set(link, end)
        now = 0.0
        for step in steps:
            now += step
            calendar.turn(now)
            for link, end in zip(links, ends, strict=True):
                if now >= max(end, 0) + 2:
                    assert link.codes == [CloseCode.TOKEN_EXPIRED]
                elif now < end:
                    assert link.codes == []
        assert len(calendar) == sum(not link.codes for link in links)

    @pytest.mark.parametrize("end", [None, HORIZON_SECONDS * 2, 10**400, math.inf])
    def test_what_never_ends_is_not_kept(self, end: float | None) -> None:
        """A token without an end, or beyond any connection, takes no memory."""
        calendar = Calendar(0)
        calendar.set(Closable(), end)
        assert len(calendar) == 0

    def test_later_end_replaces_the_earlier(self) -> None:
        """After a refresh only the new end counts, be it later or earlier."""
        calendar, link = Calendar(0), Closable()
        calendar.set(link, 10)
        calendar.set(link, 20)
        calendar.turn(15)
        assert link.codes == []
        calendar.set(link, 17)
        calendar.turn(18)
        assert link.codes == [CloseCode.TOKEN_EXPIRED]
        assert len(calendar) == 0
