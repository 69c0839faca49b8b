"""What is wrong is said in one line that names place and fix, and nothing is half started."""

import os
import socket
import sqlite3
import stat
import subprocess

import pytest

from harness.daemon import Upkeep
from harness.waiting import wait_until
from steps import booted, seen_running, state_of, stays_off


@pytest.fixture
def program(repository):
    return repository / "build" / "release" / "upkeep"


def run(program, *arguments, **options):
    return subprocess.run([program, *map(str, arguments)], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60, **options)


@pytest.mark.parametrize("text, place, fix", [
    ("mode = \n", ":1:8", ""),
    ('mode = "act\n', ":1:", ""),
    ('\nmod = "act"\n', ":2:1", "mode"),
    ('mode = "acct"\n', ":1:8", "act"),
    ("mode = 3\n", ":1:8", ""),
    ("[policy]\nfirst_gap = \"ten\"\n", ":2:13", "10s"),
    ("[policy]\nattempts_per_hour = -1\n", ":2:21", "1"),
    ("[http]\nlisten = \"[::1]:9893\"\n", ":2:10", ""),
    ("\x00\x01\x02", ":1:1", ""),
])
def test_wrong_configuration(program, tmp_path, text, place, fix):
    config = tmp_path / "upkeep.toml"
    config.write_text(text)
    for command in ("run", "check"):
        refused = run(program, command, "--config", config,
                      env={**os.environ, "UPKEEP_RUNTIME_DIR": str(tmp_path / "run")})
        assert refused.returncode == 2, (command, refused)
        said = refused.stderr + refused.stdout
        assert f"upkeep.toml{place}" in said and fix in said, said
    assert not (tmp_path / "run" / "instance.json").exists()


def test_configuration_that_is_not_there(program, tmp_path):
    refused = run(program, "run", "--config", tmp_path / "nowhere.toml")
    assert refused.returncode == 2
    assert "nowhere.toml" in refused.stderr


@pytest.mark.parametrize("arguments, said", [
    (["run", "--confg", "x"], "--config"),
    (["rum"], "run"),
    (["why"], "TARGET"),
    (["mark", "web1", "sideways"], "sideways"),
    (["history", "--limit", "many"], "many"),
    (["--frobnicate"], "--frobnicate"),
])
def test_wrong_command_line(program, arguments, said):
    refused = run(program, *arguments)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
    assert refused.stdout == ""


def test_help_and_version_are_no_errors(program):
    for arguments in (["--help"], ["run", "--help"], ["version"], ["--version"]):
        shown = run(program, *arguments)
        assert shown.returncode == 0 and shown.stdout and not shown.stderr, arguments


def test_no_configuration_and_no_libvirtd(program, tmp_path):
    refused = run(program, "run", "--root", tmp_path,
                  env={**os.environ, "UPKEEP_RUNTIME_DIR": str(tmp_path / "run")})
    assert refused.returncode != 0
    assert "upkeep run --demo" in refused.stderr


def test_no_daemon_to_ask(repository, tmp_path):
    upkeep = Upkeep(repository, tmp_path, uri="test:///default")
    refused = upkeep.cli("mark", "web1", "up", check=False)
    assert refused.returncode == 3
    assert "upkeep" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr


def ends_with(upkeep, code):
    upkeep.spawn()
    assert upkeep.process.wait(30) == code, upkeep.log()
    upkeep.process = None
    assert not (upkeep.directory / "run" / "instance.json").exists()
    return upkeep.log()


def test_port_in_use(repository, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        upkeep = Upkeep(repository, tmp_path, uri="test:///default")
        upkeep.config.write_text(upkeep.config.read_text().replace(
            'listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"', 1))
        assert f"127.0.0.1:{port}" in ends_with(upkeep, 1)


def test_journal_that_cannot_be_opened(repository, tmp_path):
    upkeep = Upkeep(repository, tmp_path, uri="test:///default")
    upkeep.journal.mkdir()  # a directory in its place
    assert str(upkeep.journal) in ends_with(upkeep, 1)
    assert upkeep.journal.is_dir()


def test_corrupt_journal_is_set_aside_and_nothing_is_done_without_memory(libvirtd, upkeep_for):
    booted(libvirtd, "web1")
    upkeep = upkeep_for(libvirtd).start()
    seen_running(upkeep, "web1")
    upkeep.stop()
    content = bytearray(upkeep.journal.read_bytes())
    content[0:4096] = os.urandom(4096)
    upkeep.journal.write_bytes(content)
    for left in upkeep.journal.parent.glob("upkeep.db-*"):
        left.unlink()
    upkeep.start()
    assert [path for path in upkeep.journal.parent.iterdir()
            if path.name != upkeep.journal.name and path.read_bytes()[:4096] == content[:4096]]
    assert upkeep.metric("upkeep_mode", mode="observe") == 1
    assert upkeep.logged("upkeep.db"), upkeep.log()
    wait_until("web1 to be seen", lambda: state_of(upkeep, "web1") == "running")
    libvirtd.crash("web1")
    wait_until("its death to be seen", lambda: state_of(upkeep, "web1") == "shut_off")
    stays_off(libvirtd, upkeep, "web1")


def test_secrets_and_state_are_for_the_owner_only(libvirtd, upkeep_for):
    upkeep = upkeep_for(libvirtd).start()
    token = upkeep.instance()["token_file"]
    assert stat.S_IMODE(os.stat(token).st_mode) == 0o600
    with sqlite3.connect(f"file:{upkeep.journal}?mode=ro", uri=True) as journal:
        assert journal.execute("pragma integrity_check").fetchone() == ("ok",)
    assert open(token).read().strip() not in upkeep.log()
