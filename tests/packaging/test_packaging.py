"""What a package or `cmake --install` puts on a node, and the scripts of the repository's root."""

import os
import re
import shutil
import subprocess

import pytest
import yaml


@pytest.fixture(scope="module")
def installed(repository, tmp_path_factory):
    """The root of an installed tree."""
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", repository / "build" / "release", "--prefix", "/usr"],
                   env={**os.environ, "DESTDIR": str(root)}, check=True, capture_output=True)
    return root


def unit_options(path):
    """Section.Key → values of a unit file, in order."""
    options, section = {}, None
    for line in path.read_text().splitlines():
        if match := re.fullmatch(r"\[(\w+)\]", line):
            section = match[1]
        elif match := re.fullmatch(r"(\w+)=(.*)", line):
            options.setdefault(f"{section}.{match[1]}", []).append(match[2])
    return options


def test_installed_program_runs(installed):
    shown = subprocess.run([installed / "usr/bin/upkeep", "version"], text=True, capture_output=True)
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"\d+\.\d+\.\d+", shown.stdout)


@pytest.mark.parametrize("path", [
    "lib/systemd/system/upkeep.service",
    "lib/sysusers.d/upkeep.conf",
    "share/polkit-1/rules.d/60-upkeep.rules",
    "share/upkeep/prometheus/recording.rules.yml",
    "share/upkeep/prometheus/vms.rules.yml",
    "share/upkeep/grafana/cluster.json",
    "share/doc/upkeep/README.md",
    "share/doc/upkeep/alerts/UpkeepVmDown.md",
    "share/doc/upkeep/examples/unprivileged.conf",
    "share/doc/upkeep/examples/alertmanager.yml",
    "share/doc/upkeep/tls.md",
    "share/bash-completion/completions/upkeep",
    "share/man/man1/upkeep.1",
])
def test_installs(installed, path):
    assert (installed / "usr" / path).is_file()


def runbooks(folder):
    """Alert → its runbook_url, of the rules in a folder."""
    return {rule["alert"]: rule["annotations"]["runbook_url"]
            for path in folder.glob("*.rules.yml")
            for group in yaml.safe_load(path.read_text())["groups"]
            for rule in group["rules"] if "alert" in rule}


def test_runbooks_of_installed_alerts_are_installed_files(installed, repository):
    urls = runbooks(installed / "usr/share/upkeep/prometheus")
    assert urls.keys() == runbooks(repository / "alerts").keys()
    assert len(urls) > 35
    for alert, url in urls.items():
        assert url == f"file:///usr/share/doc/upkeep/alerts/{alert}.md"
        assert (installed / url.removeprefix("file:///")).is_file(), url


def test_installed_alerts_are_those_of_the_repository(installed, repository):
    for path in (repository / "alerts").glob("*.rules.yml"):
        text = (installed / "usr/share/upkeep/prometheus" / path.name).read_text()
        assert text.replace("file:///usr/share/doc/upkeep/alerts/", "docs/alerts/") == path.read_text()


@pytest.mark.parametrize("where", ["alerts", "usr/share/upkeep/prometheus"])
@pytest.mark.parametrize("told_in", ["alerts/README.md", "packaging/examples/prometheus.yml"])
def test_runbooks_get_an_address_of_ones_own(installed, repository, promtool, tmp_path, where, told_in):
    [line] = re.findall(r"\bsed -i .*", (repository / told_in).read_text())
    for path in (repository / where if where == "alerts" else installed / where).glob("*.rules.yml"):
        shutil.copy(path, tmp_path)
    before = {path: path.read_text() for path in tmp_path.iterdir()}
    subprocess.run(line, shell=True, cwd=tmp_path, check=True)
    urls = runbooks(tmp_path)
    assert len(urls) > 35
    assert all(url == f"https://wiki.example.org/upkeep/{alert}.md" for alert, url in urls.items())
    for path, text in before.items():
        assert [new for old, new in zip(text.splitlines(), path.read_text().splitlines(), strict=True)
                if old != new and "runbook_url: " not in old] == []
    checked = promtool("check", "rules", *tmp_path.iterdir())
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("listen", ["[::]:9893", "0.0.0.0:9893s", "https://0.0.0.0:9893"])
def test_what_cannot_be_listened_on_leads_to_a_file_that_is_installed(installed, tmp_path, listen):
    (tmp_path / "upkeep.toml").write_text(f'[http]\nlisten = "{listen}"\n')
    refused = subprocess.run(
        [installed / "usr/bin/upkeep", "run", "--config", tmp_path / "upkeep.toml"], text=True,
        capture_output=True, timeout=20)
    assert refused.returncode == 2 and refused.stdout == ""
    named = re.search(r"/(usr/share/doc/\S+/)(nginx\.conf) or (stunnel\.conf)", refused.stderr)
    assert named, refused.stderr
    for name in named.group(2, 3):
        assert (installed / named[1] / name).is_file()


