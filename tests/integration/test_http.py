"""The two listeners, as Prometheus, a browser and a stranger use them."""

import gzip
import os
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest

from harness.waiting import wait_until
from steps import booted, seen_running


@pytest.fixture
def upkeep(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    return upkeep


def ask(url, method="GET", body=None, **headers):
    request = urllib.request.Request(url, method=method, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_scrape(upkeep, promtool):
    url = upkeep.instance()["public_url"] + "/metrics"
    status, headers, plain = ask(url)
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    checked = promtool("check", "metrics", stdin=plain.decode())
    assert checked.returncode == 0 and not checked.stderr, checked.stderr

    status, headers, packed = ask(url, **{"Accept-Encoding": "gzip"})
    assert status == 200 and headers["Content-Encoding"] == "gzip"
    assert len(packed) < len(plain)
    assert b"upkeep_vm_up{" in gzip.decompress(packed)

    status, headers, body = ask(url, method="HEAD")
    assert status == 200 and body == b""
    status, headers, _ = ask(url, method="POST", body=b"x")
    assert status == 405 and "GET" in headers["Allow"]


def test_figures_of_a_guest(upkeep, repository):
    """What docs/metrics.md promises, except of interfaces: the guest has none."""
    documented = set(re.findall(r"`(upkeep_vm_(?:cpu|vcpus|memory|block)\w*)`",
                                (repository / "docs/metrics.md").read_text()))
    assert len(documented) == 10
    metrics = wait_until("the first figures", lambda: (metrics := upkeep.metrics()).get(
        "upkeep_vm_cpu_seconds_total", vm="web1") and metrics)
    for name in documented:
        assert len(metrics.all(name, vm="web1")) == 1, name
    assert metrics.get("upkeep_vm_vcpus", vm="web1") == 1
    assert metrics.get("upkeep_vm_memory_maximum_bytes", vm="web1") == 16 * 1024 * 1024
    assert metrics.get("upkeep_vm_block_capacity_bytes", vm="web1", target="vda") == 1024 * 1024
    assert metrics.get("upkeep_vm_block_read_bytes_total", vm="web1", target="vda") >= 512


def test_pages(upkeep):
    url = upkeep.instance()["public_url"]
    status, headers, page = ask(url + "/")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert b"/metrics" in page
    assert ask(url + "/-/healthy")[0] == 200
    assert ask(url + "/-/ready")[0] == 200
    assert ask(url + "/metricsfoo")[0] == 404
    assert ask(url + "/nothing")[0] == 404


def test_control_listener_is_closed_to_strangers(upkeep):
    control, public = upkeep.instance()["control_url"], upkeep.instance()["public_url"]
    order = b'{"vm": "web1", "keep": "down"}'
    assert ask(control + "/api/v1/status")[0] == 401
    assert ask(control + "/api/v1/mark", method="POST", body=order)[0] == 401
    assert ask(control + "/api/v1/mark", method="POST", body=order,
               Authorization="Bearer wrong")[0] == 401
    assert ask(public + "/api/v1/mark", method="POST", body=order)[0] in (404, 405)
    assert upkeep.vm("web1")["wanted"] == "up"


def test_demo_orders_are_refused_by_a_real_daemon(upkeep):
    token = upkeep.token()
    status, _, answer = ask(upkeep.instance()["control_url"] + "/api/v1/demo", method="POST",
                            body=b'{"do": "crash", "vm": "web1"}', Authorization=f"Bearer {token}")
    assert status == 409, answer


def test_a_changed_token_file_needs_no_restart(upkeep):
    control, file = upkeep.instance()["control_url"], pathlib.Path(upkeep.instance()["token_file"])

    def status(token):
        return ask(control + "/api/v1/status", Authorization=f"Bearer {token}")[0]

    def replace(text, mode=0o600):
        draft = file.with_suffix(".draft")
        draft.write_text(text)
        draft.chmod(mode)
        os.replace(draft, file)

    first, second = upkeep.token(), "second-" + "x" * 32
    assert status(first) == 200 and status(second) == 401
    replace(second + "\n")
    wait_until("the new token to be taken", lambda: status(second) == 200)
    assert status(first) == 401
    assert upkeep.vm("web1"), "the command line reads the same file"

    broken = [("", 0o600), ("short\n", 0o600), ("third-" + "x" * 5000, 0o600),
              ("third-" + "x" * 32, 0o644)]
    for count, (text, mode) in enumerate(broken, 1):
        replace(text, mode)
        wait_until("the broken file to be noticed",
                   lambda: status(second) != 200 or
                   len(upkeep.logged("token file is of no use")) == count)
        assert status(second) == 200
        assert status(text.strip()) == 401
        wait_until("it to be shown", lambda: upkeep.metric(
            "upkeep_control_token_last_read_successful") == 0)
    assert len(upkeep.logged("token file is of no use")) == len(broken)

    replace(first + "\n")
    wait_until("the token to be taken again", lambda: status(first) == 200)
    assert status(second) == 401
    wait_until("it to be shown", lambda: upkeep.metric(
        "upkeep_control_token_last_read_successful") == 1)
    assert not upkeep.logged(second)


HOST, FRIEND, STRANGER = "198.51.100.1", "198.51.100.2", "198.51.100.3"
STATUS_FROM = """
import http.client, sys
host, port, source = sys.argv[1:]
connection = http.client.HTTPConnection(host, int(port), timeout=10, source_address=(source, 0))
connection.connect()
try:
    connection.request("GET", "/metrics")
    print(connection.getresponse().status)
except (http.client.RemoteDisconnected, ConnectionError):
    print("hung up")
"""


@pytest.fixture
def neighbour():
    """Another machine, as far as the network can tell: a namespace with two addresses of its own."""
    name = f"upkeep{os.getpid()}"
    here, there = f"uh{os.getpid()}", f"ut{os.getpid()}"

    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True)

    ip("netns", "add", name)
    try:
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        ip("addr", "add", f"{HOST}/29", "dev", here)
        ip("link", "set", here, "up")
        for address in (FRIEND, STRANGER):
            ip("-n", name, "addr", "add", f"{address}/29", "dev", there)
        ip("-n", name, "link", "set", there, "up")
        yield name
    finally:
        ip("netns", "del", name)  # The pair of links goes with it.


def test_the_public_listener_lets_in_who_is_on_its_list(libvirtd, upkeep_for, neighbour):
    upkeep = upkeep_for(libvirtd)
    upkeep.config.write_text(upkeep.config.read_text().replace(
        'listen = "127.0.0.1:0"', f'listen = "0.0.0.0:0"\nlisten_allow_from = ["{FRIEND}"]', 1))
    upkeep.start()
    port = urllib.parse.urlsplit(upkeep.instance()["public_url"]).port

    def status_from(source):
        return subprocess.run(
            ["ip", "netns", "exec", neighbour, sys.executable, "-c", STATUS_FROM, HOST, str(port),
             source], check=True, text=True, capture_output=True).stdout.strip()

    assert status_from(FRIEND) == "200"
    assert status_from(STRANGER) == "hung up"
    assert ask(f"http://127.0.0.1:{port}/metrics")[0] == 200, "this machine is let in anyway"
    assert upkeep.status()["node"] == "node1"
