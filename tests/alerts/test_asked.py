"""What the rules and their messages ask for exists; promtool's tests feed them nothing else."""

import json
import re

import pytest

from alerts import mutate
from harness.promql import asked_by, queries_of, selectors_in

OURS = {"job", "instance", "cluster"}  # every target has them, and "up" has no others
RULES = [rule for _, rule in mutate.rules()]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}


@pytest.fixture(scope="module")
def documented(repository):
    """Metric → its labels, of docs/metrics.md, which the integration suite compares with a scrape."""
    found = {"up": set()}
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|",
                                         (repository / "docs/metrics.md").read_text(), re.M):
        labels = set(labels.strip().split(", ")) - {""}
        if kind == "histogram":
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
        else:
            found[name] = labels
    assert len(found) > 100
    return found


def selectors():
    """(rule's name, metric, labels, matchers) of everything the rules ask."""
    for rule in RULES:
        for query in asked_by(rule):
            for selector in selectors_in(query):
                yield mutate.name_of(rule), *selector


def test_only_metrics_that_exist_are_asked_for(documented):
    asked = {metric for _, metric, *_ in selectors()}
    assert len(asked) > 35
    assert asked - documented.keys() - RECORDED == set()


def test_only_labels_that_exist_are_asked_for(documented):
    for rule, metric, labels, _ in selectors():
        if metric not in RECORDED:
            assert labels <= documented[metric] | OURS, (rule, metric)


def test_every_selector_names_the_job():
    for rule, metric, _, matchers in selectors():
        assert metric in RECORDED or 'job="upkeep"' in matchers, (rule, metric)


def test_queries_in_messages_are_promql(promtool, tmp_path):
    """As a recording rule, so that Prometheus's own parser and type checker look at it."""
    queries = [query for rule in RULES for query in asked_by(rule)[1:]]
    assert queries, "no message asks anything: this test checks nothing"
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = promtool("check", "rules", tmp_path / "rules.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


def test_queries_in_messages_look_at_one_cluster_only():
    for rule in RULES:
        for query in asked_by(rule)[1:]:
            for metric, labels, _ in selectors_in(query):
                assert "cluster" in labels, (mutate.name_of(rule), metric)


def test_series_of_the_tests_are_such_as_upkeep_exports(documented):
    """Else a rule could be tested with a label that no scrape has, and never fire."""
    seen = set()
    for case in mutate.cases():
        for series in case["input_series"]:
            [(metric, labels, _)] = selectors_in(series["series"])
            seen.add(metric)
            if metric in documented:
                assert labels - OURS == documented[metric], (case["name"], series["series"])
            else:
                assert metric.startswith("other_") or metric in RECORDED, (case["name"], metric)
    assert len(seen) > 30


@pytest.mark.parametrize("template, queries", [
    ("nothing to see: query", []),
    ('{{ $labels.query }} {{ .Labels.vm }} {{ "query" }}', []),
    ('{{ with query "up{a=\\"b\\"}" }}{{ . | first | value }}{{ end }}', ['up{a="b"}']),
    ("{{ range query `up{a=\"b\"}` }}{{ end }}", ['up{a="b"}']),
    ('{{ range query (printf "a{b=%q} > %d" $labels.b 3) | sortByLabel "b" }}{{ end }}', ['a{b="x"} > 1']),
    ('{{ if query "a" }}{{ end }}{{ if query "b" }}{{ end }}', ["a", "b"]),
])
def test_reads_the_queries_of_a_message(template, queries):
    assert queries_of(template) == queries


@pytest.mark.parametrize("template", ['{{ "up" | query }}', "{{ query $labels.expr }}",
                                      '{{ query (print "up" $labels.a) }}'])
def test_refuses_a_query_that_it_can_not_read(template):
    with pytest.raises(ValueError, match="nothing here can read"):
        queries_of(template)


@pytest.mark.parametrize("expr, found", [
    ("vector(1)", []),
    ('sum by (vm) (rate(a_total{x="1",y!~"2"}[5m] offset 10m)) >= 3', [("a_total", {"x", "y"})]),
    ("a:b:c and on (x) (b or c{d=~\"e|f\"}) unless ignoring (g) up == bool 1",
     [("a:b:c", set()), ("b", set()), ("c", {"d"}), ("up", set())]),
])
def test_reads_the_selectors_of_a_query(expr, found):
    assert [(metric, labels) for metric, labels, _ in selectors_in(expr)] == found
