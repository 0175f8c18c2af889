"""Wrong passwords are slowed down, by address and by name, and nobody is locked out by a stranger."""

from __future__ import annotations

import threading

import pytest

from core.accounts.signed_in import WRONG, Doorkeeper, TooSoon
from core.accounts.slowing import CALM, FREE, MOST_BY_ADDRESS, MOST_BY_NAME, Slowing, lane
from core.errors import UserError
from tests.people import GOOD, Clock

BAD = "wrong horse battery"
HERE, THERE = "192.0.2.1", "198.51.100.7"


pytestmark = pytest.mark.usefixtures("cheap_passwords")


def _fail(slowing: Slowing, clock: Clock, name: str, address: str, times: int) -> float:
    """Seconds that so many wrong passwords take whoever waits exactly as long as he has to."""
    start = clock.now
    for _ in range(times):
        while (wait := slowing.begin(name, address)) > 0:
            clock.now += wait
    return clock.now - start


def test_wrong_passwords_are_slowed_down_more_and_more_up_to_a_bound(clock: Clock) -> None:
    slowing = Slowing(clock)
    assert _fail(slowing, clock, "anna", HERE, FREE) == 0
    waits = [_fail(slowing, clock, "anna", HERE, 1) for _ in range(10)]
    assert waits == sorted(waits)
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == MOST_BY_ADDRESS
    # Trying too early is not looked at, is not counted, and makes nothing longer.
    wait = slowing.begin("anna", HERE)
    assert all(slowing.begin("anna", HERE) == wait > 0 for _ in range(50))
    clock.now += wait
    assert slowing.begin("anna", HERE) == 0


def test_an_address_is_slowed_down_whatever_names_it_tries(clock: Clock) -> None:
    slowing = Slowing(clock)
    names = [f"name-{number}" for number in range(20)]
    assert sum(_fail(slowing, clock, name, HERE, 1) for name in names) > 5 * MOST_BY_ADDRESS
    assert slowing.begin("anna", THERE) == 0


def test_a_name_is_slowed_down_from_whatever_addresses_it_is_tried(clock: Clock) -> None:
    slowing = Slowing(clock)
    for number in range(20):
        assert slowing.begin("anna", f"192.0.2.{number}") == 0
    assert slowing.begin("anna", "192.0.2.3") == MOST_BY_NAME  # its second; alone it would be free


def test_new_sessions_at_once_gain_nothing(clock: Clock) -> None:
    slowing, looked = Slowing(clock), []
    begin = threading.Barrier(16)

    def attempt() -> None:
        begin.wait(10)
        looked.append(slowing.begin("anna", HERE) == 0)

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(looked) == FREE


def test_one_household_of_the_new_addresses_is_one_address(clock: Clock) -> None:
    slowing = Slowing(clock)
    for number in range(FREE):
        assert slowing.begin("anna", f"2001:db8::{number:x}") == 0
    assert slowing.begin("bert", "2001:db8::ffff") > 0
    assert slowing.begin("bert", "2001:db8:0:1::1") == 0


def test_a_stranger_cannot_lock_anybody_out(door: Doorkeeper, clock: Clock) -> None:
    """He tries without end from several addresses; she comes from one that has not failed, and from where she was."""
    for round_ in range(200):
        for number in range(3):
            with pytest.raises(UserError):
                door.sign_in("anna", BAD, f"203.0.113.{number}")
        clock.now += 1
        if round_ in (0, 50, 199):
            assert door.signed_in(door.sign_in("anna", GOOD, f"192.0.2.{round_}"))
            assert door.signed_in(door.sign_in("anna", GOOD, "192.0.2.0"))


def test_a_wrong_password_at_a_known_address_delays_its_owner_by_seconds_only(door: Doorkeeper, clock: Clock) -> None:
    door.sign_in("anna", GOOD, HERE)
    for _ in range(FREE + 9):
        with pytest.raises(UserError) as refused:
            door.sign_in("anna", BAD, HERE)
        wait = refused.value.seconds if isinstance(refused.value, TooSoon) else 0
        assert wait <= MOST_BY_NAME
        clock.now += wait
    clock.now += MOST_BY_NAME
    with pytest.raises(UserError, match=WRONG):
        door.sign_in("anna", BAD, HERE)
    with pytest.raises(TooSoon):
        door.sign_in("anna", GOOD, HERE)
    clock.now += MOST_BY_NAME
    assert door.signed_in(door.sign_in("anna", GOOD, HERE))
    assert door.signed_in(door.sign_in("anna", GOOD, HERE)), "and then nothing is left of it"


def test_an_account_of_ones_own_does_not_undo_failures_for_other_names(door: Doorkeeper, clock: Clock) -> None:
    looked = 0
    for _ in range(30):
        door.sign_in("bert", "another good password", HERE)
        try:
            door.sign_in("anna", BAD, HERE)
        except TooSoon:
            continue
        except UserError:
            looked += 1
    assert looked == FREE


def test_failures_are_forgotten_after_a_quiet_while(clock: Clock) -> None:
    slowing = Slowing(clock)
    _fail(slowing, clock, "anna", HERE, 12)
    clock.now += CALM + 1
    assert _fail(slowing, clock, "anna", HERE, FREE) == 0


def test_what_is_remembered_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.accounts.slowing.PAIRS", 50)
    slowing = Slowing(clock)
    for number in range(200):
        slowing.begin("anna", f"a{number}")
        slowing.succeeded("bert", f"a{number}")
    assert len(slowing._pairs) <= 51
    assert len(slowing._known) <= 50


def test_one_household_counts_as_one_address() -> None:
    assert lane("::ffff:192.0.2.1") == lane("192.0.2.1") != lane("::ffff:192.0.2.2")
    assert lane("2001:db8::1") == lane("2001:db8::ffff") != lane("2001:db8:0:1::1")
    assert lane("this machine") == "this machine"
