"""Major incidents: what makes one, who declares it, who is alerted (PROCESS §6.5.6)."""

from collections.abc import Iterable

from handlers.incident import Incident, Scene
from handlers.outcome import Line, Notice, Outcome


def criteria(impact: str | None, priority: str | None, scene: Scene) -> bool:
    """The impact or the priority makes it major by itself, as their code tables say."""
    rows = (scene.codes.table("impact").get(impact or ""), scene.codes.table("priority").get(priority or ""))
    return any(row is not None and bool(row.data.get("major")) for row in rows)


def declare(call: Incident, by: str | None, scene: Scene) -> Outcome:
    """It is major from now on, by the decision of `by`; a second time changes nothing."""
    if call.major:
        return Outcome()
    declared = {"major": True, "major_declared_by": by, "major_declared_at": scene.now}
    return Outcome(declared, lines=[Line("major", "declared")])


def alert(call: Incident, priority: str | None, scene: Scene) -> Outcome:
    """The second-line groups of the category are alerted beside first line (PROCESS §6.4, 200.2)."""
    category = scene.codes.table("category").get(call.category or "")
    groups = category.data.get("alert") or [category.data.get("group")] if category else []
    return tell([group for group in groups if group], priority, scene)


def tell(groups: Iterable[str], priority: str | None, scene: Scene) -> Outcome:
    """An alert to the leaders and backups of these groups."""
    who = {leader for group in groups for leader in scene.facts.leaders(group)}
    return Outcome(notices=[Notice("alert", one, {"priority": priority}) for one in sorted(who)])
