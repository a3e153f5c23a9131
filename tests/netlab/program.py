#!/usr/bin/env -S python3 -B
"""tools/netlab as who types its commands gets it: what it cannot do it refuses before anything runs, by name; what does not hold it says; and where the
machine has not what it takes it says what.

    program.py BUILD
"""
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

from runs import NETLAB, SKIPPED, lab, processes, report, running, sim, wait_for_end

HEAD = """nodes ann bob
at 0s ann creates tea
at 1s ann shows qr of tea
at 2s bob joins tea
"""
REFUSED = (
    ("at 3s bob turns backdater", "5:4: 'bob turns backdater' is for the simulator alone"),
    ("at 3s bob beacons", "5:4: 'bob beacons' is for the simulator alone"),
    ("at 3s bob clock +1h", "5:4: 'bob clock +3600000ms' is for the simulator alone"),
    ("at 3s ann bob disk full for 3s", "5:4: 'ann disk full' is for the simulator alone"),
    ("at 3s bob crashes after 3 steps", "5:4: 'bob crashes after 3 steps' is for the simulator alone"),
    ("nodes k[1..249]", " 251 nodes are for the simulator alone: there are 250 places"),
    ("link all lan at 3s bob crashes after 1 steps", "5:17: 'bob crashes after 1 steps' is for the simulator alone"),
    ("expect at end repeated tea <= 5%", "5:8: 'repeated' is for the simulator alone"),
    ("expect at end pushed tea >= 95%", "5:8: 'pushed' is for the simulator alone"),
    ("at 3s bob juggles", "5:11: 'juggles' is nothing that a node does"),
)
# One says a thing that is not so, and one that becomes so too late.
WRONG = HEAD + """at 3s ann sends 2 to tea
at 6s ann removes bob from tea
at 7s ann sends 1 to tea
expect by 8s members of tea = 2
expect never bob reads what ann sent after 7s
expect never bob is member of tea
expect at end bob is not member of tea
expect at end members of tea = 1
expect at end delivered tea = 100%
"""
# Somebody from outside does what no act of it is.
HURT = HEAD + """at 15s ann sends 3 to tea
expect at end delivered tea = 100%
"""


def refused(build, folder):
    for line, says in REFUSED:
        path = pathlib.Path(folder, "file.scn")
        path.write_text(HEAD + line + "\n")
        done = lab(build, path)
        assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith(f"{path}:{says}") and done.stderr.count("\n") == 1, (line, done)


def lacking(build, folder):
    """A machine without ip."""
    done = subprocess.run(
        [sys.executable, "-B", NETLAB, pathlib.Path(folder, "wrong.scn"), "--build", build], capture_output=True, text=True, env={"PATH": "/nowhere"}
    )
    assert (done.returncode, done.stdout) == (SKIPPED, "skipped: there is no program ip: apt-get install iproute2\n"), done


def wrong(build, folder):
    """Two lines do not hold, on either harness, and the others do."""
    done = lab(build, pathlib.Path(folder, "wrong.scn"), "--report", pathlib.Path(folder, "wrong"))
    assert done.returncode == 1 and [line for line in done.stderr.split("\n") if line.startswith("----")] == ["---- log of ann", "---- log of bob"], done
    r = report(pathlib.Path(folder, "wrong"))
    lines = {x["line"]: (x["ok"], x["got"]) for x in r["expects"]}
    assert {line for line, (ok, _) in lines.items() if not ok} == {8, 10}, lines
    assert lines[8][1] == "1 at ann" and lines[9][1] == "0 messages" and lines[13] == (True, "3 of 3"), lines
    assert [(v["oracle"], v["node"]) for v in r["violations"]] == [("expect", None)] * 2 and not r["ok"], r["violations"]
    assert r["removals"]["count"] == 1 and r["groups"][0]["members"] == 1, r
    ran = sim(build, "run", pathlib.Path(folder, "wrong.scn"))
    assert ran.returncode == 1 and {line for line in lines if f"line {line}: DOES NOT HOLD" in ran.stdout} == {8, 10}, ran.stdout


def are_one(build, homes):
    """Both are in, and nothing of it is under way: what is lost then is lost by what is done next."""

    def guanxi(node, *words):
        return subprocess.run([pathlib.Path(build, "guanxi"), "--home", homes / node, *words], check=True, capture_output=True, text=True).stdout

    for node in ("n1", "n0"):
        guanxi(node, "wait", "--members", "tea=2", "--idle", "--timeout", "60")
    guanxi("n0", "wait", "--hash", "tea=" + json.loads(guanxi("n1", "--json", "group", "show", "tea"))["state_hash"], "--timeout", "60")


def from_outside(build, folder, name, do):
    """What is reported when somebody does that with the home and the process of bob's node, when he has come in."""
    path, out = pathlib.Path(folder, f"{name}.scn"), pathlib.Path(folder, name)
    path.write_text(HURT)
    with running(build, path, "--report", out, "--patience", 3) as (process, homes):
        bob = homes / "n1"
        are_one(build, homes)
        _, pidfd = processes(bob)
        do(bob, pidfd)
        process.communicate()
        assert process.returncode == 1
    r = report(out)
    return [(v["oracle"], v["node"]) for v in r["violations"]], r


def lose_store(bob, pidfd):
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    wait_for_end(pidfd)
    (bob / "store.mdb").unlink()


def unplug(_, pidfd):
    pid = re.search(r"Pid:\s+(\d+)", pathlib.Path(f"/proc/self/fdinfo/{pidfd}").read_text()).group(1)
    enter = ["nsenter", "--target", pid, "--net"]
    for more in (["--user", "--preserve-credentials"], []):  # root's lab may have no users of its own
        done = subprocess.run([*enter, *more, "ip", "link", "set", "lan", "down"], capture_output=True, text=True)
        if done.returncode == 0:
            return
    raise AssertionError(done.stderr)


def hurt(build, folder):
    """A node that ends by itself, and is no member any more, is told; so is one that does not get what it should."""
    violations, r = from_outside(build, folder, "lost", lose_store)
    assert violations == [("step", "bob"), ("state", None)] and "2 members, and 1 nodes" in r["violations"][1]["text"], r["violations"]
    violations, r = from_outside(build, folder, "unplugged", unplug)
    assert violations == [("delivery", "bob"), ("expect", None)], r["violations"]
    assert (r["delivery"]["done"], r["delivery"]["due"], r["latency_ms"]["p50"]) == (3, 6, None), r


def main():
    build = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="gx-program-") as folder:
        pathlib.Path(folder, "wrong.scn").write_text(WRONG)
        refused(build, folder)
        lacking(build, folder)
        wrong(build, folder)
        hurt(build, folder)
    print(f"{len(REFUSED)} refused, 2 of 6 lines do not hold, and what is done from outside is told")


main()
