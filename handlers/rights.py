"""Who may do what (PROCESS §6.10), asked by every decision before it decides."""

from collections.abc import Collection

from handlers.errors import HandlerConcerned, NotAllowed
from handlers.incident import Case, Scene

SYSTEM = "system"


def is_system(scene: Scene) -> bool:
    """A timer, a job or a clock acts, not a person."""
    return scene.by.id == SYSTEM


def is_desk(scene: Scene) -> bool:
    """The actor is on the desk."""
    return scene.codes.policy("desk_group") in scene.by.groups


def is_manager(scene: Scene) -> bool:
    """The actor is an incident manager."""
    return scene.codes.policy("manager_group") in scene.by.groups


def desk(scene: Scene, what: str) -> None:
    """Only the desk or the incident manager: 200.1-200.5, 200.9, 200.10, withdrawal, reopening."""
    if not (is_desk(scene) or is_manager(scene) or is_system(scene)):
        raise _refused(scene, what, "帮助台或事件经理", "the desk or the incident manager")


def second_line(case: Case, scene: Scene, what: str) -> None:
    """Only the group that the call is assigned to, or the incident manager: 200.6-200.8."""
    if not (case.incident.assigned_group in scene.by.groups or is_manager(scene) or is_system(scene)):
        raise _refused(scene, what, "受派工作组", "the assigned group")


def desk_or_second_line(case: Case, scene: Scene, what: str) -> None:
    """The desk, the group that works on the call, or the incident manager."""
    if not is_desk(scene):
        second_line(case, scene, what)


def manager(scene: Scene, what: str) -> None:
    """Only the incident manager."""
    if not (is_manager(scene) or is_system(scene)):
        raise _refused(scene, what, "事件经理", "the incident manager")


def process_owner(scene: Scene, what: str) -> None:
    """The process owner; the incident manager where the bank has named no group of owners."""
    owners = scene.codes.table("policy").get("owner_group")
    if not (owners and owners.data["value"] in scene.by.groups):
        manager(scene, what)


def giver(scene: Scene, groups: Collection[str], holders: Collection[str | None], what: str) -> None:
    """Who may give a task to somebody: who holds it, a leader of its groups, or the incident manager."""
    leads = any(scene.by.id in scene.facts.leaders(group) for group in groups)
    if not (leads or scene.by.id in holders or is_manager(scene) or is_system(scene)):
        raise _refused(scene, what, "任务处理人、组长或事件经理", "its assignee, a leader or the manager")


def staff(scene: Scene, what: str) -> None:
    """Any supporter: a member of any workgroup."""
    if not (scene.by.groups or is_system(scene)):
        raise _refused(scene, what, "支持人员", "supporters")


def member(scene: Scene, what: str, groups: Collection[str]) -> None:
    """Only a member of one of these groups."""
    if not (scene.by.groups & set(groups) or is_system(scene)):
        listed = ", ".join(groups)
        raise _refused(scene, what, listed, listed)


def holder(scene: Scene, group: str | None, what: str) -> None:
    """The holder of an escalation level, that is leader or deputy of its group, or the manager."""
    leaders = scene.facts.leaders(group) if group else ()
    holds = scene.by.id in leaders if leaders else group in scene.by.groups
    if not (holds or is_manager(scene) or is_system(scene)):
        raise _refused(scene, what, "级别负责人", "the level holder")


def not_concerned(case: Case, scene: Scene, person: str | None = None) -> None:
    """Neither who acts nor the `person` named is the one complained about (POL-09)."""
    about = case.incident.complained_about
    for one in (scene.by.id, person):
        if about and one == about:
            raise HandlerConcerned("handler", person=one)


def _refused(scene: Scene, what: str, who_zh: str, who_en: str) -> NotAllowed:
    return NotAllowed(by=scene.by.id, what=what, who_zh=who_zh, who_en=who_en)
