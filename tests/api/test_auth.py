"""Who is asking: passwords, the memory of right ones, the limit on wrong ones."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask

from api import auth
from api.errors import TooManyAttempts, Unauthenticated
from engine.store import Database
from tests.conftest import FAST, MONDAY, Client, Clock


class Counting(PasswordHasher):
    """Counts how often argon2 was asked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.asked = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.asked += 1
        return super().verify(hash, password)


def test_nobody_gets_in_without_a_password(client: Client) -> None:
    answer = client.as_(None).get("/tasks")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert answer.json["code"] == "unauthenticated"


@pytest.mark.parametrize("account", ["lina", "nobody", "zhangmin", ""])
def test_wrong_password_unknown_account_and_a_caller_are_told_the_same(client: Client, account: str) -> None:
    answers = client.as_(account).get("/tasks", password="guess")

    assert (answers.status_code, answers.json["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "header", ["Bearer abc", "Basic", "Basic !!!", "Basic bGluYQ==", "Digest x=y", "\x00"]
)
def test_a_header_that_is_no_basic_sign_in_is_refused(client: Client, header: str) -> None:
    answer = client.as_(None).get("/tasks", headers={"Authorization": header})

    assert answer.status_code == 401


@pytest.mark.parametrize("account", ["li\0na", "\0", "lina\0"])
def test_an_account_with_a_nul_is_nobodys(client: Client, account: str) -> None:
    header = {"Authorization": _basic(account, "password-of-lina")}

    ours = client.as_(None).get("/tasks", headers=header)
    camunda = client.as_(None).get("/engine-rest/task", headers=header)

    assert (ours.status_code, camunda.status_code) == (401, 401)


def test_no_database_is_asked_for_an_account_with_a_nul() -> None:
    nowhere = Database("sqlite:////nowhere/none.sqlite")

    with pytest.raises(Unauthenticated):
        auth.known(auth.Doorkeeper(FAST), nowhere, "li\0na", "guess", MONDAY)


def test_by_is_the_authenticated_person_with_the_groups(client: Client, app: Flask) -> None:
    with app.test_request_context(headers={"Authorization": _basic("lina", "password-of-lina")}):
        parts = app.extensions["flow200"]
        person = auth.identify(parts.doorkeeper, parts.database, MONDAY)

    assert (person.id, person.name) == ("lina", "李娜")
    assert person.groups == {"WG-SD"}


def test_a_right_password_pays_argon2_once_in_five_minutes() -> None:
    hasher = Counting()
    door, stored = auth.Doorkeeper(hasher), hasher.hash("right")

    for _ in range(3):
        door.check("lina", "right", stored, MONDAY)
    assert hasher.asked == 1

    door.check("lina", "right", stored, MONDAY + auth.REMEMBERED)
    assert hasher.asked == 2


def test_a_changed_password_ends_the_memory_at_once(client: Client, app: Flask) -> None:
    assert client.get("/tasks").status_code == 200

    with app.extensions["flow200"].database.write() as connection:
        auth.set_password(connection, "lina", "another-password", FAST)

    assert client.get("/tasks").status_code == 401
    assert client.get("/tasks", password="another-password").status_code == 200


def test_ten_wrong_passwords_close_the_account_for_five_minutes(client: Client, clock: Clock) -> None:
    for _ in range(auth.WRONG_ALLOWED):
        assert client.get("/tasks", password="wrong").status_code == 401

    refused = client.get("/tasks")
    assert (refused.status_code, refused.json["code"]) == (429, "too-many-attempts")
    assert int(refused.headers["Retry-After"]) <= 301
    assert client.as_("chengang").get("/tasks").status_code == 200

    clock.pass_(minutes=5)
    assert client.get("/tasks").status_code == 200


def test_who_is_signed_in_is_not_thrown_out_by_somebody_guessing() -> None:
    door, stored = auth.Doorkeeper(FAST), FAST.hash("right")
    door.check("lina", "right", stored, MONDAY)
    for _ in range(auth.WRONG_ALLOWED):
        with pytest.raises(Unauthenticated):
            door.check("lina", "wrong", stored, MONDAY)

    door.check("lina", "right", stored, MONDAY)

    with pytest.raises(TooManyAttempts):
        door.check("lina", "wrong", stored, MONDAY)


def test_an_unknown_account_costs_a_verification_too() -> None:
    hasher = Counting()
    door = auth.Doorkeeper(hasher)

    with pytest.raises(Unauthenticated):
        door.check("nobody", "guess", None, MONDAY + timedelta(days=1))

    assert hasher.asked == 1


def test_passwords_are_stored_as_argon2id_only(app: Flask) -> None:
    with app.extensions["flow200"].database.write() as connection:
        auth.set_password(connection, "lina", "a-long-password")
        stored = connection.exec_driver_sql(
            "SELECT password_hash FROM credential WHERE staff_no = 'lina'"
        ).scalar_one()

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert "a-long-password" not in stored


def _basic(account: str, password: str) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{account}:{password}".encode()).decode()
