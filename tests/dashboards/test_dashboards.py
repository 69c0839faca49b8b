"""The dashboards are what their source makes and keep our rules; the scrape behind them is clean."""

import json
import re
import shutil
import subprocess

import pytest

from harness.daemon import Upkeep
from harness.dashboards import files, load, queries
from harness.metrics import Metrics
from harness.waiting import wait_until

@pytest.fixture(scope="module")
def scrape(repository, tmp_path_factory):
    """A scrape of the demo in which a VM has crashed and was started again."""
    with Upkeep(repository, tmp_path_factory.mktemp("demo"), demo=True) as upkeep:
        upkeep.cli("demo", "crash", "web1")
        wait_until("web1 to be started again", lambda: upkeep.metrics().get(
            "upkeep_remediation_actions_total", action="start_vm", trigger="event"))
        yield upkeep.metrics()


@pytest.fixture(scope="module")
def npm(repository):
    """Runs npm for the dashboards' source; what it takes is installed when it is missing."""
    def run(*arguments):
        return subprocess.run(["npm", *arguments], cwd=repository / "dashboards/src", text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)

    lock = repository / "dashboards/src/package-lock.json"
    installed = repository / "dashboards/src/node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        fetched = run("ci", "--no-audit", "--no-fund")
        assert fetched.returncode == 0, fetched.stdout + fetched.stderr
    return run


def test_dashboards_are_what_their_source_makes_and_keep_our_rules(npm):
    """Type check, up to date, and rules.ts (PromQL, metrics, units, descriptions, layout, variables)
    with rules.test.ts, which breaks each rule."""
    checked = npm("run", "-s", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert int(re.search(r"pass (\d+)", checked.stdout)[1]) > 50


@pytest.mark.parametrize("wrong, said", [
    ('"unit": "short"', "no unit"),
    ('upkeep_vm_up{', "no such metric"),
    ("[$__rate_interval]", "a fixed window"),
    ('"uid": "${datasource}"', "not the chosen data source"),
    (") or vector(0)", "does not parse"),
    ('job=~\\"$job\\", ', "is not restricted by job"),
])
def test_lint_notices(npm, repository, tmp_path, wrong, said):
    """The program as it is run, by some rules; rules.test.ts has them all."""
    mistakes = {'"unit": "short"': '"unit": ""', "upkeep_vm_up{": "upkeep_vm_upp{",
                "[$__rate_interval]": "[5m]", '"uid": "${datasource}"': '"uid": "mine"',
                ") or vector(0)": "( or vector(0)"}
    good = (repository / "dashboards/cluster.json").read_text()
    assert wrong in good
    folder = tmp_path / "dashboards"
    shutil.copytree(repository / "dashboards/src/out", folder / "src/out")
    (folder / "src/package.json").write_text('{"type": "module"}')
    (folder / "src/node_modules").symlink_to(repository / "dashboards/src/node_modules")
    (tmp_path / "docs").symlink_to(repository / "docs")
    (folder / "cluster.json").write_text(good.replace(wrong, mistakes.get(wrong, "")))
    linted = subprocess.run(["node", folder / "src/out/lint.js"], text=True, capture_output=True)
    assert linted.returncode == 1
    assert said in linted.stderr


def test_every_query_is_promql(promtool, tmp_path):
    """As a recording rule, so that Prometheus's own parser and type checker look at it."""
    rules = [{"record": f"query:{number}", "expr": expr}
             for number, (_, _, _, expr, _) in enumerate(queries())]
    (tmp_path / "rules.yml").write_text(
        json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = promtool("check", "rules", tmp_path / "rules.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


def test_links_to_runbooks_and_pages_lead_somewhere(repository):
    text = "".join(path.read_text() for path in files())
    runbooks = set(re.findall(r"\$\{runbooks\}/(\w+)\.md", text))
    pages = set(re.findall(r'"/d/([\w-]+)\?', text))
    assert len(runbooks) > 15
    assert pages
    assert runbooks <= {path.stem for path in (repository / "docs/alerts").glob("*.md")}
    assert pages <= {load(path)["uid"] for path in files()}


def test_readme_shows_a_picture_of_each_page_and_says_who_drew_it(repository):
    readme = (repository / "README.md").read_text()
    for path in files():
        picture = f"docs/pictures/{path.stem}.png"
        assert f"]({picture})]({picture})" in readme, "shown small, and leads to itself"
        assert (repository / picture).read_bytes().startswith(b"\x89PNG")
    assert "not by Grafana" in readme.partition("docs/pictures/")[2]


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
