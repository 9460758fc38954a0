"""The domain over HTTP: what operators, analysts and programs read and do below /api/v1."""

from api.v1 import (
    calendars,
    codes,
    directory,
    docs,
    escalations,
    failures,
    hand_offs,
    health,
    incidents,
    shift_changes,
    tasks,
    version,
    work_orders,
)

BLUEPRINTS = (
    incidents.blueprint,
    tasks.blueprint,
    work_orders.blueprint,
    escalations.blueprint,
    hand_offs.blueprint,
    shift_changes.blueprint,
    *directory.BLUEPRINTS,
    codes.blueprint,
    calendars.blueprint,
    failures.blueprint,
    health.blueprint,
    version.blueprint,
    docs.blueprint,
)
