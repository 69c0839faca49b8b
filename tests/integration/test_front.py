"""TLS and IPv6 by the fronts that are shipped: nginx and stunnel, scraped by a real Prometheus."""

import contextlib
import http.client
import pathlib
import re
import socket
import ssl
import subprocess

import pytest

from harness.alertmanager import PATH
from harness.front import Nginx, Stunnel, replaced
from harness.prometheus import ConfiguredPrometheus
from harness.waiting import wait_until

FRONTS = {"nginx": (Nginx, "nginx"), "stunnel": (Stunnel, "stunnel4")}


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")


def block(page, language):
    """The page's first block in that language."""
    return re.search(rf"```{language}\n(.*?)```", page, re.S)[1]


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "tls.md").read_text().replace("2001:db8::11", "::1")


@pytest.fixture(scope="module")
def certificates(page, tmp_path_factory):
    """Made as docs/tls.md says."""
    directory = tmp_path_factory.mktemp("certificates")
    subprocess.run(["sh", "-eu"], input=block(page, "sh"), cwd=directory, text=True, check=True,
                   capture_output=True)
    return directory


@pytest.fixture
def upkeep(libvirtd, upkeep_for):
    return upkeep_for(libvirtd).start()


@pytest.fixture
def front_for(repository, tmp_path, upkeep, certificates, tool):
    """Starts the front of that name; all end with the test."""
    with contextlib.ExitStack() as running:
        def start(name):
            kind, program = FRONTS[name]
            config = repository / "packaging" / "examples" / f"{name}.conf"
            return running.enter_context(kind(tool(program), config, tmp_path / name,
                                              upkeep.instance(), certificates))
        yield start


@pytest.fixture(params=FRONTS)
def front(request, front_for):
    return front_for(request.param)


@pytest.fixture
def asked(certificates):
    """Asks over [::1] and TLS; (status, text). `who` is whose certificate is shown."""
    def ask(port, path="/metrics", who="prometheus", version=ssl.TLSVersion.TLSv1_3, **sent):
        context = ssl.create_default_context(cafile=certificates / "ca.pem")
        context.minimum_version = context.maximum_version = version
        if who:
            context.load_cert_chain(certificates / f"{who}.pem", certificates / f"{who}.key")
        connection = http.client.HTTPSConnection("::1", port, context=context, timeout=10)
        try:
            connection.request("POST" if sent else "GET", path, **sent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()
    return ask


def test_prometheus_scrapes_through_both(front_for, page, certificates, tmp_path,
                                         prometheus_program):
    jobs = ""
    for name in FRONTS:
        _, _, job = replaced(block(page, "yaml"), {
            "/etc/prometheus/tls": str(certificates), "job_name: upkeep": f"job_name: {name}",
            ":9895": f":{front_for(name).public_port}"}).partition("scrape_configs:\n")
        jobs += job
    config = "global: {scrape_interval: 250ms}\nscrape_configs:\n" + jobs
    with ConfiguredPrometheus(prometheus_program, tmp_path / "prometheus", config) as prometheus:
        up = wait_until("both to be scraped", lambda: len(
            up := prometheus.query("up == 1")) == 2 and up)
        assert {one["metric"]["job"] for one in up} == set(FRONTS)
        assert {one["metric"]["instance"] for one in up} == {"node1"}
        assert len(prometheus.query("upkeep_build_info")) == 2
        for target in prometheus.get("targets")["activeTargets"]:
            assert target["scrapeUrl"].startswith("https://[::1]:")


def refused(ask):
    """Refused by the front: nothing of upkeep's is shown."""
    try:
        status, text = ask()
    except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
        return True
    return status in (400, 403) and "upkeep" not in text


def test_strangers_are_refused(front, asked):
    public, control = front.public_port, front.control_port
    assert asked(public)[0] == 200
    for port in (public, control):
        assert refused(lambda: asked(port, who=None))
        assert refused(lambda: asked(port, version=ssl.TLSVersion.TLSv1_2, who="alertmanager"))
        # A node's own certificate is a server's.
        assert refused(lambda: asked(port, who="node1"))
    # Only Alertmanager gives orders; but for its certificate, this is what is answered below.
    assert refused(lambda: asked(control, "/api/v1/status"))
    assert asked(control, "/api/v1/status", who="alertmanager")[0] == 401


def test_webhook_through_it(front, asked, upkeep):
    token = upkeep.token()
    with_token = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    sent = b'{"version": "4", "status": "firing", "truncatedAlerts": 0, "alerts": []}'

    def post(body, **headers):
        return asked(front.control_port, PATH, who="alertmanager", body=body, headers=headers)

    status, text = post(sent, **with_token)
    assert (status, text) == (200, "alerts: 0 queued\n")
    assert post(sent)[0] == 401
    # What it says of where it comes from is not believed, nor does it do harm.
    assert post(sent, **with_token, **{"X-Forwarded-For": "203.0.113.7"})[0] == 200
    assert post(b" " * (1 << 16), **with_token)[1].endswith("the body is not JSON\n")
    assert post(b" " * ((1 << 20) + 1), **with_token)[0] == 413


def test_front_gives_root_up(front):
    """The processes that talk to clients; nginx's first one only minds the others."""
    uids = [pathlib.Path(f"/proc/{pid}").stat().st_uid for pid in serving(front.process.pid)]
    assert uids and 0 not in uids


def serving(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return children or [pid]


def test_alertmanager_takes_the_page_s_receiver(page, tmp_path, certificates, amtool):
    receivers = re.findall(r"```yaml\n(.*?)```", page, re.S)[1]
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: upkeep}\n" +
                      receivers.replace("/etc/prometheus/tls", str(certificates)))
    checked = amtool("check-config", config)
    assert checked.returncode == 0, checked.stdout + checked.stderr
