from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("argon2", reason="the extra `web` is not installed")

from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from sqlalchemy import func, select

from backsight.errors import InvalidValueError, SignInError, ThrottledError
from backsight.storage.accounts import (
    HASHER,
    MAX_FAILED_FOR_PAIR,
    MAX_FAILED_FROM_CLIENT,
    MAX_FAILED_ON_ACCOUNT,
    THROTTLE_WINDOW,
    add_user,
    api_tokens_of,
    check_password,
    disable_user,
    find_user,
    make_api_token,
    revoke_api_token,
    set_password,
    sign_in,
    sign_out,
    user_of_api_token,
    user_of_token,
    users,
)
from backsight.storage.database import Database
from backsight.storage.tables import ApiToken, Role, SignIn, SignInAttempt
from tests.databases import cheap_hasher

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from backsight.storage.tables import User

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"
HOUR = timedelta(hours=1)


def _add(session: Session, email: str = "ada@example.org", password: str = PASSWORD) -> User:
    return add_user(session, email=email, name="Ada", role=Role.RESEARCHER, password=password)


def _try(
    database: Database,
    *,
    email: str = "ada@example.org",
    password: str = "wrong password",
    client: str = "192.0.2.1",
    at: datetime = NOON,
) -> str:
    """Sign in as a page does it: an error goes through the transaction."""
    with database.session() as session:
        return sign_in(session, email=email, password=password, client=client, lifetime=HOUR, at=at)


def _fail(database: Database, n: int = 1, *, email: str = "ada@example.org", client: str = "192.0.2.1") -> None:
    for _ in range(n):
        with pytest.raises(SignInError):
            _try(database, email=email, client=client)


@pytest.fixture
def ada(database: Database) -> User:
    with database.session() as session:
        return _add(session)


def test_production_hashes_by_the_second_recommendation_of_rfc_9106() -> None:
    found = extract_parameters(HASHER.hash(PASSWORD))
    assert (found.type, found.time_cost, found.memory_cost, found.parallelism) == (Type.ID, 3, 65536, 4)


def test_a_user_is_found_by_email_in_any_case_and_holds_no_password(database: Database) -> None:
    with database.session() as session:
        _add(session, email="  Ada@Example.ORG ")
    with database.session() as session:
        user = find_user(session, email="ADA@example.org")
        assert user is not None
        assert user.email == "ada@example.org"
        assert user.role is Role.RESEARCHER
        assert user.password_hash.startswith("$argon2id$")
        assert PASSWORD not in user.password_hash
        assert check_password(session, user, password=PASSWORD)
        assert not check_password(session, user, password=PASSWORD.upper())
        assert [one.email for one in users(session)] == ["ada@example.org"]


def test_a_taken_email_is_refused_and_the_transaction_lives_on(database: Database, ada: User) -> None:
    with database.session() as session:
        with pytest.raises(InvalidValueError, match=r"`email`.*ada@example\.org"):
            _add(session, email="Ada@example.org")
        _add(session, email="bob@example.org")
    with database.session() as session:
        assert [user.email for user in users(session)] == ["ada@example.org", "bob@example.org"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"password": "eleven char"}, r"`password`.*12.*got 11"),
        ({"password": "x" * 257}, r"`password`.*256.*got 257"),
        ({"password": "Ada@example.org"}, "`password` must not be the email"),
        ({"password": "half a letter \ud800"}, "half a character"),
        ({"email": "ada"}, "`email`"),
        ({"email": "ada@"}, "`email`"),
        ({"email": "ada@b@example.org"}, "`email`"),
        ({"email": "ada lovelace@example.org"}, "`email`"),
        ({"email": "ada\x00@example.org"}, "`email`"),
        ({"email": "a" * 250 + "@b.org"}, "`email`"),
        ({"name": "  "}, "`name`.*got 0"),
        ({"name": "a\nb"}, "`name`"),
        ({"name": "a" * 201}, "`name`.*got 201"),
    ],
)
def test_what_breaks_a_rule_is_refused(sqlite_database: Database, changed: dict[str, str], message: str) -> None:
    given = {"email": "ada@example.org", "name": "Ada", "password": PASSWORD} | changed
    with sqlite_database.session() as session:
        with pytest.raises(InvalidValueError, match=message):
            add_user(session, role=Role.ADMIN, **given)  # type: ignore[arg-type]
        assert users(session) == []


