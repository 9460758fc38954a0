"""Lists of open tasks: by group, person, business key and process, page by page, most urgent first."""

from datetime import timedelta

from engine import reads
from tests.engine.conftest import LINA, Office
from tests.engine.drawing import end, process, user

PRIORITISED = process("P", user("a", "G1,${team}", camunda_priority="${urgency}"), end(), flows="s>a; a>e")


def test_pages_of_tasks_neither_overlap_nor_leave_one_out(office: Office) -> None:
    office.deploy(PRIORITISED)
    for n in range(7):
        office.start(business_key=f"K{n}", team="G2", urgency=50 + n % 2)
        office.now += timedelta(minutes=n % 3)

    pages, after = [], None
    for _ in range(3):
        with office.database.read() as connection:
            page = reads.tasks(connection, limit=3, after=after)
        pages.append([t.business_key for t in page.rows])
        after = page.next

    assert pages == [["K1", "K3", "K5"], ["K0", "K2", "K4"], ["K6"]] and after is None


def test_tasks_are_found_by_whom_they_are_for_and_what_they_are_about(office: Office) -> None:
    office.deploy(PRIORITISED)
    office.start(business_key="K1", team="G2", urgency=1)
    office.start(business_key="K2", team="G1", urgency=2)
    office.engine.claim(office.tasks(business_key="K2")[0].id, LINA, office.now)

    assert [t.business_key for t in office.tasks(groups=["G2"])] == ["K1"]
    assert [t.business_key for t in office.tasks(groups=["G1", "G2"])] == ["K2", "K1"]
    assert [t.business_key for t in office.tasks(assignee="lina")] == ["K2"]
    assert office.tasks(groups=[]) == office.tasks(groups=["G9"]) == office.tasks(process="Q") == ()
    for hostile in ("\x00", "\ud800"):
        assert (
            office.tasks(groups=[hostile])
            == office.tasks(assignee=hostile)
            == office.tasks(process=hostile)
            == ()
        )
    assert office.tasks(business_key="K2")[0].groups == ["G1"]
