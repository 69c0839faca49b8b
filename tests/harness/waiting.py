"""Waiting for something to become so, instead of sleeping and hoping."""

import time

#: Long enough for a loaded two-core machine; a test that passes never waits for it.
PATIENCE = 60.0


def wait_until(what, condition, timeout=PATIENCE, every=0.02):
    """Calls `condition` until it returns something true, and returns that.

    `what` completes the sentence "waited N s in vain for …". What the condition raised last is part
    of the message; AssertionErrors and OSErrors count as "not yet".
    """
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError, LookupError) as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}; last seen: {last!r}")
        time.sleep(every)


def stays_so(what, condition, seconds):
    """Fails as soon as `condition` is no longer true within the time given."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"no longer so: {what}"
        time.sleep(0.05)
