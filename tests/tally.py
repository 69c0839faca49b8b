#!/usr/bin/env python3
"""Adds up what test programs reported and ends with one plain line: N passed, N failed.

    tally.py FOLDER [PROGRAM...]

FOLDER holds gtest's JSON and pytest's JUnit XML files. Each PROGRAM must have left a report there:
one that crashed has not, and counts as a failure of its own.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree


def from_gtest(path):
    """(passed, names of the failed) of a gtest JSON report."""
    passed, failed = 0, []
    for suite in json.loads(path.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            if case.get("failures"):
                failed.append(f"{path.stem}: {suite['name']}.{case['name']}")
            elif case["status"] == "RUN" and case.get("result") == "COMPLETED":
                passed += 1
    return passed, failed


def from_junit(path):
    """(passed, names of the failed) of pytest's JUnit XML report."""
    passed, failed = 0, []
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(f"{path.stem}: {case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is None:
            passed += 1
    return passed, failed


def main():
    folder, programs = pathlib.Path(sys.argv[1]), sys.argv[2:]
    passed, failed = 0, []
    for path in sorted(folder.iterdir()):
        reader = {".json": from_gtest, ".xml": from_junit}.get(path.suffix)
        if reader is None:
            continue
        more_passed, more_failed = reader(path)
        passed += more_passed
        failed += more_failed
    failed += [f"{program}: ended without a report" for program in programs
               if not any((folder / (program + end)).exists() for end in (".json", ".xml"))]
    for name in failed:
        print("FAILED", name)
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
