#!/usr/bin/python3
"""Makes one small mistake at a time in the alert rules; the promtool tests must notice each.

    mutate.py            every rule; prints what survived and ends with "N mutants, N survived"
    mutate.py NAME...    these alerts and recording rules only
    mutate.py --list     the mutants, without running them

A mutant is run with nothing but its own rule, what that takes and the cases that mention it, so that
hundreds of them take half a minute.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
RECORDING = "upkeep-recording"

# Mistakes that change nothing, and why. One that a test does notice is an error, so that this list
# can't outlive its reasons.
SAME_JOB = "both sides of the operator are matched by job"
EITHER = "alert and recording rule both ask whether the node answers; either is enough"
EQUIVALENT = {
    ("upkeep:remediation_actions:increase30m",
     "upkeep_remediation_actions_total without its job"): SAME_JOB,
    ("upkeep:remediation_action_failures:increase30m",
     "upkeep_remediation_action_failures_total without its job"): SAME_JOB,
    ("UpkeepDrbdResyncStalled", "upkeep_drbd_out_of_sync_bytes without its job"): SAME_JOB,
    ("UpkeepVmOnVanishedNode", "up[3m] longer"): EITHER,
    ("upkeep:vm_wanted:remembered", "up[3m] longer"): EITHER,
    ("upkeep:vm_wanted:remembered", "upkeep_vm_wanted[10m] longer"):
        "nothing is remembered for longer than that anyway",
}


@dataclasses.dataclass(frozen=True)
class Mutant:
    rule: str  # name of the alert or recording rule
    what: str
    field: str  # "expr", "for", "severity" or "description"
    text: str  # the field's new value


def rules():
    """(group, rule) of every rule, in the order of files."""
    for path in sorted((REPOSITORY / "alerts").glob("*.rules.yml")):
        for group in yaml.load(path.read_text(), yaml.CSafeLoader)["groups"]:
            for rule in group["rules"]:
                yield group["name"], rule


def name_of(rule):
    return rule.get("alert") or rule["record"]


def cases():
    """Every promtool test case."""
    for path in sorted((REPOSITORY / "tests/alerts").glob("*_test.yml")):
        yield from yaml.load(path.read_text(), yaml.CSafeLoader)["tests"]


def seconds(duration):
    return sum(int(n) * {"s": 1, "m": 60, "h": 3600}[unit]
               for n, unit in re.findall(r"(\d+)([smh])", duration))


def replaced(expr, match, new):
    return expr[:match.start()] + new + expr[match.end():]


def windows(expr):
    for match in re.finditer(r"\[(\w+)\]", expr):
        metric = re.findall(r"[\w:]+(?=\{|$)", expr[:match.start()])[-1]
        for factor, word in ((1 / 3, "shorter"), (4, "longer")):
            yield f"{metric}{match[0]} {word}", replaced(
                expr, match, f"[{int(seconds(match[1]) * factor)}s]")
    for match in re.finditer(r"last_over_time\(([\w:]+(?:\{[^}]*\})?)\[\w+\]( offset \w+)?\)", expr):
        yield f"no last_over_time of {match[1]}", replaced(expr, match, match[1] + (match[2] or ""))


def offsets(expr):
    for match in re.finditer(r"offset (\w+)", expr):
        yield "half the offset", replaced(expr, match, f"offset {seconds(match[1]) // 2}s")
        yield "twice the offset", replaced(expr, match, f"offset {seconds(match[1]) * 2}s")


def comparisons(expr):
    other = {"==": ["!="], ">": [">=", "<"], ">=": [">", "<"], "<": ["<=", ">"]}
    for match in re.finditer(r"(==|>=|>|<)(\s+)(-?[\d.]+)?", expr):
        for operator in other[match[1]]:
            yield f"'{match[0].strip()}' with {operator}", replaced(
                expr, match, operator + match[2] + (match[3] or ""))
        if match[3]:
            number = float(match[3])
            if number in (0, 1) and match[1] == "==":
                numbers = [1 - number]
            elif number == 0:
                numbers = [5]
            elif number in (1, 3):  # a count
                numbers = [number - 1, number + 1]
            else:
                numbers = [number * 0.8, number * 1.25]
            for changed in numbers:
                yield f"'{match[0].strip()}' with {changed:g}", replaced(
                    expr, match, f"{match[1]}{match[2]}{changed:g}")


def operators(expr):
    for match in re.finditer(r"\b(and|unless|or)\b(?= on|\s*\()", expr):
        for operator in {"and": ["or", "unless"], "unless": ["and", "or"], "or": ["unless"]}[match[1]]:
            if operator == "or" and match[1] == "unless":
                continue  # many of these are no rule at all
            yield f"'{match[0]}' number {expr[:match.start()].count(match[0])} as {operator}", replaced(
                expr, match, operator)
    swap = {"max": "min", "sum": "max", "increase": "delta"}
    for match in re.finditer(r"\b(max|sum)(?= (?:by|without))", expr):
        yield f"{match[0]} as {swap[match[0]]}", replaced(expr, match, swap[match[0]])


def groupings(expr):
    for match in re.finditer(r"\b(on|by) \(([^)]*)\)", expr):
        labels = match[2].split(", ")
        for label in labels:
            # Both sides of an "on" are of one job already.
            if match[1] == "on" and label == "job":
                continue
            fewer = ", ".join(other for other in labels if other != label)
            yield f"'{match[0]}' number {expr[:match.start()].count(match[0])} without {label}", \
                replaced(expr, match, f"{match[1]} ({fewer})")


def matchers(expr):
    for braces in re.finditer(r"\{([^}]*)\}", expr):
        found = re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', braces[1])
        metric = re.search(r"[\w:]+$", expr[:braces.start()])[0]

        def with_matchers(changed):
            return replaced(expr, braces, "{" + ", ".join(f'{k}{o}"{v}"' for k, o, v in changed) + "}")

        for at, (label, operator, value) in enumerate(found):
            rest = found[:at] + found[at + 1:]
            yield f"{metric} without its {label}", with_matchers(rest)
            flipped = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}[operator]
            yield f"{metric} with {label}{flipped}", with_matchers(
                found[:at] + [(label, flipped, value)] + found[at + 1:])
            for one in value.split("|") if "|" in value else []:
                left = "|".join(other for other in value.split("|") if other != one)
                yield f"{metric} with {label} lacking {one}", with_matchers(
                    found[:at] + [(label, operator, left)] + found[at + 1:])


def questions(description):
    """Queries in an annotation, {{ query (printf "metric{label=%q}" $labels.label) }}, that ask too much."""
    for match in re.finditer(r'\(printf "([^"]*)"((?: \$labels\.\w+)*)\)', description):
        arguments = match[2].split()
        for at, label in enumerate(re.findall(r"(\w+)=%q", match[1])):
            question = match[1].replace(f"{label}=%q", f"{label}=~%q")
            anything = " ".join(arguments[:at] + ['".*"'] + arguments[at + 1:])
            yield f"an annotation for any {label}", replaced(
                description, match, f'(printf "{question}" {anything})')


def mutants_of(rule):
    name, expr = name_of(rule), rule["expr"]
    seen = set()
    for make in (windows, offsets, comparisons, operators, groupings, matchers):
        for what, text in make(expr):
            if text not in seen and text != expr:
                seen.add(text)
                yield Mutant(name, what, "expr", text)
    if "for" in rule:
        due = seconds(rule["for"])
        yield Mutant(name, "a shorter for", "for", f"{min(int(due * 0.7), due - 16)}s")
        yield Mutant(name, "a longer for", "for", f"{int(due * 1.3) + 15}s")
    elif "alert" in rule:
        yield Mutant(name, "a for", "for", "30s")
    if "alert" in rule:
        yield Mutant(name, "another severity", "severity", "other")
        for what, text in questions(rule["annotations"]["description"]):
            yield Mutant(name, what, "description", text)


def mutated(rule, mutant):
    if mutant.field == "severity":
        return {**rule, "labels": {**rule["labels"], "severity": mutant.text}}
    if mutant.field == "description":
        return {**rule, "annotations": {**rule["annotations"], "description": mutant.text}}
    return {**rule, mutant.field: mutant.text}


class Bench:
    """The unmutated rules and their cases, and how to run a mutant against them."""

    def __init__(self, promtool, scratch):
        self.promtool = promtool
        self.scratch = pathlib.Path(scratch)
        self.rules = list(rules())
        self.cases = list(cases())

    def needed_by(self, name):
        """Alerts that show a rule's mistakes: itself, or those that use the recording rule."""
        used = re.compile(re.escape(name) + r"(?![\w:])")
        return {rule["alert"] for _, rule in self.rules
                if "alert" in rule and (rule["alert"] == name or used.search(rule["expr"]))}

    def rules_for(self, mutant):
        """The mutant with what it takes to show, as a rule file."""
        alerts = self.needed_by(mutant.rule)
        expressions = " ".join(r["expr"] for _, r in self.rules if r.get("alert") in alerts)
        groups = {RECORDING: [], "upkeep": []}
        for group, rule in self.rules:
            if rule.get("alert") in alerts or rule.get("record", "\0") in expressions:
                changed = mutated(rule, mutant) if name_of(rule) == mutant.rule else rule
                groups[group if group == RECORDING else "upkeep"].append(changed)
        return {"groups": [{"name": name, "rules": found} for name, found in groups.items() if found]}

    def cases_for(self, mutant):
        """The cases that could notice it: the quick half, then the long ones."""
        alerts = self.needed_by(mutant.rule)
        found = []
        for case in self.cases:
            checks = [check for check in case["alert_rule_test"] if check["alertname"] in alerts]
            if checks:
                found.append({**case, "alert_rule_test": checks})
        found.sort(key=lambda case: max(seconds(c["eval_time"]) for c in case["alert_rule_test"]))
        half = (len(found) + 1) // 2
        return [part for part in (found[:half], found[half:]) if part]

    def survives(self, mutant):
        """Whether every test passes; raises when the mutant is no rule that Prometheus would load."""
        rules_file = self.rules_for(mutant)
        return all(self.passes(mutant, rules_file, tests) for tests in self.cases_for(mutant))

    def passes(self, mutant, rules_file, tests):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        (folder / "rules.yml").write_text(json.dumps(rules_file))
        (folder / "test.yml").write_text(json.dumps({
            "rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": tests,
            "group_eval_order": [group["name"] for group in rules_file["groups"]]}))
        tested = subprocess.run(
            [self.promtool, "test", "rules", folder / "test.yml"], text=True, capture_output=True,
            env={**os.environ, "GOMAXPROCS": "1", "GOGC": "400", "TMPDIR": str(folder)})
        shutil.rmtree(folder)
        said = tested.stdout + tested.stderr
        if tested.returncode and "alertname:" not in said and "many-to-many" not in said:
            raise ValueError(f"{mutant}: {said}")
        return tested.returncode == 0


