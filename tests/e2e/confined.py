#!/usr/bin/env -S python3 -B
"""A running node is confined in all its threads, says so, and does what it has to: lock and unlock, a passphrase, a vacuum, a log that is moved away.  What a
process that is confined may do, and that one that is not does more, unit/os/fence shows.

    confined.py GUANXI
"""
import os
import pathlib
import subprocess

from homes import Skip, befriend, main, say

PARTS = ["landlock", "seccomp", "no_new_privs", "no_core"]
LOG_MAX = 1 << 20  # node/os/log.h


def statuses(pid):
    """What the kernel says of each thread."""
    texts = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status")]
    return [dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line) for text in texts]


def parts(home):
    confined = home("status")["node"]["confined"]
    assert set(confined) <= set(PARTS), confined
    assert pathlib.Path(f"{home.dir}/log").read_text().count("confined: " + " ".join(confined)) > 0
    return confined


def is_confined(home, expected):
    assert parts(home) == expected
    threads = statuses(home.pid)
    for status in threads:
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
    return len(threads)


def others_open(home):
    """What of the file system a node holds that is not its home's."""
    held = set()
    for link in pathlib.Path(f"/proc/{home.pid}/fd").iterdir():
        target = os.readlink(link)
        if target.startswith("/") and not target.startswith(str(home.dir)):
            held.add(target)
    return held


def check_of(home):
    return next(check for check in home("doctor")["checks"] if check["name"] == "confinement")


def confined(homes):
    a, b = homes.home("ann").init(), homes.home("ben").init()
    assert check_of(a)["state"] == "ok"  # it is down
    for home in (a, b):
        home.up()
    there = parts(a)
    if "landlock" not in there or "seccomp" not in there:
        assert check_of(a)["state"] == "warn"
        raise Skip(f"of this kernel's means a node has {there}")
    n = is_confined(a, there)
    assert n >= 3, n
    # Sanitizers look at a process from outside: then it may write its memory too, and doctor says so.
    assert check_of(a)["state"] == ("ok" if there == PARTS else "warn")
    assert there[:3] == PARTS[:3], there
    assert others_open(a) <= {"/dev/null", f"/proc/{a.pid}/statm"}, others_open(a)

    befriend(a, b)
    a("group", "new", "tea")
    b("join", "-y", a("invite", "tea")["token"])
    a.send("tea", "one")
    b.wait("--count", "tea=1")
    a("vacuum")
    homes.passphrase("leaf")
    a("passwd")
    a.lock()
    is_confined(a, there)
    a("unlock")
    for text in ("two", "three"):
        a.send("tea", text)
    b.wait("--count", "tea=3")
    is_confined(a, there)
    a("peer", "add", "127.0.0.1:9")
    a.down()
    # A log that is full is moved away by who writes the next line.
    with open(a.dir / "log", "a") as log:
        log.write("x" * LOG_MAX + "\n")
    a.up()
    assert (a.dir / "log.1").stat().st_size > LOG_MAX
    b.send("tea", "four")
    a.wait("--count", "tea=4")
    is_confined(a, there)
    say(f"confined by {' '.join(there)}, in each of {n} threads")


main(confined)
