#!/usr/bin/env python3
"""clang-tidy over the program's sources (not the tests), as many at a time as there are cores.

    tests/check_tidy.py [BUILD_DIR [FILE...]]       default: build/release, every file

A file that was clean is not looked at again until it, anything it includes, how it is compiled,
.clang-tidy or clang-tidy itself changes: ~/.cache/upkeep/tidy has a file by that hash, which does
not depend on where the clone is.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = (pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
         / "upkeep" / "tidy")
TIDY = "clang-tidy-19"
# Warnings of clang's alone: libstdc++'s stable_sort uses what libstdc++ itself calls deprecated, and
# libvirt wants its callbacks cast (VIR_DOMAIN_EVENT_CALLBACK).
CLANG_ONLY = ["--extra-arg=-Wno-deprecated-declarations",
              "--extra-arg=-Wno-cast-function-type-mismatch"]
KEPT_SECONDS = 30 * 24 * 3600


def sources():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        + [f"{folder}/*.cpp" for folder in ("app", "exporter", "platform", "remediation", "simulation")],
        cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted(filter(None, listed.stdout.split("\0")))


def compile_commands(build):
    """File name below the root → (directory, command that compiles it)."""
    entries = json.loads((build / "compile_commands.json").read_text())
    return {os.path.relpath(entry["file"], ROOT): (entry["directory"], shlex.split(entry["command"]))
            for entry in entries}


def fingerprint(directory, command):
    """Hash of everything the verdict depends on; comments too, as a NOLINT is one."""
    output = command.index("-o")
    command = command[:output] + command[output + 2:]
    if "ccache" in command[0]:
        command = command[1:]
    preprocessed = subprocess.run(command + ["-E", "-C"], cwd=directory, capture_output=True)
    if preprocessed.returncode != 0:
        return None
    here = str(ROOT).encode()
    digest = hashlib.sha256(preprocessed.stdout.replace(here, b"."))
    digest.update(shlex.join(command).encode().replace(here, b"."))
    digest.update(shlex.join(CLANG_ONLY).encode())
    digest.update((ROOT / ".clang-tidy").read_bytes())
    digest.update(subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout)
    return digest.hexdigest()


def tidy(build, commands, file):
    """What is wrong with the file; empty when nothing is."""
    if file not in commands:
        return f"{file}: not in {build}/compile_commands.json; run cmake there again\n"
    key = fingerprint(*commands[file])
    if key is not None and (CACHE / key).exists():
        (CACHE / key).touch()
        return ""
    done = subprocess.run([TIDY, "-p", build, "--quiet", *CLANG_ONLY, file], cwd=ROOT,
                          capture_output=True, text=True)
    if done.returncode != 0:
        return done.stdout or done.stderr
    if key is not None:
        (CACHE / key).write_text(file + "\n")
    return ""


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "release").resolve()
    files = sys.argv[2:] or sources()
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.iterdir():
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            old.unlink()
    commands = compile_commands(build)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for report in pool.map(lambda file: tidy(build, commands, file), files):
            if report:
                bad += 1
                print(report, end="", flush=True)
    print(f"tidy: {bad} of {len(files)} files have findings" if bad else "tidy: ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
