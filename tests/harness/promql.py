"""What rules and dashboards ask Prometheus; of rules also the queries in annotations and labels."""

import json
import re

KEYWORDS = {"and", "or", "unless", "offset", "bool"}
STRING = r'("(?:[^"\\]|\\.)*"|`[^`]*`)'
QUERY = re.compile(rf"\bquery\s+(?:{STRING}|\(\s*printf\s+{STRING}(?:\s+[^\s()]+)*\s*\))")
FILLED = {"%q": '"x"', "%s": "x", "%v": "x", "%d": "1", "%f": "1", "%%": "%"}


def unquoted(literal):
    """What a string of Go's stands for, as far as PromQL needs."""
    return literal[1:-1] if literal[0] == "`" else json.loads(literal)


def queries_of(template):
    """The PromQL of each `query "…"` and `query (printf "…" …)`, with something for each %q.
    One that is written in another way is an error: it would go unread."""
    found = []
    for action in re.findall(r"\{\{(.*?)\}\}", template, re.S):
        queries = list(QUERY.finditer(action))
        outside = re.sub(STRING, '""', action)
        if len(queries) != len(re.findall(r"(?<![.$\w])query\b", outside)):
            raise ValueError(f"a query that nothing here can read: {{{{{action}}}}}")
        for query in queries:
            if query[1]:
                found.append(unquoted(query[1]))
            else:
                found.append(re.sub(r"%.", lambda verb: FILLED[verb[0]], unquoted(query[2])))
    return found


def asked_by(rule):
    """Every PromQL of a rule."""
    texts = [*rule.get("annotations", {}).values(), *rule.get("labels", {}).values()]
    return [rule["expr"], *(query for text in texts for query in queries_of(text))]


def selectors_in(expr):
    """(metric, labels matched, the matchers) of each selector."""
    expr = re.sub(r"\b(on|by|without|ignoring|group_left|group_right)\s*\([^)]*\)", "", expr)
    bare = re.sub(r"\{[^}]*\}", lambda braces: "{" + "_" * (len(braces[0]) - 2) + "}", expr)
    bare = re.sub(r"\[[^\]]*\]", lambda window: " " * len(window[0]), bare)
    for match in re.finditer(r"(?<![\w:.{])([A-Za-z_:][\w:]*)(?![\w:}]|\s*\()", bare):
        if match[1] not in KEYWORDS and not re.search(r"offset\s+$", bare[:match.start()]):
            braces = re.match(r"\{[^}]*\}", expr[match.end():])
            matchers = braces[0] if braces else ""
            yield match[1], set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)), matchers
