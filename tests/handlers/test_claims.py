"""Who holds the open task of a call, and since when he has done nothing (PROCESS §6.5.9)."""

from engine.ports import Task
from tests.handlers.conftest import at, element


def test_a_claim_is_kept_until_the_token_moves(hand):
    hand.dispatched().claim("T200_5_accept", "zhenghao")
    held = hand.record

    hand.answer("T200_5_accept", "zhenghao", accept="accepted").at("T200_6", "zhenghao")

    assert (held["claimed_by"], held["claimed_task"], held["acted_at"]) == ("zhenghao", "t", hand.now)
    assert _holder(hand) == (None, None, None)


def test_a_claim_that_is_given_back_is_nobodys(hand):
    hand.dispatched().claim("T200_5_accept", "zhenghao")

    with hand.command("zhenghao") as command:
        task = Task("t", element("T200_5_accept"), hand.instance, "zhenghao", (), hand.now)
        hand.desk.claimed(command, task, None)

    assert _holder(hand) == (None, None, None)


def test_what_the_holder_does_counts_and_what_others_do_does_not(hand):
    hand.first_line().claim("T200_4", "lina")

    hand.later(minutes=10).do("update", "lina", text="正在重启")
    hand.later(minutes=10).do("update", "chengang", text="我也看看")

    assert _holder(hand) == ("lina", "t", at(11, 23, 9, 15))


def test_the_call_is_looked_at_when_the_interval_of_the_holder_is_over(hand):
    hand.first_line(impact="I1", urgency="U1").later(minutes=1).claim("T200_4", "lina")

    hand.later(minutes=30)
    with hand.command("system") as command:
        jobs = hand.desk.work(command, {"what": "look", "no": hand.no}).jobs

    (given_back,) = [job for job in jobs if job.kind == "unclaim"]
    assert given_back.payload == {"task": "t", "person": "lina"}


def test_a_closed_call_is_held_by_nobody(hand):
    hand.first_line().claim("T200_4", "lina")
    hand.message("withdraw", reason="好了").at("T200_10").claim("T200_10", "lina")

    hand.answer("T200_10", closure_code="C07").call("close").end()

    assert (hand.record["status"], _holder(hand)) == ("ST8", (None, None, None))


def _holder(hand):
    return tuple(hand.record[name] for name in ("claimed_by", "claimed_task", "acted_at"))
