"""The sentences of the rules, in Chinese and in English; the element and its line are put before them."""

from collections.abc import Mapping

WARNINGS = frozenset(
    {"ignored-attribute", "vanished-id", "dangling-shape", "unchecked-gateway", "overlapping-conditions",
     "message-unchecked"}
)  # fmt: skip

SENTENCES: Mapping[str, tuple[str, str]] = {
    # the file
    "not-bpmn": ("文件的根元素不是 BPMN 的 definitions", "the root of the file is not BPMN definitions"),
    "no-diagram": ("没有要部署的 .bpmn 文件", "there is no .bpmn file to deploy"),
    "not-executable": ("文件中没有可执行的流程(isExecutable)", "no process in the file is executable"),
    # identity and references
    "missing-id": ("元素没有 id", "the element has no id"),
    "bad-id": (
        "id「{id}」不合规:须以字母或下划线开头,只含字母、数字、_ - .",
        "the id “{id}” must start with a letter or _ and hold only letters, digits, _ - .",
    ),
    "reserved-id": (
        "id「{id}」是流程引擎的保留字,请改用别的 id",
        "the id “{id}” is reserved by the engine; give the element another one",
    ),
    "duplicate-id": ("id「{id}」在文件中重复(第 {other} 行)", "the id “{id}” is also used in line {other}"),
    "duplicate-process": (
        "流程 id「{id}」在文件 {other} 中已存在",
        "the process id “{id}” is also in {other}",
    ),
    "dangling-reference": (
        "{attribute} 指向不存在的「{target}」",
        "{attribute} refers to “{target}”, which does not exist",
    ),
    "wrong-reference": (
        "{attribute} 指向「{target}」,它是 {kind},类型不对",
        "{attribute} refers to “{target}”, a {kind}, which is the wrong kind of element",
    ),
    "missing-reference": ("缺少 {attribute}", "{attribute} is missing"),
    "crossing-flow": (
        "顺序流跨越了流程或子流程的边界",
        "the sequence flow crosses the border of a process or subprocess",
    ),
    "flow-lists-disagree": (
        "{list} 列出的「{flow}」与顺序流的起止点不一致",
        "{list} and the ends of the sequence flow “{flow}” disagree",
    ),
    "message-flow-same-pool": ("消息流的两端在同一个池内", "the message flow stays within one pool"),
    "message-flow-end": (
        "消息流不能{verb_zh}「{target}」({kind})",
        "a message flow cannot {verb_en} “{target}” ({kind})",
    ),
    "operation-message": (
        "消息与操作「{operation}」的消息不同",
        "its message is not a message of the operation “{operation}”",
    ),
    "dangling-shape": ("图形指向不存在的「{target}」", "the shape shows “{target}”, which does not exist"),
    "vanished-id": (
        "上一版本中的元素「{id}」不见了;运行中的实例将无法迁移",
        "the element “{id}” of the previous version has gone; running instances cannot migrate",
    ),
    # what this engine does not run
    "unsupported-element": ("不支持元素 {kind}", "the element {kind} is not supported"),
    "misplaced-element": (
        "元素 {kind} 不能放在 {parent} 中",
        "the element {kind} cannot stand in a {parent}",
    ),
    "bare-task": (
        "任务没有类型;请改为用户任务或服务任务",
        "the task has no type; make it a user task or a service task",
    ),
    "manual-task": (
        "手工任务无人可领;请改为用户任务",
        "nobody can claim a manual task; make it a user task",
    ),
    "script-task": (
        "不执行流程图中的脚本;请改为服务任务",
        "scripts in diagrams are not run; make it a service task",
    ),
    "business-rule-task": (
        "暂不支持业务规则任务(DMN);请改为服务任务",
        "business rule tasks (DMN) are not supported yet; make it a service task",
    ),
    "complex-gateway": ("不支持复杂网关", "complex gateways are not supported"),
    "event-subprocess": (
        "不支持事件子流程;请用边界事件",
        "event subprocesses are not supported; use a boundary event",
    ),
    "transaction": ("不支持事务子流程", "transactions are not supported"),
    "ad-hoc": ("不支持即席子流程", "ad-hoc subprocesses are not supported"),
    "signal-event": ("不支持信号事件;请用消息", "signal events are not supported; use a message"),
    "link-event": ("不支持链接事件;请直接画顺序流", "link events are not supported; draw the sequence flow"),
    "compensation": ("不支持补偿", "compensation is not supported"),
    "conditional-event": ("不支持条件事件", "conditional events are not supported"),
    "cancel-event": ("不支持取消事件", "cancel events are not supported"),
    "message-throw": (
        "不支持抛出消息的事件;请用带主题的发送任务",
        "events that throw a message are not supported; use a send task with a topic",
    ),
    "start-kind": (
        "开始事件不能带{kind}定义;流程由调用启动",
        "the start event cannot have a {kind} definition; instances are started by a call",
    ),
    "multiple-events": ("一个事件只能有一个事件定义", "an event can have one event definition only"),
    "event-reference": (
        "不支持 eventDefinitionRef;请把定义放在事件内",
        "eventDefinitionRef is not supported; put the definition into the event",
    ),
    "data-flow": (
        "数据输入输出不会执行;变量由表单和处理程序写入,请删除",
        "data inputs and outputs are not run; forms and handlers write the variables, so delete it",
    ),
    "choreography": ("不支持编排图和会话图", "choreographies and conversations are not supported"),
    "resource-role": (
        "不读取资源角色;请填写候选组(candidateGroups)",
        "resource roles are not read; fill in the candidate groups",
    ),
    "unsupported-value": ("不支持 {attribute}=「{value}」", "{attribute}=“{value}” is not supported"),
    "unsupported-attribute": (
        "不支持属性 {attribute};引擎会忽略它,请删除",
        "the attribute {attribute} is not supported and would be ignored; delete it",
    ),
    "unsupported-extension": (
        "不支持扩展 {kind};引擎会忽略它,请删除",
        "the extension {kind} is not supported and would be ignored; delete it",
    ),
    "ignored-attribute": ("属性 {attribute} 在此不起作用", "the attribute {attribute} has no effect here"),
    "expression-language": (
        "不支持表达式语言「{language}」",
        "the expression language “{language}” is not supported",
    ),
    "mime-type": ("「{value}」不是有效的 MIME 类型", "“{value}” is not a MIME type"),
    # the way through
    "no-start": ("没有开始事件", "there is no start event"),
    "several-starts": ("有多个开始事件;只能有一个", "there are several start events; only one is allowed"),
    "no-end": ("没有结束事件,流程永远不会返回", "there is no end event, so it never returns"),
    "start-incoming": ("开始事件不能有进入的顺序流", "a start event cannot have incoming flows"),
    "end-outgoing": ("结束事件不能有离开的顺序流", "an end event cannot have outgoing flows"),
    "boundary-incoming": ("边界事件不能有进入的顺序流", "a boundary event cannot have incoming flows"),
    "unreachable": ("从开始事件无法到达", "it cannot be reached from the start event"),
    "dead-end": ("从这里无法到达结束事件", "no end event can be reached from here"),
    "implicit-split": (
        "有多条离开的顺序流;请用网关分支",
        "it has several outgoing flows; split with a gateway",
    ),
    "automatic-loop": (
        "循环中没有用户任务或等待事件,会无限循环(经过 {nodes})",
        "the loop has no user task or waiting event and would never stop (through {nodes})",
    ),
    "parallel-in-loop": (
        "循环中不能有并行网关:汇合会提前触发",
        "a parallel gateway cannot stand in a loop: its join fires early",
    ),
    "inclusive-in-loop": (
        "循环中不能有包容网关:汇合会出错",
        "an inclusive gateway cannot stand in a loop: its join goes wrong",
    ),
    # gateways and conditions
    "gateway-direction": (
        "gatewayDirection=「{direction}」与 {incoming} 进 {outgoing} 出不符",
        "gatewayDirection “{direction}” does not fit {incoming} incoming and {outgoing} outgoing flows",
    ),
    "useless-gateway": (
        "网关须有多条进入或多条离开的顺序流",
        "a gateway needs several incoming or several outgoing flows",
    ),
    "condition-outside-gateway": (
        "条件会被忽略:「{source}」不是排他或包容网关",
        "the condition would be ignored: “{source}” is not an exclusive or inclusive gateway",
    ),
    "missing-condition": (
        "离开网关「{source}」的顺序流没有条件,也不是默认流",
        "the flow leaves the gateway “{source}” without a condition and is not its default",
    ),
    "default-not-outgoing": (
        "默认流「{flow}」不是它的离开流",
        "the default flow “{flow}” does not leave it",
    ),
    "default-with-condition": ("默认流不能有条件", "a default flow cannot have a condition"),
    "business-default": (
        "网关按「{variable}」分支,其取值已由表单或消息列出,不能有默认流",
        "it asks for “{variable}”, whose values a form or message lists, so it must have no default flow",
    ),
    "value-without-flow": (
        "「{variable}」的取值 {values} 没有对应的顺序流",
        "the values {values} of “{variable}” have no flow",
    ),
    "unknown-value": (
        "条件中的取值「{value}」不在「{variable}」的取值 {values} 之内",
        "the condition asks for “{value}”, but “{variable}” can only be {values}",
    ),
    "incomplete-gateway": (
        "没有默认流,且 {case} 时没有任何条件成立",
        "there is no default flow and no condition holds for {case}",
    ),
    "unchecked-gateway": (
        "没有默认流,且无法检查条件是否完整",
        "there is no default flow and the conditions cannot be checked for gaps",
    ),
    "overlapping-conditions": (
        "{case} 时有多个条件成立,只走第一条",
        "several conditions hold for {case}; only the first is taken",
    ),
    "invalid-expression": ("表达式「{text}」无效:{why_zh}", "the expression “{text}” is not valid: {why_en}"),
    "not-a-condition": (
        "「{text}」不是条件:结果不是真或假",
        "“{text}” is not a condition: it is neither true nor false",
    ),
    "informal-expression": (
        "{kind} 须标明 xsi:type=tFormalExpression,否则只是文字说明",
        "{kind} needs xsi:type=tFormalExpression, or it is only words",
    ),
    "event-gateway-branches": (
        "事件网关至少要有两条离开的顺序流",
        "an event gateway needs at least two outgoing flows",
    ),
    "event-gateway-timers": (
        "事件网关后只能有一个定时;多个定时会共用一个到期时间",
        "an event gateway can have one timer only; several would share one due date",
    ),
    "event-gateway-successor": (
        "事件网关后的「{target}」必须是捕获事件或接收任务,没有边界事件,且只有一条进入流",
        "“{target}” after an event gateway must be a catch event or receive task with no other way in or out",
    ),
    "event-gateway-mixed": (
        "事件网关后不能同时用消息事件和接收任务",
        "an event gateway cannot mix message events and receive tasks",
    ),
    "same-message": (
        "消息「{message}」在此等待了两次,无法区分",
        "it waits for the message “{message}” twice, which cannot be told apart",
    ),
    # events
    "event-not-here": ("{position} 不能是{kind}事件", "a {position} cannot be a {kind} event"),
    "event-missing": ("{position} 没有事件定义", "the {position} has no event definition"),
    "message-unnamed": ("消息「{message}」没有名称", "the message “{message}” has no name"),
    "message-expression": (
        "消息名称「{message}」不能是表达式",
        "the message name “{message}” cannot be an expression",
    ),
    "message-unchecked": (
        "没有表单 {form}.form,这个消息带来的内容不会被检查",
        "there is no {form}.form, so nothing checks what the message carries",
    ),
    "non-interrupting-message": (
        "非中断的消息边界事件只会触发一次;请改为中断,或用任务作业",
        "a non-interrupting message boundary event fires once only; make it interrupting or use a job",
    ),
    "error-boundary-place": (
        "{kind}边界事件只能附着在子流程或调用活动上",
        "an {kind} boundary event works on a subprocess or call activity only",
    ),
    "error-interrupts": ("错误边界事件必须是中断的", "an error boundary event must be interrupting"),
    "error-uncaught": (
        "没有边界事件捕获这个{kind},它会被忽略",
        "no boundary event catches this {kind}, so it would be lost",
    ),
    "code-missing": ("{kind}「{target}」没有代码", "the {kind} “{target}” has no code"),
    "boundary-never-waits": (
        "「{host}」立即完成,其边界事件永远不会触发",
        "“{host}” completes at once, so its boundary event never fires",
    ),
    "timer-missing": (
        "定时事件须填写且只填写一个日期、时长或循环",
        "a timer needs exactly one date, duration or cycle",
    ),
    "invalid-timer": ("定时「{text}」无效:{why_zh}", "the timer “{text}” is not valid: {why_en}"),
    "cycle-place": (
        "循环定时只能用于非中断的边界事件",
        "a cycle works on a non-interrupting boundary event only",
    ),
    # activities
    "service-topic": (
        "须设为外部任务并填写主题(camunda:type=external, camunda:topic)",
        "it must be an external task with a topic (camunda:type=external, camunda:topic)",
    ),
    "unknown-topic": (
        "没有名为「{topic}」的处理主题",
        "there is no handler for the topic “{topic}”",
    ),
    "receive-message": ("接收任务没有指定消息", "the receive task has no message"),
    "unassigned": (
        "用户任务没有候选组,也没有办理人",
        "the user task has neither candidate groups nor an assignee",
    ),
    "candidate-users": (
        "不支持候选人(candidateUsers);请用候选组或办理人",
        "candidate users are not supported; use candidate groups or an assignee",
    ),
    "invalid-priority": (
        "优先级「{value}」不是整数或表达式",
        "the priority “{value}” is neither an integer nor an expression",
    ),
    "invalid-date": (
        "{attribute}「{value}」不是带时区的日期时间或表达式",
        "{attribute} “{value}” is neither a date with an offset nor an expression",
    ),
    "unknown-form": (
        "没有表单「{form}」;请把 {form}.form 与流程图一起部署",
        "there is no form “{form}”; deploy {form}.form together with the diagram",
    ),
    "form-binding": (
        "表单绑定必须是 deployment",
        "the form binding must be “deployment”",
    ),
    "called-process": ("被调用的流程「{process}」不存在", "the called process “{process}” does not exist"),
    "recursive-call": ("流程直接或间接调用了自己({calls})", "the process calls itself ({calls})"),
    "call-mapping": (
        "不支持变量映射;被调用流程得到全部变量并全部返回",
        "variable mappings are not supported; a called process gets all variables and returns them",
    ),
    "two-loop-markers": (
        "不能同时是循环和多实例",
        "an activity cannot be a loop and multi-instance at once",
    ),
    "loop-condition": (
        "循环须有条件或最大次数",
        "a loop needs a condition or a maximum",
    ),
    "multi-instance-count": (
        "多实例须填写基数或集合之一(loopCardinality 或 loopDataInputRef)",
        "multi-instance needs either a loopCardinality or a loopDataInputRef",
    ),
    "multi-instance-collection": (
        "不支持 camunda:{attribute};请用 loopDataInputRef 与 inputDataItem",
        "camunda:{attribute} is not supported; use loopDataInputRef and inputDataItem",
    ),
    "multi-instance-behavior": (
        "多实例不支持复杂行为",
        "a complex behaviour of multi-instance is not supported",
    ),
    "invalid-number": ("{attribute}「{value}」不是正整数", "{attribute} “{value}” is not a positive integer"),
}
