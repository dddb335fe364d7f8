"""The instructions of the prompt multi-stage-build, as somebody reads them who does what they say and nothing else.

`## Stage N: NAME (checkpoint `POINT`)` begins a stage, whose steps are numbered. A step asks for a tool call in one of two ways,

    `get_image(image="tag:NAME")`
    Call `run` with `image=BASE`, `disposable=false` and this `command`: `make`

and says what to keep of the result, under a NAME IN CAPITALS: "BASE is the `image` of the result", "save `result_image` as
DEPS_IMAGE". A value in capitals stands for what was kept.
"""

import ast
import re
from dataclasses import dataclass, field

# A code span of any number of backticks, or a fenced block.
CODE = re.compile(r"\n\n(?P<fence>`{3,})\n(?P<block>.*?)\n(?P=fence)(?=\n)|(?P<ticks>`+)(?P<span>.+?)(?P=ticks)(?!`)", re.DOTALL)
KEPT = re.compile(r"\b([A-Z][A-Z_]{2,})\b")


class Unreadable(Exception):
    """The instructions are not what a reader can follow."""


@dataclass
class Name:
    """Stands for a value that was kept."""

    name: str


@dataclass
class Call:
    tool: str
    arguments: dict


@dataclass
class Step:
    text: str
    calls: list = field(default_factory=list)
    keeps: dict = field(default_factory=dict)  # NAME -> field of the result


@dataclass
class Stage:
    number: int
    name: str
    checkpoint: str
    steps: list


def code_of(match):
    if match["block"] is not None:
        return match["block"]
    span = match["span"]
    if span.startswith(" ") and span.endswith(" ") and span.strip():
        span = span[1:-1]
    return span


def parse_value(node):
    if isinstance(node, ast.Name):
        constants = {"true": True, "false": False, "null": None}
        return constants[node.id] if node.id in constants else Name(node.id)
    if isinstance(node, ast.List):
        return [parse_value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {parse_value(key): parse_value(value) for key, value in zip(node.keys, node.values)}
    return ast.literal_eval(node)


def parse_call(code):
    """`tool(name=value, ...)`; nothing when the code is none, or only hints at one with dots."""
    if "…" in code or not re.match(r"\w+\(.*\)$", code, re.DOTALL):
        return None
    try:
        node = ast.parse(code, mode="eval").body
        return Call(node.func.id, {keyword.arg: parse_value(keyword.value) for keyword in node.keywords})
    except (SyntaxError, AttributeError, ValueError) as error:
        raise Unreadable(f"`{code}`: {error}") from error


def parse_argument(code):
    """`name=value`, as a pair."""
    found = re.fullmatch(r"(\w+)=(.+)", code, re.DOTALL)
    if not found:
        return None
    try:
        return found[1], parse_value(ast.parse(found[2], mode="eval").body)
    except (SyntaxError, ValueError):
        return None


def parse_step(text):
    step = Step(text)
    spoken = re.search(r"\bCall `(\w+)` with ", text)
    if spoken:
        call = Call(spoken[1], {})
        rest = text[spoken.end():]
        for match in CODE.finditer(rest):
            before = rest[:match.start()]
            if re.search(r"this `(\w+)`:\s*$", before):
                call.arguments[re.findall(r"this `(\w+)`:\s*$", before)[0]] = code_of(match)
                break
            argument = parse_argument(code_of(match))
            if argument:
                call.arguments[argument[0]] = argument[1]
        step.calls.append(call)
    else:
        step.calls += filter(None, (parse_call(code_of(match)) for match in CODE.finditer(text)))
    for name, of_result in re.findall(r"\b([A-Z][A-Z_]+) is the `(\w+)`\s+of the result", text):
        step.keeps[name] = of_result
    for of_result, name in re.findall(r"\bsave\s+`(\w+)`\s+as\s+([A-Z][A-Z_]+)", text):
        step.keeps[name] = of_result
    for name in re.findall(r"\b([A-Z][A-Z_]+) is its UUID", text):
        step.keeps[name] = "uuid"
    return step


def without_fences(text):
    """The text with the content of fenced blocks blanked, of the same length."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0]) if match["block"] is not None else match[0]
    return CODE.sub(blank, text)


def parse_steps(text):
    """The numbered steps; numbers in fenced blocks are none."""
    starts = [match.start() for match in re.finditer(r"^\d+\. ", without_fences(text), re.MULTILINE)]
    return [parse_step(text[start:end].rstrip() + "\n") for start, end in zip(starts, [*starts[1:], len(text)])]


def parse_stages(text):
    bare = without_fences(text)
    headings = list(re.finditer(r"^## (.*)$", bare, re.MULTILINE))
    stages = []
    for heading, end in zip(headings, [*(each.start() for each in headings[1:]), len(text)]):
        found = re.fullmatch(r"Stage (\d+): (.+?)(?: \((?:checkpoint `([\w-]+)`|[\w-]+)\))?", heading[1])
        if found:
            stages.append(Stage(int(found[1]), found[2], found[3], parse_steps(text[heading.end():end])))
    if [stage.number for stage in stages] != [1, 2, 3, 4]:
        raise Unreadable(f"the stages are {[stage.number for stage in stages]}")
    return stages


def section(text, title):
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise Unreadable(f"there is no section '{title}'")
    return found[1]
