"""Service calendars over HTTP: hours, public holidays (节假日) and make-up working days (调休)."""

from datetime import date
from typing import Any

from marshmallow import fields, validate

from api import http
from api.errors import InvalidRequest
from api.http import Blueprint, Schema
from api.product import engine, now, person, product
from api.v1 import lists, reading
from handlers import almanac, calendar_days
from handlers.calendar_days import Day

KINDS = {"text/csv": "csv", "text/calendar": "ics"}
TEXT = {"schema": {"type": "string"}}
EXAMPLE = {"example": "date,working,name\n2027-10-01,false,国庆节\n2027-10-09,true,国庆节调休\n"}
FILE = {
    "required": True,
    "description": "`text/csv`:首行 date,working,name,working 为 true 或 false;"
    "`text/calendar`:全天事件,不含重复事件,名称含「班」等字(代码表 calendar_word)为上班 · "
    "`text/csv`: first line date,working,name, where working is true or false; "
    "`text/calendar`: events of whole days, none that recur, worked if a word of the code table "
    "calendar_word says so",
    "content": {"text/csv": TEXT | EXAMPLE, "text/calendar": TEXT},
}

blueprint = Blueprint(
    "calendars", __name__, url_prefix="/api/v1/calendars", description="服务日历 · Service calendars"
)


class YearQuery(Schema):
    """Which year."""

    year = fields.Integer(
        required=True,
        validate=validate.Range(calendar_days.YEARS[0], calendar_days.YEARS[-1]),
        metadata={"description": "年份 · The year"},
    )


class DayOfCalendar(Schema):
    """Whether and when a day is worked; without `windows` a working day has the hours of the calendar."""

    working = fields.Boolean(required=True, truthy={True}, falsy={False})
    name = fields.String(required=True, validate=validate.Length(1, 200))
    windows = fields.List(
        fields.List(fields.String(validate=validate.Length(4, 5)), validate=validate.Length(2, 2)),
        validate=validate.Length(1, 24),
        metadata={"description": '[["08:30", "12:00"]]'},
    )


@blueprint.get("")
@blueprint.answers(200, "Calendars", "全部日历 · All calendars")
def calendars() -> dict[str, Any]:
    """List the calendars: week days (0 is Monday), hours, and which years are certain or provisional.

    列出日历:工作日(0 为周一)、时段,以及各年份已确定还是暂定。
    """
    with reading.record() as (_, codes):
        return lists.whole(calendar_days.listed(codes, now()))


@blueprint.get("/<code>/days")
@blueprint.arguments(YearQuery, location="query")
@blueprint.answers(200, "CalendarDays", "该年的节假日和调休 · Days off and make-up days of the year")
def days(query: dict[str, Any], code: str) -> dict[str, Any]:
    """List the days of a year that are not as their week day says: days off and make-up working days.

    列出一年中的例外日期:节假日、调休上班和半天。
    """
    with reading.record() as (_, codes):
        return lists.whole(calendar_days.of_year(codes, code, query["year"]))


@blueprint.put("/<code>/days/<date>")
@blueprint.arguments(DayOfCalendar)
@blueprint.answers(200, "CalendarDay", "该日现在的规定 · How the day counts now")
def keep(said: dict[str, Any], code: str, date: str) -> dict[str, Any]:
    """Set a day: off, worked (make-up), or worked at hours of its own; for the process owner.

    设定某日:休息、调休上班,或只上半天(windows);限流程负责人。
    """
    given = [(opens, closes) for opens, closes in said["windows"]] if "windows" in said else None
    day = Day(_date(date), said["working"], said["name"], said["name"], tuple(given) if given else None)
    with engine().transaction(person(), now()) as command, product().desk.calendar(command, code) as book:
        book.keep(day, book.signed("edit", person().id, now()))
    return _shown(code, day.date)


@blueprint.delete("/<code>/days/<date>")
@blueprint.answers(200, "CalendarDay", "该日现在的规定 · How the day counts now")
def remove(code: str, date: str) -> dict[str, Any]:
    """Take the row of a day away: it counts as its week day again; for the process owner.

    取消某日的例外:恢复为其星期的规定;限流程负责人。
    """
    day = _date(date)
    with engine().transaction(person(), now()) as command, product().desk.calendar(command, code) as book:
        book.remove(day, book.signed("edit", person().id, now()))
    return _shown(code, day)


@blueprint.post("/<code>/import")
@blueprint.arguments(YearQuery, location="query")
@blueprint.doc(requestBody=FILE)
@blueprint.answers(200, "CalendarImport", "导入的结果 · What was imported")
def import_year(query: dict[str, Any], code: str) -> dict[str, Any]:
    """Replace the days of a year by those of a file (CSV or ICS), for good; for the process owner.

    用文件(CSV 或 ICS)替换一年的节假日和调休,并标为已确定;限流程负责人。
    """
    kind, content = http.file(KINDS)
    with engine().transaction(person(), now()) as command:
        return almanac.import_year(product().desk, command, code, query["year"], kind, content)


def _shown(code: str, day: date) -> dict[str, Any]:
    with reading.record() as (_, codes):
        return calendar_days.of_day(codes, code, day)


def _date(given: str) -> date:
    try:
        found = date.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or found.isoformat() != given:
        raise InvalidRequest({"date": {"zh": "须为日期,例如 2026-10-01。", "en": "Must be like 2026-10-01."}})
    return found
