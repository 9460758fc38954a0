"""Why the desk refuses: each refusal has a stable code and a sentence in Chinese and English."""

from collections.abc import Mapping, Sequence
from typing import Any


class Refused(Exception):
    """The process guide does not allow this; nothing changed."""

    code = "refused"
    zh = "流程指南不允许此操作。"
    en = "The process guide does not allow this."

    def __init__(self, *names: str, **params: Any) -> None:
        """`names` are the fields of the answer that the refusal is about; `params` fill the sentence."""
        self.names = names
        self.params = params
        super().__init__(self.text("en"))

    def text(self, lang: str) -> str:
        """The sentence for an operator; `lang` is "zh" or "en"."""
        return (self.zh if lang == "zh" else self.en).format(**self.params)

    @property
    def fields(self) -> Mapping[str, Mapping[str, str]]:
        """The refused fields, each with the sentence in both languages."""
        return {name: {"zh": self.text("zh"), "en": self.text("en")} for name in self.names}


class NotAllowed(Refused):
    """This person may not do that (PROCESS §6.10)."""

    code = "not-allowed"
    zh = "{by} 无权执行「{what}」:限{who_zh}。"
    en = "{by} may not do “{what}”: only {who_en} may."


class SolverCannotConfirm(NotAllowed):
    """Who solved a call at second line does not confirm it (PROCESS §6.10)."""

    code = "solver-cannot-confirm"
    zh = "{by} 是二线解决人,不能代表客户确认。"
    en = "{by} solved the call at second line and cannot confirm it."


class UnknownCall(Refused):
    """There is no call with this number."""

    code = "call-not-found"
    zh = "没有编号为 {no} 的事件记录。"
    en = "There is no call {no}."


class UnknownPerson(Refused):
    """There is no active person with this staff number."""

    code = "person-not-found"
    zh = "没有工号为 {person} 的在职人员。"
    en = "There is no active person {person}."


class WithdrawInstead(Refused):
    """A call is not thrown away: it is withdrawn, so that the record ends as well (PROCESS §6.4)."""

    code = "withdraw-instead"
    zh = "事件 {no} 的流程不能直接取消;请用「撤回」(withdraw)结束。"
    en = "The process of call {no} cannot be cancelled; withdraw the call instead."


class CallClosed(Refused):
    """A closed record is not edited (POL-20)."""

    code = "call-closed"
    zh = "事件 {no} 已关闭,不能再修改。"
    en = "The call {no} is closed and is not edited any more."


class StaleCall(Refused):
    """Somebody else changed the call meanwhile; load it again."""

    code = "stale-call"
    zh = "事件 {no} 已被他人更新,请刷新后重试。"
    en = "The call {no} changed meanwhile; load it again."


class Missing(Refused):
    """A field that this outcome needs is empty."""

    code = "missing"
    zh = "缺少必填项:{what}。"
    en = "Required and missing: {what}."

    def __init__(self, *names: str) -> None:
        super().__init__(*names, what=", ".join(names))


class UnknownCode(Refused):
    """The value is not in its code table, or is disabled (PROCESS §6.7)."""

    code = "unknown-code"
    zh = "代码表「{table}」中没有可用的值「{value}」。"
    en = "“{value}” is not an active value of the code table “{table}”."


class UnknownRecord(Refused):
    """The reference data hold no such row."""

    code = "unknown-record"
    zh = "「{table}」中没有「{value}」。"
    en = "There is no “{value}” in “{table}”."


class RecordNotFound(Refused):
    """No row of the books or the reference data has this key."""

    code = "record-not-found"
    zh = "「{table}」中没有「{value}」。"
    en = "There is no “{value}” in “{table}”."


class AmbiguousRecord(Refused):
    """The name or phone fits several; say which by its key."""

    code = "ambiguous-record"
    zh = "「{value}」对应多条记录,请指明其中之一:{listed}。"
    en = "“{value}” fits several records; name one of them: {listed}."

    @property
    def candidates(self) -> Sequence[Mapping[str, Any]]:
        """The rows that fit."""
        found: Sequence[Mapping[str, Any]] = self.params["candidates"]
        return found