def test_letters_that_keyboards_compose_differently_are_the_same_password(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        user = _add(session, password="Rückenschmerz!")  # ü as one letter
        assert check_password(session, user, password="Ru\u0308ckenschmerz!")  # u and two dots


def test_a_token_lets_in_until_it_expires(database: Database, ada: User) -> None:
    token = _try(database, password=PASSWORD)
    with database.session() as session:
        for at, expected in [(NOON, ada.id), (NOON + HOUR - timedelta(seconds=1), ada.id), (NOON + HOUR, None)]:
            user = user_of_token(session, token, at=at)
            assert (user and user.id) == expected
        assert user_of_token(session, token[:-1], at=NOON) is None
        assert user_of_token(session, "\x00\ud800", at=NOON) is None


def test_tokens_are_long_differ_and_are_not_in_the_database(database: Database, ada: User) -> None:
    tokens = {_try(database, password=PASSWORD) for _ in range(3)}
    # 256 bits in base64 are 43 characters.
    assert [len(token) for token in tokens] == [43, 43, 43]
    with database.session() as session:
        assert not tokens & set(session.scalars(select(SignIn.token_hash)))


def test_signing_out_ends_this_sign_in_only(database: Database, ada: User) -> None:
    first, second = (_try(database, password=PASSWORD) for _ in range(2))
    with database.session() as session:
        sign_out(session, first)
        sign_out(session, "unknown")
        assert user_of_token(session, first, at=NOON) is None
        assert user_of_token(session, second, at=NOON) is not None


def test_expired_sign_ins_are_cleared_away_by_the_next(database: Database, ada: User) -> None:
    _try(database, password=PASSWORD)
    _try(database, password=PASSWORD, at=NOON + HOUR)
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(SignIn)) == 1


@pytest.mark.parametrize("email", ["nobody@example.org", "", "a\x00b@example.org", "\ud800", "ada@example.org' --"])
def test_an_unknown_user_is_refused_as_a_wrong_password_is(database: Database, ada: User, email: str) -> None:
    with pytest.raises(SignInError, match=r"^email or password is wrong$"):
        _try(database, email=email)
    with pytest.raises(SignInError, match=r"^email or password is wrong$"):
        _try(database)


class _CountingHasher(PasswordHasher):
    """Notes against what it was asked to verify."""

    verified: list[str]

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
        self.verified.append(str(hash))
        return super().verify(hash, password)


def test_an_unknown_or_disabled_user_costs_as_much_hashing_as_a_wrong_password(sqlite_url: str) -> None:
    hasher = _CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    database = Database(sqlite_url, hasher=hasher)
    with database.session() as session:
        _add(session)
        disable_user(session, _add(session, email="gone@example.org"))
    costs = []
    for email in ("ada@example.org", "nobody@example.org", "gone@example.org"):
        hasher.verified = []
        with pytest.raises(SignInError):
            _try(database, email=email)
        costs.append([extract_parameters(one) for one in hasher.verified])
    database.close()
    assert len(costs[0]) == 1
    assert costs[0] == costs[1] == costs[2]


def test_a_password_hashed_with_other_parameters_is_hashed_anew(sqlite_url: str) -> None:
    old, new = (Database(sqlite_url, hasher=PasswordHasher(time_cost=n, memory_cost=8, parallelism=1)) for n in (1, 2))
    with old.session() as session:
        _add(session)
    _try(new, password=PASSWORD)
    with new.session() as session:
        user = find_user(session, email="ada@example.org")
        assert user is not None
        assert extract_parameters(user.password_hash).time_cost == 2
        assert check_password(session, user, password=PASSWORD)
    old.close()
    new.close()


def test_after_five_failures_even_the_right_password_waits_out_the_window(database: Database, ada: User) -> None:
    _fail(database, MAX_FAILED_FOR_PAIR)
    with pytest.raises(ThrottledError) as refused:
        _try(database, password=PASSWORD, at=NOON + timedelta(minutes=5))
    assert refused.value.seconds == 600
    assert "10 min" in str(refused.value)
    assert _try(database, password=PASSWORD, at=NOON + THROTTLE_WINDOW)


def test_trying_on_while_throttled_does_not_lengthen_the_wait(database: Database, ada: User) -> None:
    _fail(database, MAX_FAILED_FOR_PAIR)
    for minute in range(1, 15):
        with pytest.raises(ThrottledError):
            _try(database, at=NOON + timedelta(minutes=minute))
    assert _try(database, password=PASSWORD, at=NOON + THROTTLE_WINDOW)


def test_others_may_go_on_while_one_is_throttled(database: Database, ada: User) -> None:
    with database.session() as session:
        _add(session, email="bob@example.org")
    _fail(database, MAX_FAILED_FOR_PAIR)
    assert _try(database, password=PASSWORD, client="192.0.2.2")
    assert _try(database, password=PASSWORD, email="bob@example.org")


def test_a_success_forgives_the_failures_before_it(database: Database, ada: User) -> None:
    for _ in range(3):
        _fail(database, MAX_FAILED_FOR_PAIR - 1)
        assert _try(database, password=PASSWORD)


