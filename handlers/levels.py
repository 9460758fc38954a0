"""The levels E1-E4: their order, who holds one, who is told (PROCESS §6.6.2)."""

from collections.abc import Iterable

from handlers.incident import Incident, Scene


def rank(level: str, scene: Scene) -> int:
    """1 is the lowest."""
    return int(scene.codes.row("escalation_level", level).data["rank"])


def above(level: str | None, scene: Scene) -> str | None:
    """The next level that is in use; the first if there is none yet, None above the last."""
    present = rank(level, scene) if level else 0
    return next((one for one in _in_use(scene) if rank(one, scene) > present), None)


def highest(present: str | None, level: str, scene: Scene) -> str:
    """The higher of the two: a call's level only rises."""
    return level if present is None or rank(level, scene) > rank(present, scene) else present


def group(call: Incident, level: str, scene: Scene) -> str:
    """The group whose leader or deputy holds a level; E1 is the group that works on the call now."""
    holder = scene.codes.row("escalation_level", level).data["holder"]
    return str((call.assigned_group or call.owner_group) if holder == "assigned" else holder)


def upto(level: str, scene: Scene) -> list[str]:
    """This level and the lower ones, this one first."""
    lower = [one for one in _in_use(scene) if rank(one, scene) < rank(level, scene)]
    return [level, *reversed(lower)]


def people(call: Incident, groups: Iterable[str], scene: Scene) -> list[str]:
    """The leaders and backups of these groups, and the owner of the call."""
    found = [one for code in groups for one in scene.facts.leaders(code)]
    return list(dict.fromkeys([*found, *([call.owner] if call.owner else [])]))


def _in_use(scene: Scene) -> list[str]:
    """The levels that an escalation may rise to, the lowest first."""
    return sorted(scene.codes.active("escalation_level"), key=lambda one: rank(one, scene))