class NotEditable(Refused):
    """The field is not corrected at this status (code table `editable`)."""

    code = "not-editable"
    zh = "状态 {status} 下不能修改「{names[zh]}」({field})。"
    en = "“{names[en]}” ({field}) is not edited at status {status}."


class ListedOnly(Refused):
    """The order lists open calls only."""

    code = "listed-only"
    zh = "排序 {sort} 只列出未关闭的事件,不能与 open=false 同用。"
    en = "The order {sort} lists open calls only; it does not go with open=false."


class StaleNext(Refused):
    """The `next` of a page is of another list, order or filter, or too old; begin at the first page."""

    code = "stale-next"
    zh = "after 不是此列表(同样的筛选和排序)给出的 next,请从第一页重新开始。"
    en = "`after` is not a `next` of this list with these filters and this order; begin at the first page."


class NotALeaf(Refused):
    """Only leaves of the classification tree are stored (PROCESS §6.7.5)."""

    code = "not-a-leaf"
    zh = "分类「{value}」不是末级代码,请选择其下一级。"
    en = "The classification “{value}” is not a leaf; choose one below it."


class WrongBranch(Refused):
    """Level 1 of the classification equals the call type (PROCESS §6.7.5)."""

    code = "wrong-branch"
    zh = "分类「{value}」不属于呼叫类型 {call_type}。"
    en = "The classification “{value}” does not belong to the call type {call_type}."


class UnknownOutcome(Refused):
    """The outcome is missing or not listed for this step."""

    code = "unknown-outcome"
    zh = "「{field}」没有有效的结果(收到:{value})。"
    en = "“{field}” has no listed outcome (got: {value})."


class BadTime(Refused):
    """A time lies where it cannot (PROCESS §6.5.10, §6.11 invariant 4)."""

    code = "bad-time"
    zh = "时间「{field}」不合理:{rule_zh}。"
    en = "The time “{field}” is not possible: {rule_en}."


class TransitionRefused(Refused):
    """The status table does not have this transition (PROCESS §6.7.2)."""

    code = "transition-refused"
    zh = "事件 {no} 不能从 {old} 变为 {new}。"
    en = "The call {no} cannot go from {old} to {new}."


class WorkOrderRefused(Refused):
    """The work-order table does not have this transition (PROCESS §6.7.7)."""

    code = "work-order-refused"
    zh = "工单 {no} 不能从 {old} 变为 {new}。"
    en = "The work order {no} cannot go from {old} to {new}."


class LoweringRefused(NotAllowed):
    """Lowering P1 or P2 needs the incident manager (POL-05)."""

    code = "lowering-refused"
    zh = "把优先级从 {old} 降为 {new} 须由事件经理批准。"
    en = "Lowering the priority from {old} to {new} needs the incident manager."


class NotPrioritised(Refused):
    """Only an incident that has a priority can change it."""

    code = "not-prioritised"
    zh = "事件 {no} 还没有优先级(或不是事件),不能修改。"
    en = "The call {no} has no priority yet, or is no incident; there is nothing to change."


class NotASecondLine(Refused):
    """A dispatch goes to an active second-line group (PROCESS §6.4, 200.5)."""

    code = "not-a-second-line"
    zh = "「{group}」不是有效的二线工作组。"
    en = "“{group}” is not an active second-line group."


class RejectionIsFinal(Refused):
    """After the second refusal the manager decides, without appeal (POL-13)."""

    code = "rejection-is-final"
    zh = "已被拒绝 {count} 次,工作组由事件经理指定,不能再拒绝。"
    en = "Refused {count} times already; the incident manager designates and nobody refuses again."


class HoldRefused(Refused):
    """This hold is not allowed for this priority (PROCESS §6.5.4)."""

    code = "hold-refused"
    zh = "优先级 {priority} 不允许挂起 {hold}{who_zh}。"
    en = "A call of priority {priority} may not be put on hold {hold}{who_en}."


