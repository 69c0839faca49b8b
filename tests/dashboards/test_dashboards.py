"""The dashboards load, their queries parse, and everything they ask for is really exported."""

import json
import re

import pytest

from harness.daemon import Upkeep
from harness.metrics import Metrics
from harness.waiting import wait_until

REPOSITORY_FILES = ["dashboards/overview.json"]

# What Grafana puts in for its variables, or something of the same kind.
VARIABLES = {"$__rate_interval": "1m", "$__interval": "1m", "$__range": "1h", "$job": "upkeep",
             "$instance": "node1"}

# libvirt's test driver, which the demo uses, has no figures of VMs; the integration tests look for
# these with real guests.
NOT_IN_THE_DEMO = {"upkeep_vm_cpu_seconds_total": {"vm"}}

# These come from Prometheus itself, not from upkeep.
FROM_PROMETHEUS = {"up", "job", "instance", "le"}


@pytest.fixture(scope="module")
def scrape(repository, tmp_path_factory):
    """A scrape of the demo in which a VM has crashed and was started again."""
    with Upkeep(repository, tmp_path_factory.mktemp("demo"), demo=True) as upkeep:
        upkeep.cli("demo", "crash", "web1")
        wait_until("web1 to be started again", lambda: upkeep.metrics().get(
            "upkeep_remediation_actions_total", action="start_vm", trigger="event"))
        yield upkeep.metrics()


@pytest.fixture(params=REPOSITORY_FILES)
def dashboard(request, repository):
    return json.loads((repository / request.param).read_text())


def data_panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard):
    """(where, query) of every panel, annotation and variable."""
    for panel in data_panels(dashboard):
        for target in panel["targets"]:
            yield f"panel '{panel['title']}'", target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        if "expr" in annotation:
            yield f"annotation '{annotation['name']}'", annotation["expr"]


def substituted(query):
    for variable, value in sorted(VARIABLES.items(), reverse=True):
        query = query.replace(variable, value)
    assert "$" not in query, query
    return query


def selectors(query):
    """(metric, names of the labels it is matched by) in a query."""
    for metric, matchers in re.findall(r"\b(upkeep_\w+)(?:\{([^}]*)\})?", query):
        yield metric, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


def test_every_dashboard_is_checked(repository):
    found = {str(path.relative_to(repository)) for path in repository.glob("dashboards/*.json")}
    assert found == set(REPOSITORY_FILES)


def test_can_be_provisioned_as_it_is(dashboard):
    assert re.fullmatch(r"[\w-]{1,40}", dashboard["uid"])
    assert "id" not in dashboard
    assert dashboard["editable"] is False
    assert dashboard["schemaVersion"] >= 39
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert {"datasource", "job", "instance"} <= variables
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


def test_every_panel_says_what_it_shows(dashboard):
    for panel in data_panels(dashboard):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}", panel["title"]


def test_panels_do_not_overlap(dashboard):
    taken = {}
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, (panel["title"], taken.get((x, y)))
                taken[x, y] = panel["title"]


def test_rates_are_taken_over_grafanas_rate_interval(dashboard):
    for where, query in queries(dashboard):
        for window in re.findall(r"\[([^\]]+)\]", query):
            assert window == "$__rate_interval", where


def test_every_query_is_restricted_to_the_chosen_nodes(dashboard):
    for where, query in queries(dashboard):
        for metric, matched in selectors(query):
            assert {"job", "instance"} <= matched, (where, metric)


def test_every_query_parses(dashboard, promtool, tmp_path):
    """As a recording rule, so that Prometheus's own parser and type checker look at it."""
    rules = [{"record": f"query:{number}", "expr": substituted(query)}
             for number, (_, query) in enumerate(queries(dashboard))]
    (tmp_path / "rules.yml").write_text(
        json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = promtool("check", "rules", tmp_path / "rules.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


def test_everything_asked_for_is_exported(dashboard, scrape):
    for where, query in queries(dashboard):
        for metric, matched in selectors(query):
            have = scrape.labels_of(metric) | NOT_IN_THE_DEMO.get(metric, set())
            assert metric in scrape.names | NOT_IN_THE_DEMO.keys(), f"{where}: no {metric}"
            missing = matched - have - FROM_PROMETHEUS
            assert not missing, f"{where}: {metric} has no {missing}"


def test_every_label_of_a_legend_is_there(dashboard):
    """A legend's {{label}} must survive the query's aggregation."""
    for panel in data_panels(dashboard):
        for target in panel["targets"]:
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            if kept := re.search(r"(?:sum|max|count) by \(([^)]*)\)", target["expr"]):
                missing = wanted - {name.strip() for name in kept[1].split(",")}
                assert not missing, (panel["title"], missing)


def test_scrape_is_clean(scrape, promtool):
    checked = promtool("check", "metrics", stdin=scrape.text)
    assert checked.returncode == 0 and not checked.stderr, checked.stdout + checked.stderr


def test_every_exported_metric_is_documented(repository, scrape):
    documented = set(re.findall(r"`(upkeep_\w+|process_\w+)", (repository / "docs/metrics.md").read_text()))
    exported = {re.sub(r"_(bucket|sum|count)$", "", name)
                if re.sub(r"_(bucket|sum|count)$", "_bucket", name) in scrape.names else name
                for name in scrape.names}
    assert exported - documented == set()


def test_reads_its_own_test_data():
    metrics = Metrics('a{b="c\\"d\\\\",e="f"} 1\n# HELP g h\ng 2.5\n')
    assert metrics.get("a", b='c"d\\', e="f") == 1
    assert metrics.get("g") == 2.5
    with pytest.raises(AssertionError):
        Metrics("not a sample\n")
