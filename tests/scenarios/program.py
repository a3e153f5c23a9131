#!/usr/bin/env python3
"""gx-sim as who types its commands gets it: what it measures, what it refuses and where, what it writes, how it ends.

    tests/scenarios/program.py GX-SIM
"""
import json
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

# Without a word about links.
TEA = """nodes ann bob k[1..5]
at 0s ann creates tea cap 30 qr 20
at 1s ann shows qr of tea uses 100
at 2s k[1..5] join tea over 5s
at 20s members of tea send 2 over 10s
"""
# With one of three links.
ONE_LINK = """nodes ann bob cid
island home ann cid
island cafe bob
link home cafe delay 20ms
at 0s ann creates tea
at 1s ann shows qr of tea
at 2s bob cid join tea
at 30s ann sends 3 to tea over 3s
"""
# One of its lines does not hold: the cap is 5.
FULL = """nodes ann bob cid k[1..6]
island home ann cid
island cafe bob k[1..6]
at 0s ann creates tea cap 5 qr 5
at 1s ann shows qr of tea
at 2s bob cid k[1..6] join tea over 8s
at 20s members of tea send 2 over 20s
at 25s k1 pauses for 5s
at 30s partition home | cafe
at 90s heal
at 95s members of tea send 3 over 20s
expect at end members of tea = 6
expect at end same state in tea
expect never k6 is member of tea
expect at end k1 reads what ann sent after 96s
"""
failures, checks = [], 0


def check(ok, what):
    global checks
    checks += 1
    if not ok:
        failures.append(what)
        print(f"FAILED: {what}")