class EndHoldFirst(Refused):
    """A call on a hold that its new priority forbids is taken off the hold first (PROCESS §6.5.4)."""

    code = "end-hold-first"
    zh = "事件 {no} 正在挂起 {hold},优先级 {priority} 或重大事件不允许或须由事件经理决定;请先结束挂起。"
    en = "{no} is on hold {hold}, which {priority} forbids or leaves to the manager; end the hold first."


class HoldTooLong(Refused):
    """The expected resume lies beyond the longest hold (PROCESS §6.5.4)."""

    code = "hold-too-long"
    zh = "挂起 {hold} 最迟须在 {limit} 恢复。"
    en = "The hold {hold} must end by {limit}."


class ParentRefused(Refused):
    """The named parent cannot take children (PROCESS §6.5.5)."""

    code = "parent-refused"
    zh = "{parent} 不能作为主事件:{why_zh}。"
    en = "{parent} cannot be the parent: {why_en}."


class ConfirmationEmpty(Refused):
    """A confirmation says what the customer said; an empty one is refused, the second as the first."""

    code = "confirmation-empty"
    zh = "确认结果为空:请填写客户的答复(第 {round} 次确认)。"
    en = "The confirmation is empty: say what the customer answered (confirmation no. {round})."


class ClosureCodeRefused(Refused):
    """The closure code is not valid for the path of this call (PROCESS §6.7.3)."""

    code = "closure-code-refused"
    zh = "结束代码 {closure} 不适用于此事件:{why_zh}。"
    en = "The closure code {closure} does not fit this call: {why_en}."


class ProblemNeeded(Refused):
    """A workaround on P1 or P2 closes with its problem record only (PROCESS §6.4, 200.10)."""

    code = "problem-needed"
    zh = "{priority} 以 {closure} 关闭前必须登记问题单号。"
    en = "Before a {priority} is closed as {closure} its problem record must be named."


class WorkOrdersOpen(Refused):
    """A call closes when its work orders are done (PROCESS §6.4, 200.10)."""

    code = "work-orders-open"
    zh = "工单 {orders} 尚未完成,不能关闭。"
    en = "The work orders {orders} are not done; the call cannot be closed."


class ChildrenOpen(Refused):
    """A parent does not close while a child is not yet solved (PROCESS §6.5.5)."""

    code = "children-open"
    zh = "从事件 {children} 尚未解决,主事件不能关闭。"
    en = "The children {children} are not solved; the parent cannot be closed."


class ReopenRefused(Refused):
    """A call reopens within its window and with a success code only (PROCESS §6.5.7)."""

    code = "reopen-refused"
    zh = "事件 {no} 不能重新打开:{why_zh}。"
    en = "The call {no} cannot be reopened: {why_en}."


class ReturnRefused(Refused):
    """A request returns as an incident in its own instance, while it is handed off (PROCESS §6.7.2)."""

    code = "return-refused"
    zh = "呼叫 {no} 不能另起流程退回为事件:已转出的用消息 request_done 退回,已关闭的另建新呼叫。"
    en = "{no} returns in no new instance: handed off, by the message request_done; closed, as a new call."


class EscalationRefused(Refused):
    """This escalation cannot be started or raised (PROCESS §6.6)."""

    code = "escalation-refused"
    zh = "事件 {no} 不能升级:{why_zh}。"
    en = "The call {no} cannot be escalated: {why_en}."


class DecisionLimited(Refused):
    """This trigger asks for one of its own decisions (PROCESS §6.4, 200.9)."""

    code = "decision-limited"
    zh = "事件 {no} 因 {trigger} 升级,决策只能是:{only_zh}。"
    en = "The call {no} was escalated by {trigger}: the decision is one of {only_en}."


class NoEngagement(Refused):
    """No vendor is engaged on this call."""

    code = "no-engagement"
    zh = "事件 {no} 没有进行中的供应商处理。"
    en = "No vendor is engaged on the call {no}."


class PromiseNotNow(Refused):
    """A promise is recorded while vendor or third line works on the call (PROCESS §6.4, 200.8)."""

    code = "promise-not-now"
    zh = "事件 {no}(步骤 {step},状态 {status})没有供应商或三线正在处理,不能登记承诺。"
    en = "No vendor or third line works on {no} (step {step}, status {status}): no promise is recorded."