def test_unit_is_valid(installed, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    unit = (installed / "usr/lib/systemd/system/upkeep.service").read_text()
    # The program is not in /usr/bin and its man page is not installed: only the unit is looked at.
    unit = unit.replace("ExecStart=/usr/bin/upkeep", f"ExecStart={installed}/usr/bin/upkeep")
    unit = re.sub(r"^Documentation=.*\n", "", unit, flags=re.M)
    (tmp_path / "upkeep.service").write_text(unit)
    verified = subprocess.run(["systemd-analyze", "verify", tmp_path / "upkeep.service"], text=True,
                              capture_output=True)
    assert verified.returncode == 0 and "upkeep.service" not in verified.stderr, verified.stderr


def test_unit_stops_before_libvirt_guests_and_does_not_wait_for_drbd(repository):
    options = unit_options(repository / "packaging/systemd/upkeep.service")
    after = " ".join(options["Unit.After"]).split()
    assert {"libvirtd.service", "libvirt-guests.service"} <= set(after)
    assert "drbd.service" not in after
    # It must also run where libvirtd doesn't.
    assert not {"Unit.Requires", "Unit.BindsTo", "Unit.Requisite"} & options.keys()


def test_unit_is_supervised_and_never_given_up(repository):
    options = unit_options(repository / "packaging/systemd/upkeep.service")
    assert options["Service.Type"] == ["notify"]
    assert options["Unit.StartLimitIntervalSec"] == ["0"]
    assert options["Service.Restart"] == ["always"]
    assert int(options["Service.WatchdogSec"][0]) > 0
    assert options["Service.StateDirectory"] == ["upkeep"]


def test_unit_does_not_hide_the_disks_of_vms(repository):
    options = unit_options(repository / "packaging/systemd/upkeep.service")
    for key in ("PrivateTmp", "PrivateDevices", "ProtectClock", "DeviceAllow", "DevicePolicy"):
        assert f"Service.{key}" not in options


@pytest.mark.parametrize("script", ["run", "test"])
def test_script_says_what_it_does(repository, script):
    shown = subprocess.run([repository / script, "--help"], text=True, capture_output=True)
    assert shown.returncode == 0
    assert f"./{script}" in shown.stdout


def test_names_its_suites(repository):
    shown = subprocess.run([repository / "test", "--list"], text=True, capture_output=True)
    assert shown.returncode == 0
    names = [line.split()[0] for line in shown.stdout.splitlines()]
    assert {"unit", "sim", "integration", "alerts", "dashboards", "e2e"} <= set(names)
    refused = subprocess.run([repository / "test", "no-such-suite"], text=True, capture_output=True)
    assert refused.returncode != 0 and "no-such-suite" in refused.stderr


def test_nothing_that_is_installed_for_building_or_testing_starts_a_service(repository):
    packages = set()
    for listing in (repository / "packaging/packages").glob("*.txt"):
        packages |= {line for line in listing.read_text().splitlines() if not line.startswith("#")}
    assert not packages & {"libvirt-daemon-system", "libvirt-daemon-system-systemd", "prometheus",
                           "drbd-utils", "drbd-dkms"}


def tally(repository, folder, *programs, ci=""):
    return subprocess.run(["/usr/bin/python3", repository / "tests/tally.py", folder, *programs],
                          text=True, capture_output=True, env={**os.environ, "CI": ci})


def test_tally_counts_a_program_that_left_no_report_as_failed(repository, tmp_path):
    (tmp_path / "unit_a.json").write_text(
        '{"testsuites": [{"name": "A", "testsuite": ['
        '{"name": "Good", "status": "RUN", "result": "COMPLETED"},'
        '{"name": "Bad", "status": "RUN", "result": "COMPLETED", "failures": [{"failure": "x"}]}]}]}')
    (tmp_path / "alerts.xml").write_text(
        '<testsuites><testsuite><testcase classname="t" name="good"/>'
        '<testcase classname="t" name="bad"><failure/></testcase>'
        '<testcase classname="t" name="left_out"><skipped/></testcase></testsuite></testsuites>')
    counted = tally(repository, tmp_path, "unit_a", "alerts", "unit_b")
    assert counted.stdout.splitlines()[-1] == "2 passed, 3 failed"
    assert counted.returncode == 1
    assert "FAILED unit_b: ended without a report" in counted.stdout


@pytest.mark.parametrize("ci", ["true", ""])
def test_tally_names_what_was_skipped_and_fails_it_in_ci(repository, tmp_path, ci):
    # As gtest 1.12 and pytest 7 write them; a suite that is skipped as a whole has a case for each test.
    (tmp_path / "unit_a.json").write_text(
        '{"testsuites": [{"name": "A", "testsuite": ['
        '{"name": "Good", "status": "RUN", "result": "COMPLETED"},'
        '{"name": "LeftOut", "status": "RUN", "result": "SKIPPED", "skipped": [{"message": "x"}]},'
        '{"name": "DISABLED_One", "status": "NOTRUN", "result": "SUPPRESSED"}]}]}')
    (tmp_path / "front.xml").write_text(
        '<testsuites><testsuite><testcase classname="t" name="scrapes">'
        '<skipped type="pytest.skip" message="no IPv6 on this machine"/></testcase>'
        '</testsuite></testsuites>')
    counted = tally(repository, tmp_path, "unit_a", "front", ci=ci)
    names = ["unit_a: A.LeftOut", "front: t.scrapes"]
    if ci:
        assert counted.stdout == (f"FAILED {names[1]} (skipped)\nFAILED {names[0]} (skipped)\n"
                                  "1 passed, 2 failed\n")
        assert counted.returncode == 1
    else:
        assert counted.stdout == (f"SKIPPED {names[1]}\nSKIPPED {names[0]}\n1 passed, 0 failed\n")
        assert counted.returncode == 0


def test_every_mutant_of_the_simulation_can_still_be_planted(repository):
    checked = subprocess.run([repository / "tests/mutants/run", "--check"], text=True,
                             capture_output=True)
    assert checked.returncode == 0, checked.stdout
    planted = re.fullmatch(r"(\d+) can be planted, 0 can't\n", checked.stdout)
    assert planted and int(planted[1]) >= 25