class Sim:
    """The program, in a folder of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = str(pathlib.Path(program).resolve()), pathlib.Path(folder)

    def write(self, name, text):
        (self.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def run(self, *arguments, **more):
        return subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder, **more)

    def report(self, *path):
        return json.loads(self.folder.joinpath(*path, "report.json").read_text())


def sweep_is_of_all_links(sim):
    for name, text in (("tea", TEA), ("one", ONE_LINK)):
        head, tail = text.split("\n", 1) if name == "tea" else (text[: text.index("link ")], text[text.index("at 0s") :])
        said = sim.write(f"{name}_said.scn", f"{head}\nlink all delay 40ms\n{tail}")
        plain = sim.write(f"{name}.scn", text)
        done = sim.run("sweep", "delay=20..40:20", plain, "--report", f"{name}_swept")
        check(done.returncode == 0, f"sweep {name}: exit {done.returncode}: {done.stderr}")
        sim.run("run", said, "--report", f"{name}_run")
        swept, run = sim.report(f"{name}_swept", "delay-40"), sim.report(f"{name}_run")
        check(swept["trace_hash"] == run["trace_hash"], f"sweep {name}: not what `link all` at its beginning does")
        check(swept["latency_ms"]["p50"] >= 40, f"sweep {name}: half is there after {swept['latency_ms']['p50']} ms by links of 40 ms")


def shrinking_keeps_the_line_that_does_not_hold(sim):
    done = sim.run("shrink", sim.write("full.scn", FULL), "--out", "full_small.scn")
    check(done.returncode == 0, f"shrink: exit {done.returncode}: {done.stderr}")
    again = sim.run("run", "full_small.scn")
    text = (sim.folder / "full_small.scn").read_text()
    check(again.returncode == 1, f"what was shrunk ends with {again.returncode}: {again.stderr}{text}")
    check("expect at end members of tea = 6" in text and "(5 at " in again.stdout, f"another thing is broken than was: {again.stdout}{text}")
    check(text.count("\n") < 15, f"it is not small: {text}")


def shrinking_writes_what_it_says_it_did(sim):
    small = sim.write("least.scn", "nodes ann\nat 0s ann creates tea\nexpect at end members of tea = 2\n")
    done = sim.run("shrink", small, "--out", "least_small.scn")
    check(done.returncode == 0 and "1 acts of 1, 1 nodes of 1, none can be left out" in done.stdout, f"shrink: {done.stdout}{done.stderr}")
    check(sim.run("run", "least_small.scn").returncode == 1, "what cannot be made smaller is not written as it is")
    check(sim.run("shrink", small).returncode == 0, "a shrunk.scn is not written")
    done = sim.run("shrink", small)
    check(done.returncode == 2 and "shrunk.scn" in done.stderr, f"a shrunk.scn that was there is written over: {done.stdout}{done.stderr}")
    held = sim.run("shrink", sim.write("held.scn", TEA), "--out", "held_small.scn")
    check(held.returncode == 1 and not (sim.folder / "held_small.scn").exists(), f"shrink where all holds: exit {held.returncode}")


def the_last_seed_is_one(sim):
    small, last = sim.write("seeds.scn", "nodes ann\nat 0s ann creates tea\n"), 2**64 - 1
    done = sim.run("run", small, "--seed", last)
    check(done.returncode == 0 and f"seed {last}: all holds" in done.stdout, f"seed {last}: exit {done.returncode}: {done.stdout}{done.stderr}")
    done = sim.run("run", small, "--seed", last - 1, "--runs", 2)
    check(done.returncode == 0 and f"seed {last}: all holds" in done.stdout, f"the last two seeds: exit {done.returncode}: {done.stdout}{done.stderr}")
    done = sim.run("run", small, "--seed", last - 1, "--runs", 3)
    check(done.returncode == 2 and "more than there are seeds" in done.stderr, f"beyond the last seed: exit {done.returncode}: {done.stderr}")


def what_is_not_understood_is_named(sim):
    small = sim.write("said.scn", "nodes ann\nat 0s ann creates tea\n")
    for arguments, says in (
        (["dance"], "there is no 'dance'"),
        ([], "gx-sim run FILE.scn"),
        (["run"], "run wants a scenario file"),
        (["run", small, small], "one file too many"),
        (["run", small, "--seeds", "3"], "run takes no --seeds"),
        (["run", small, "--nodes", "5"], "run takes no --nodes"),
        (["run", small, "--acts", "5"], "run takes no --acts"),
        (["run", small, "--out", "x"], "run takes no --out"),
        (["run", small, "--runs"], "--runs wants something"),
        (["run", small, "--runs", "0"], "--runs is a number from 1 to 1000000, and not '0'"),
        (["swarm", small], "one file too many"),
        (["swarm", "--out", "x"], "swarm takes no --out"),
        (["swarm", "--runs", "2"], "swarm takes no --runs"),
        (["swarm", "--nodes", "1"], "--nodes is a number from 4 to 12000, and not '1'"),
        (["swarm", "--nodes", "12001"], "--nodes is a number from 4 to 12000"),
        (["swarm", "--acts", "0"], "--acts is a number from 1 to 1000000"),
        (["replay", small, "--runs", "2"], "replay takes no --runs"),
        (["replay", small, "--nodes", "7"], "--nodes is of random worlds"),
        (["shrink", small, "--acts", "7"], "--acts is of random worlds"),
        (["sweep"], "loss=0..40:5"),
        (["sweep", "loss=0..5:5"], "sweep wants a scenario file"),
        (["sweep", "loos=0..5:5", small], "loss=0..40:5"),
        (["compare", small], "two report.json"),
        (["compare", small, small, "--within"], "two report.json"),
        (["compare", small, small, "--within", "0.5"], "--within is a number from 1 to 1000, and not '0.5'"),
        (["print"], "print wants a scenario file"),
        (["print", small, "--seed", "3"], "print takes no --seed"),
    ):
        done = sim.run(*arguments)
        check(done.returncode == 2 and says in done.stderr and done.stdout == "", f"{arguments}: exit {done.returncode}: {done.stdout}{done.stderr}")
    for arguments in (["help"], ["--help"], ["-h"], ["run", "--help"], ["swarm", "--nodes", "5", "--help"]):
        done = sim.run(*arguments)
        check(done.returncode == 0 and "gx-sim shrink" in done.stdout and done.stderr == "", f"{arguments}: exit {done.returncode}: {done.stderr}")


def worlds_of(pid):
    """Folders that a process's children have in /dev/shm: others' are none of our business."""
    found = set()
    try:
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found.update(re.findall(r"/dev/shm/gx-sim-job-\w+", pathlib.Path(f"/proc/{child}/maps").read_text()))
    except OSError:  # it has ended meanwhile
        pass
    return found


def signals_leave_nothing_behind(sim):
    name = sim.write("long.scn", TEA + "at 30s members of tea send 200 over 1000s\n")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        process = subprocess.Popen([sim.program, "run", name, "--runs", "500", "--jobs", "2"], cwd=sim.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        worlds = set()
        while process.poll() is None and not worlds:
            worlds |= worlds_of(process.pid)
        if number == signal.SIGPIPE:
            process.stdout.close()
        else:
            process.send_signal(number)
        while process.poll() is None:
            worlds |= worlds_of(process.pid)
        left = [world for world in worlds if pathlib.Path(world).exists()]
        check(worlds and not left, f"{number.name}: {len(left)} of {len(worlds)} worlds are left behind")
        check(process.returncode == 128 + number, f"{number.name}: exit {process.returncode}")
        process.stderr.close()
        if number != signal.SIGPIPE:
            process.stdout.close()
        for world in left:
            shutil.rmtree(world)


def replaying_says_why_nothing_came_of_an_act(sim):
    text = TEA + """at 30s k1 crashes
