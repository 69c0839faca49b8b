#!/usr/bin/env python3
"""Adds up what test programs reported and ends with one plain line: N passed, N failed.

    tally.py FOLDER [PROGRAM...]

FOLDER holds gtest's JSON and pytest's JUnit XML files. Each PROGRAM must have left a report there:
one that crashed has not, and counts as a failure of its own. A test that was skipped is named; with
CI=true in the environment it has failed, because there nothing that a test takes may be missing.
"""

import dataclasses
import json
import os
import pathlib
import sys
import xml.etree.ElementTree


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)  # names
    skipped: list[str] = dataclasses.field(default_factory=list)


def add_gtest(tally, path):
    """Adds a gtest JSON report."""
    for suite in json.loads(path.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            name = f"{path.stem}: {suite['name']}.{case['name']}"
            if case.get("failures"):
                tally.failed.append(name)
            elif case.get("result") == "SKIPPED":
                tally.skipped.append(name)
            elif case["status"] == "RUN" and case.get("result") == "COMPLETED":
                tally.passed += 1


def add_junit(tally, path):
    """Adds pytest's JUnit XML report."""
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{path.stem}: {case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failed.append(name)
        elif case.find("skipped") is not None:
            tally.skipped.append(name)
        else:
            tally.passed += 1


def main():
    folder, programs = pathlib.Path(sys.argv[1]), sys.argv[2:]
    tally = Tally()
    for path in sorted(folder.iterdir()):
        if add := {".json": add_gtest, ".xml": add_junit}.get(path.suffix):
            add(tally, path)
    tally.failed += [f"{program}: ended without a report" for program in programs
                     if not any((folder / (program + end)).exists() for end in (".json", ".xml"))]
    if os.environ.get("CI") == "true":
        tally.failed += [f"{name} (skipped)" for name in tally.skipped]
    else:
        for name in tally.skipped:
            print("SKIPPED", name)
    for name in tally.failed:
        print("FAILED", name)
    print(f"{tally.passed} passed, {len(tally.failed)} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