def run(promtool, names=(), workers=2):
    """(number of mutants, those that survived, those of EQUIVALENT that did not)."""
    memory = pathlib.Path("/dev/shm")  # promtool makes a small database for each case
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as scratch:
        bench = Bench(promtool, scratch)
        wanted = [mutant for _, rule in bench.rules if not names or name_of(rule) in names
                  for mutant in mutants_of(rule)]
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            survived = {(m.rule, m.what) for m, lives in zip(wanted, pool.map(bench.survives, wanted))
                        if lives}
    excused = {(rule, what) for rule, what in EQUIVALENT if not names or rule in names}
    return len(wanted), sorted(survived - excused), sorted(excused - survived)


def find_promtool():
    unpacked = REPOSITORY / "build/tools/usr/bin/promtool"
    return os.environ.get("PROMTOOL") or shutil.which("promtool") or str(unpacked)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        for _, rule in rules():
            for mutant in mutants_of(rule):
                print(f"{mutant.rule}: {mutant.what}")
        return 0
    total, survived, obsolete = run(find_promtool(), arguments.names)
    for rule, what in survived:
        print(f"SURVIVED {rule}: {what}")
    for rule, what in obsolete:
        print(f"NOT EQUIVALENT {rule}: {what}")
    print(f"{total} mutants, {len(survived)} survived")
    return 1 if survived or obsolete or not total else 0


if __name__ == "__main__":
    sys.exit(main())