def test_one_password_tried_on_many_accounts_is_throttled(sqlite_database: Database) -> None:
    for number in range(MAX_FAILED_FROM_CLIENT):
        _fail(sqlite_database, email=f"user{number}@example.org")
    with pytest.raises(ThrottledError):
        _try(sqlite_database, email="another@example.org")


def test_one_account_tried_from_many_clients_is_throttled(sqlite_database: Database) -> None:
    for number in range(MAX_FAILED_ON_ACCOUNT):
        _fail(sqlite_database, client=f"client {number}")
    with pytest.raises(ThrottledError):
        _try(sqlite_database, client="another")


def test_attempts_at_once_get_no_more_tries_than_attempts_in_turn(database: Database, ada: User) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(12)

    def attempt() -> None:
        start.wait()
        try:
            _try(database)
        except (SignInError, ThrottledError) as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 12
    assert outcomes.count("SignInError") <= MAX_FAILED_FOR_PAIR


def test_a_clock_set_back_keeps_nobody_out_for_longer_than_two_windows(database: Database, ada: User) -> None:
    _fail(database, MAX_FAILED_FOR_PAIR)
    with pytest.raises(ThrottledError) as refused:
        _try(database, password=PASSWORD, at=NOON - timedelta(minutes=10))
    assert refused.value.seconds == 25 * 60
    assert _try(database, password=PASSWORD, at=NOON - timedelta(days=1))


def test_attempts_are_kept_as_hashes_and_no_longer_than_the_window(database: Database, ada: User) -> None:
    _fail(database, 2)
    with database.session() as session:
        keys = set(session.scalars(select(SignInAttempt.key_hash)))
        assert len(keys) == 3
        assert all(len(key) == 64 for key in keys)
    _try(database, password=PASSWORD, at=NOON + THROTTLE_WINDOW)
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(SignInAttempt)) == 0


@pytest.mark.parametrize("change", ["password", "disable"])
def test_another_password_or_disabling_ends_every_sign_in_and_token(database: Database, ada: User, change: str) -> None:
    token = _try(database, password=PASSWORD)
    with database.session() as session:
        user = user_of_token(session, token, at=NOON)
        assert user is not None
        api_token = make_api_token(session, user, name="notebook", lifetime=HOUR, at=NOON)
        if change == "password":
            set_password(session, user, password="another long password")
        else:
            disable_user(session, user)
    with database.session() as session:
        assert user_of_token(session, token, at=NOON) is None
        assert user_of_api_token(session, api_token, at=NOON) is None
    with pytest.raises(SignInError):
        _try(database, password=PASSWORD)
    if change == "password":
        assert _try(database, password="another long password")


def test_a_password_set_while_somebody_signs_in_with_the_old_one_shuts_them_out(sqlite_url: str) -> None:
    class _SlowHasher(PasswordHasher):
        """Sets another password while the old one is being verified."""

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
            is_right = super().verify(hash, password)
            with other.session() as session:
                user = find_user(session, email="ada@example.org")
                assert user is not None
                set_password(session, user, password="another long password")
            return is_right

    other = Database(sqlite_url, hasher=cheap_hasher())
    database = Database(sqlite_url, hasher=_SlowHasher(time_cost=1, memory_cost=8, parallelism=1))
    with other.session() as session:
        _add(session)
    with pytest.raises(SignInError):
        _try(database, password=PASSWORD)
    with other.session() as session:
        assert session.scalar(select(func.count()).select_from(SignIn)) == 0
    database.close()
    other.close()


def test_an_api_token_gives_its_owner_until_it_expires_or_is_taken_back(database: Database, ada: User) -> None:
    with database.session() as session:
        bob = _add(session, email="bob@example.org")
        token = make_api_token(session, ada, name="notebook", lifetime=HOUR, at=NOON)
        other = make_api_token(session, ada, name="server", lifetime=HOUR, at=NOON + HOUR)
        found = user_of_api_token(session, token, at=NOON)
        assert found is not None
        assert found.id == ada.id
        assert user_of_api_token(session, token, at=NOON + HOUR) is None
        assert user_of_token(session, token, at=NOON) is None
        assert [one.name for one in api_tokens_of(session, ada)] == ["server", "notebook"]
        assert token not in session.scalars(select(ApiToken.token_hash)).all()
        token_hash = api_tokens_of(session, ada)[1].token_hash
        assert not revoke_api_token(session, bob, token_hash=token_hash)
        assert user_of_api_token(session, token, at=NOON) is not None
        assert revoke_api_token(session, ada, token_hash=token_hash)
        assert user_of_api_token(session, token, at=NOON) is None
        assert user_of_api_token(session, other, at=NOON) is not None
        with pytest.raises(InvalidValueError, match="`name`"):
            make_api_token(session, ada, name="", lifetime=HOUR)
