"""The shortest road to each place: for flows that begin in the middle."""

from tests.flows.world import World

CALL = {
    "call_type": "INC",
    "classification": "INC-EQP-SWL",
    "source": "BR",
    "medium": "PHONE",
    "subject": "ATM-0087 吞卡并停机",
    "caller": "zhangmin",
    "ci": "ATM-0087",
}
REQUEST = CALL | {"call_type": "SR", "classification": "SR-ACC-NEW", "subject": "新柜员开通帐号"}
COMPLAINT = CALL | {"call_type": "CMP", "classification": "CMP-TIM", "subject": "来电无人回复"}
Turn = tuple[str, str, list[list[str]]]

PROCEED: Turn = (
    "李娜",
    "收集信息",
    [["结果", "继续处理"], ["事件类别", "TRM"], ["影响度", "I4"], ["紧急度", "U2"]],
)
JUDGED = {"P1": ("I2", "U1"), "P2": ("I2", "U2"), "P3": ("I4", "U2"), "P4": ("I4", "U3")}
ESCALATE: Turn = ("李娜", "一线支持尝试解决", [["结果", "转二线"]])
SOLVED = [["结果", "已解决"], ["解决方式", "彻底解决"], ["解决步骤", "更换读卡器并测试"]]
DISPATCH: Turn = ("李娜", "分派至二线支持", [["二线工作组", "WG-TRM"]])
ACCEPT: Turn = ("郑浩", "二线受理", [["是否受理", "受理"]])
REJECT: Turn = ("郑浩", "二线受理", [["是否受理", "拒绝"], ["拒绝原因", "R1"]])
VENDOR: Turn = ("郑浩", "二线尝试解决", [["结果", "需供应商/三线"]])
ENGAGE: Turn = ("郑浩", "联系供应商", [["故障现象与日志(不含客户数据)", "读卡器卡死,错误码 37"]])
ANSWERED: Turn = ("郑浩", "!供应商应答", [["答复", "接受"]])
CONFIRM: Turn = ("李娜", "与客户确认", [["客户答复", "确认解决"], ["确认方式", "电话"]])
HOLD = [["挂起说明", "等对方"], ["预计恢复时间", "2026-11-24 10:00"]]

FIRST_LINE = [PROCEED]
TO_DISPATCH = [*FIRST_LINE, ESCALATE]
DISPATCHED = [*TO_DISPATCH, DISPATCH]
SECOND_LINE = [*DISPATCHED, ACCEPT]
TO_VENDOR = [*SECOND_LINE, VENDOR]
VENDOR_ASKED = [*TO_VENDOR, ENGAGE]
THIRD_LINE = [*VENDOR_ASKED, ANSWERED]
SOLVED_BY_FIRST = [*FIRST_LINE, ("李娜", "一线支持尝试解决", SOLVED)]
SOLVED_BY_SECOND = [*SECOND_LINE, ("郑浩", "二线尝试解决", SOLVED)]
SOLVED_BY_VENDOR = [*THIRD_LINE, ("郑浩", "三线/供应商尝试解决", SOLVED)]
ACCOUNT = [["帐号所在系统", "核心"], ["帐号使用人", "陈新"]]
HANDED_OFF: list[Turn] = [
    ("李娜", "服务请求处理流程", [["结果", "转出"], ["请求/申述单号", "REQ-1"], *ACCOUNT])
]

ROADS = {
    "收集信息": (CALL, []),
    "一线支持尝试解决": (CALL, FIRST_LINE),
    "分派至二线支持": (CALL, TO_DISPATCH),
    "二线受理": (CALL, DISPATCHED),
    "事件经理指定工作组": (CALL, [*DISPATCHED, REJECT, DISPATCH, REJECT]),
    "二线尝试解决": (CALL, SECOND_LINE),
    "联系供应商": (CALL, TO_VENDOR),
    "等待供应商响应": (CALL, VENDOR_ASKED),
    "三线/供应商尝试解决": (CALL, THIRD_LINE),
    "待客户": (CALL, [("李娜", "收集信息", [["结果", "待客户补充信息"], *HOLD])]),
    "待变更": (
        CALL,
        [*SECOND_LINE, ("郑浩", "二线尝试解决", [["结果", "待变更"], ["变更单号", "CH-1"], *HOLD])],
    ),
    "约定暂停": (CALL, [*SECOND_LINE, ("郑浩", "二线尝试解决", [["结果", "与客户约定暂停"], *HOLD])]),
    "待备件": (CALL, [*SECOND_LINE, ("郑浩", "二线尝试解决", [["结果", "待备件/待现场"], *HOLD])]),
    "与客户确认": (CALL, SOLVED_BY_SECOND),
    "与客户确认,一线解决": (CALL, SOLVED_BY_FIRST),
    "与客户确认,供应商解决": (CALL, SOLVED_BY_VENDOR),
    "关闭事件记录": (CALL, [*SOLVED_BY_SECOND, CONFIRM]),
    "服务请求处理流程": (REQUEST, []),
    "等待请求处理": (REQUEST, HANDED_OFF),
    "分析是否确属申述": (COMPLAINT, []),
    "已关闭": (CALL, [*SOLVED_BY_SECOND, CONFIRM, ("李娜", "关闭事件记录", [["事件结束代码", "C01"]])]),
    "已关闭,一线解决": (
        CALL,
        [*SOLVED_BY_FIRST, CONFIRM, ("李娜", "关闭事件记录", [["事件结束代码", "C01"]])],
    ),
}


def bring(world: World, place: str, priority: str = "P3") -> None:
    """A fresh call, by the shortest road to a place; an incident has this priority."""
    if place == "产生新记录":
        return world.draft("李娜")
    call, turns = ROADS[place]
    answer = world.record("李娜", call)
    assert answer.status_code == 201, answer.text
    for who, where, given in turns:
        rows = _judged(given, priority) if where == "收集信息" else given
        said = world.say(who, where[1:], rows) if where.startswith("!") else world.complete(who, where, rows)
        assert said.status_code == 200, f"{where}: {said.text}"
        world.work()
    return None


def _judged(rows: list[list[str]], priority: str) -> list[list[str]]:
    """The answer of 200.2 with the impact and urgency that make this priority."""
    chosen = dict(zip(("影响度", "紧急度"), JUDGED[priority], strict=True))
    return [[label, chosen.get(label, said)] for label, said in rows]