class NotAMember(Refused):
    """Who handles a hand-off is a member of the group that it goes to (PROCESS §6.4, 200.3)."""

    code = "not-a-member"
    zh = "{person} 不是工作组 {group} 的成员。"
    en = "{person} is no member of the group {group}."


class HandlerConcerned(Refused):
    """Nobody handles the 申述 about himself (POL-09)."""

    code = "handler-concerned"
    zh = "{person} 是被申述人,不能处理此申述。"
    en = "{person} is the person complained about and cannot handle it."


class NotByHand(Refused):
    """The process makes work orders of this type itself (code table `work_order_by_hand`)."""

    code = "not-by-hand"
    zh = "{type} 类工单由流程生成,不能手工新建。"
    en = "Work orders of type {type} are made by the process, not by hand."


class WorkOrderNotNow(Refused):
    """At this status no work order of this type is made by hand, and never for a duplicate."""

    code = "work-order-not-now"
    zh = "事件 {no}(状态 {status})现在不能新建 {type} 类工单。"
    en = "No work order of type {type} is made for the call {no} at status {status}."


class CarriedByTask(Refused):
    """A task of the diagram carries this work order: it is stepped there, and the work order follows."""

    code = "carried-by-task"
    zh = "工单 {no} 由步骤 {step} 的任务 {task} 办理,请在该任务中操作。"
    en = "The work order {no} is carried by the task {task} of step {step}; use that task."


class NotOfThisRequest(Refused):
    """The request form of this leaf has no such field (code table `request_field`)."""

    code = "not-of-this-request"
    zh = "{classification} 的请求单没有这些项:{names}。"
    en = "The request form of {classification} has no such fields: {names}."


class ComplaintRefused(Refused):
    """A 申述 is about an incident that exists (PROCESS §6.4, 200.3)."""

    code = "complaint-refused"
    zh = "{related} 不能作为被申述的事件:{why_zh}。"
    en = "{related} cannot be the incident complained about: {why_en}."


class HandOffByProcess(Refused):
    """Hand-offs to this process are made and answered by step 200.3."""

    code = "hand-off-by-process"
    zh = "转 {process} 由步骤 200.3 办理:请用工单 {order} 或消息 request_done。"
    en = "The hand-off to {process} is step 200.3's: use the work order {order} or the message request_done."


class HandOffAnswered(Refused):
    """A hand-off is answered for good once; open another one."""

    code = "hand-off-answered"
    zh = "事件 {no} 的转出单 {seq} 已办结({result})。"
    en = "The hand-off {seq} of the call {no} is answered already ({result})."


class ChangeNotAwaited(Refused):
    """A call that waits for a change goes on by the word on that one (PROCESS §6.4, 200.6)."""

    code = "change-not-awaited"
    zh = "事件 {no} 等待的是变更 {awaited};变更 {ref} 请在它自己的转出单上答复。"
    en = "The call {no} waits for the change {awaited}; answer {ref} at its own hand-off."


class NotIncoming(NotAllowed):
    """The hand-over list is acknowledged by the incoming agent whom the roster names (PROCESS §6.5.9)."""

    code = "not-incoming"
    zh = "交接班 {change} 由接班人 {incoming} 确认,{by} 不能代为确认。"
    en = "The hand-over {change} is acknowledged by {incoming}; {by} cannot do it."


class HandOverAcknowledged(Refused):
    """A hand-over is acknowledged once."""

    code = "hand-over-acknowledged"
    zh = "交接班 {change} 已由 {owner} 确认。"
    en = "The hand-over {change} is acknowledged already, by {owner}."


class HandOverOver(Refused):
    """The time to acknowledge is over: the calls are the shift leader's, or the next shift's."""

    code = "hand-over-over"
    zh = "交接班 {change} 的确认时限 {due} 已过,呼叫已转班长或下一班。"
    en = "The hand-over {change} was due by {due}; its calls are with the shift leader or the next shift."