at 31s k1 sends 1 to tea
at 32s k1 crashes
at 33s k2 pauses
at 34s k2 sends 1 to tea
at 35s k1 shows qr of tea
at 36s bob joins tea by qr of k1
at 37s bob sends 1 to tea
"""
    told = sim.run("replay", sim.write("why.scn", text)).stdout
    for line in (
        "k1 sends 1 to tea: no, it is down",
        "k1 crashes: no, it is down",
        "k2 sends 1 to tea: no, it is paused",
        "bob joins tea by qr of k1: no, there is no code",
    ):
        check(line + "\n" in told, f"replay does not say '{line}': {told}")
    check(": no,\n" not in told and ": no, \n" not in told, f"replay gives no reason: {told}")


def limits_are_named(sim):
    small = sim.write("limits.scn", TEA)
    for what, most, says in ((resource.RLIMIT_AS, 300 << 20, "ulimit -v"), (resource.RLIMIT_FSIZE, 1 << 20, "ulimit -f")):
        if what == resource.RLIMIT_AS and b"__asan_init" in pathlib.Path(sim.program).read_bytes():
            continue  # its shadow takes more
        done = sim.run("run", small, preexec_fn=lambda: resource.setrlimit(what, (most, most)))
        check(done.returncode == 74 and says in done.stderr and done.stderr.count("\n") == 1, f"{says}: exit {done.returncode}: {done.stderr}")


def what_cannot_be_said_is_an_error(sim):
    sim.write("mute.scn", "nodes ann\nat 0s ann creates tea\n")
    for command in ("run mute.scn", "run mute.scn --runs 3", "replay mute.scn", "help"):
        for to in (">/dev/full", ">&-"):
            done = subprocess.run(f"{sim.program} {command} {to}", shell=True, cwd=sim.folder, capture_output=True, text=True)
            check(done.returncode == 74 and "cannot be written" in done.stderr, f"{command} {to}: exit {done.returncode}: {done.stderr}")


def a_report_is_of_the_last_run(sim):
    small, folder = sim.write("reports.scn", "nodes ann\nat 0s ann creates tea\nat 1s ann sends 2 to tea\n"), sim.folder / "last"
    files = {"report.html", "report.json", "report.txt"}
    done = sim.run("run", small, "--runs", 3, "--report", folder)
    check("messages 2, delivered 2 of 2," in done.stdout, f"the last words are counted: {done.stdout}")
    sim.write("last/seed-2/mine.txt", "mine")
    for arguments, left in (
        (["run", small, "--runs", 2], {"seed-1", "seed-2", "index.html"}),
        (["run", small], files | {"seed-2"}),
        (["sweep", "loss=0..10:10", small], {"loss-0", "loss-10", "seed-2"}),
        (["sweep", "loss=10..20:10", small], {"loss-10", "loss-20", "seed-2"}),
    ):
        done = sim.run(*arguments, "--report", folder)
        found = {path.name for path in folder.iterdir()}
        check(done.returncode == 0 and found == left, f"{arguments}: exit {done.returncode}, {sorted(found)}: {done.stderr}")
    check([path.name for path in (folder / "seed-2").iterdir()] == ["mine.txt"], "what somebody else put into its folder is gone")
    (folder / "index.html").write_text("mine")
    shutil.rmtree(folder / "loss-10")
    shutil.rmtree(folder / "loss-20")
    sim.run("run", small, "--report", folder)
    check((folder / "index.html").exists(), "an index that is somebody else's is gone")


CHECKS = [
    a_report_is_of_the_last_run,
    limits_are_named,
    what_cannot_be_said_is_an_error,
    replaying_says_why_nothing_came_of_an_act,
    signals_leave_nothing_behind,
    what_is_not_understood_is_named,
    the_last_seed_is_one,
    sweep_is_of_all_links,
    shrinking_keeps_the_line_that_does_not_hold,
    shrinking_writes_what_it_says_it_did,
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        sim = Sim(sys.argv[1], folder)
        for each in CHECKS:
            each(sim)
    print(f"{checks} checks, {len(failures)} faults")
    return 1 if failures or checks == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
