"""What the tests of tools/netlab share: the program itself, and the simulator beside it."""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
NETLAB = HERE.parent.parent / "tools" / "netlab"
SKIPPED, TIMEOUT = 77, 60


def ends_with_me():
    """Called in a process that becomes another program: a test that is killed leaves nothing that runs."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def lab(build, *arguments):
    """tools/netlab, to its end; a machine that has not what it takes ends the test, too."""
    done = subprocess.run([sys.executable, "-B", NETLAB, *map(str, arguments), "--build", build], capture_output=True, text=True, preexec_fn=ends_with_me)
    if done.returncode == SKIPPED:
        print(done.stdout.strip())
        sys.exit(SKIPPED)
    return done


def sim(build, *arguments):
    return subprocess.run([pathlib.Path(build, "gx-sim"), *map(str, arguments)], capture_output=True, text=True)


def report(folder):
    return json.loads(pathlib.Path(folder, "report.json").read_text())


def shape(value):
    """The names of all fields, without what they say."""
    if isinstance(value, dict):
        return {key: shape(of) for key, of in value.items()}
    return None


@contextlib.contextmanager
def running(build, scenario, *arguments):
    """tools/netlab, its nodes up; it, and the folder of their homes."""
    process = subprocess.Popen(
        [sys.executable, "-B", NETLAB, scenario, "--build", build, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=ends_with_me,
    )
    line = process.stdout.readline()
    if line.startswith("skipped"):
        print(line.strip())
        sys.exit(SKIPPED)
    try:
        yield process, pathlib.Path(re.fullmatch(r"\d+ nodes are up, their homes in (\S+)\n", line).group(1))
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate()


def processes(folder):
    """Of the machine: those whose command names that folder, a keeper before its node, each by a descriptor that tells when it ends."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder) in path.read_text().split("\0"):
                pid, parent = int(path.parent.name), int(re.search(r"PPid:\s+(\d+)", (path.parent / "status").read_text()).group(1))
                found[pid] = (parent, os.pidfd_open(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return [fd for _, (parent, fd) in sorted(found.items(), key=lambda item: item[1][0] in found)]


def wait_for_end(pidfd):
    assert select.select([pidfd], [], [], TIMEOUT)[0], "a process is left"
    os.close(pidfd)
