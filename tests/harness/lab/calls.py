"""Who called DRBD's tools with what, as logged_call.sh wrote it down; and what nobody but a person
may call."""

import dataclasses
import re

#: Commands that can lose data, or that end something that works.
FORBIDDEN_WORDS = ("--discard-my-data", "--force", "--overwrite-data-of-peer", "--assume-clean")
FORBIDDEN_COMMANDS = ("invalidate", "invalidate-remote", "invalidate-peer", "resume-io", "down",
                      "del-minor", "del-resource", "del-peer", "detach", "disconnect", "outdate",
                      "create-md", "wipe-md", "new-current-uuid", "suspend-io")

#: Commands that only ask.
QUESTIONS = ("status", "events2", "show", "show-gi", "get-gi", "dump", "dump-xml", "sh-resources",
             "sh-dev", "sh-nop", "role", "cstate", "dstate", "help", "--version", "check-resize",
             "sh-md-dev", "sh-ll-dev", "sh-minor", "dump-md", "read-dev-uuid", "is-configured")


@dataclasses.dataclass(frozen=True)
class Call:
    """One call; `nested` when one of the tools made it and not `caller` itself."""

    uptime: float
    caller: str
    nested: bool
    words: tuple

    @classmethod
    def parse(cls, line):
        uptime, caller, nested, command = line.split("|", 3)
        return cls(float(uptime), caller, nested == "+", tuple(command.split()))

    @property
    def text(self):
        return " ".join(self.words)

    @property
    def is_dry_run(self):
        return "-d" in self.words or "--dry-run" in self.words

    @property
    def only_asks(self):
        return self.is_dry_run or any(word in QUESTIONS for word in self.words[1:])

    @property
    def may_lose_data(self):
        """Would this be forbidden to upkeep?"""
        if self.only_asks:
            return False
        return any(word.startswith(FORBIDDEN_WORDS) for word in self.words[1:]) or any(
            word in FORBIDDEN_COMMANDS for word in self.words[1:])


def by_upkeep(calls):
    """What upkeep did, or made DRBD's tools do; without the questions."""
    return [call for call in calls if re.match("upkeep", call.caller) and not call.only_asks]
