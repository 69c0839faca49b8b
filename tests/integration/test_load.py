"""Who keeps one listener busy leaves the other one alone: each has threads of its own."""

import contextlib
import http.client
import select
import socket
import threading
import time
import urllib.parse

import pytest

from harness.waiting import wait_until

IDLE, DRIPPING, SLOW = 200, 50, 8
SECONDS = 6.0  # Longer than a listener waits for a silent client, which is five.
BOUND = 1.0
LONGEST = 10.0  # A body may take so long; nothing else may take longer.


@pytest.fixture
def upkeep(libvirtd, upkeep_for):
    return upkeep_for(libvirtd).start()


def address_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


def connected(address):
    """A connection that is being made: the kernel's queue may be full already."""
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(address)
    return client


def has_peer(client):
    try:
        return bool(client.getpeername())
    except OSError:
        return False


class Crowd:
    """Connections that say nothing, and some that say a byte at a time what never ends. One that is
    closed comes again at once."""

    def __init__(self, url, beginnings):
        self.address = address_of(url)
        self.idle = [connected(self.address) for _ in range(IDLE)]
        self.dripping = [self._dripper(beginnings[n % len(beginnings)]) for n in range(DRIPPING)]
        self.sent = self.closed = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_on)

    def _dripper(self, beginning):
        return [connected(self.address), beginning, beginning]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        for client in self.idle + [client for client, _, _ in self.dripping]:
            client.close()

    def connected(self):
        """How many of its connections the kernel of the other side has taken."""
        return sum(has_peer(client) for client in
                   self.idle + [client for client, _, _ in self.dripping])

    def _keep_on(self):
        while not self._over.wait(0.1):
            for at, client in enumerate(self.idle):
                if self._is_closed(client):
                    self.idle[at] = connected(self.address)
            for dripper in self.dripping:
                self._drip(dripper)

    def _is_closed(self, client):
        """A closed one can be read: whatever was answered is thrown away with it."""
        if not select.select([client], [], [], 0)[0]:
            return False
        client.close()
        self.closed += 1
        return True

    def _drip(self, dripper):
        client, left, beginning = dripper
        if self._is_closed(client):
            dripper[:] = self._dripper(beginning)
            return
        # All of the beginning, then a byte each time.
        with contextlib.suppress(OSError):
            self.sent += client.send(left or b"x")
            dripper[1] = b""


def status_of(url, token="", timeout=30.0):
    """The status of a GET, over a connection of its own."""
    address = address_of(url)
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        path = urllib.parse.urlsplit(url).path
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def asked_for(seconds, url, token=""):
    """The slowest answer of those to a question ten times a second, and how many there were."""
    slowest, count, until = 0.0, 0, time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.monotonic()
        assert status_of(url, token) == 200
        slowest, count = max(slowest, time.monotonic() - begun), count + 1
        time.sleep(0.1)
    return slowest, count


def compare(crowded, beginnings, asked, token, told):
    """Asks `asked` while a crowd keeps every thread of the listener of `crowded` busy."""
    url, crowd_token = crowded
    calm, _ = asked_for(1.0, asked, token)
    with Crowd(url, beginnings) as crowd:
        wait_until("the crowd to fill the listener", lambda: not answers(url, crowd_token))
        wait_until("all of it to be connected", lambda: crowd.connected() == IDLE + DRIPPING)
        slowest, count = asked_for(SECONDS, asked, token)
        assert not answers(url, crowd_token), "the crowd was none"
        assert crowd.sent > 0 and crowd.closed > 0
    begun = time.monotonic()
    assert status_of(url, crowd_token) == 200
    back = time.monotonic() - begun
    told(f"{count} answers beside {IDLE} idle and {DRIPPING} dripping connections: slowest "
         f"{slowest * 1000:.0f} ms, without them {calm * 1000:.0f} ms; the crowded listener "
         f"answered {back * 1000:.0f} ms after they had gone")
    assert slowest < BOUND
    assert back < LONGEST


def answers(url, token):
    try:
        return status_of(url, token, timeout=0.3) == 200
    except (TimeoutError, OSError):
        return False


class SlowReaders:
    """Connections that ask for a page and read 5 kB of it a second; with the small segments and
    buffers of a poor line, so that the kernel doesn't take the page off upkeep's hands. One that is
    cut off asks again."""

    def __init__(self, url, count):
        self.address, self.path = address_of(url), urllib.parse.urlsplit(url).path
        self.clients = [self._asking() for _ in range(count)]
        self.bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_on)

    def _asking(self):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        client.connect(self.address)
        client.sendall(f"GET {self.path} HTTP/1.1\r\nHost: node1\r\n\r\n".encode())
        client.setblocking(False)
        return client

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        for client in self.clients:
            client.close()

    def _keep_on(self):
        while not self._over.wait(0.1):
            for at, client in enumerate(self.clients):
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    part = client.recv(500)
                    self.bytes += len(part)
                    if not part:
                        client.close()
                        self.clients[at] = self._asking()


@pytest.fixture
def told(record_property, capsys):
    def tell(text):
        record_property("load", text)
        with capsys.disabled():
            print(f"\n{text}")
    return tell


def test_scrapes_beside_a_crowd_on_the_control_listener(upkeep, told):
    instance, token = upkeep.instance(), upkeep.token()
    beginnings = [
        b"POST /webhook/alertmanager HTTP/1.1\r\nHost: node1\r\nX-Slow: ",
        b"POST /webhook/alertmanager HTTP/1.1\r\nHost: node1\r\nContent-Length: 1000000\r\n"
        b"Authorization: Bearer " + token.encode() + b"\r\n\r\n{"]
    compare((instance["control_url"] + "/api/v1/status", token), beginnings,
            instance["public_url"] + "/metrics", "", told)


def test_orders_beside_a_crowd_on_the_public_listener(upkeep, told):
    instance, token = upkeep.instance(), upkeep.token()
    beginnings = [b"GET /metrics HTTP/1.1\r\nHost: node1\r\nX-Slow: ", b"GET /met"]
    compare((instance["public_url"] + "/metrics", ""), beginnings,
            instance["control_url"] + "/api/v1/status", token, told)


def test_scrapes_beside_slow_readers_of_the_same_page(upkeep, told):
    url = upkeep.instance()["public_url"] + "/metrics"
    calm, _ = asked_for(1.0, url)
    with SlowReaders(url, SLOW) as readers:
        wait_until("all of them to be answered", lambda: readers.bytes > SLOW * 500)
        slowest, count = asked_for(2 * LONGEST, url)
    told(f"{count} scrapes beside {SLOW} clients that read 5 kB/s of the same page: slowest "
         f"{slowest * 1000:.0f} ms, without them {calm * 1000:.0f} ms")
    assert slowest < BOUND
