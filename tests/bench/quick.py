"""gx-bench --quick: it measures everything, says so in JSON, and leaves nothing behind; nothing is asserted about time.

quick.py GX_BENCH GUANXI
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

LINES = {"sends_many", "sends_one", "deliver_p50", "deliver_p99", "catch_up"}
FIGURES = {"median", "min", "max", "repeats"}


def run(*words):
    return subprocess.run([bench, *words], capture_output=True, text=True, timeout=120)


def measures_all(folder):
    done = run("--quick", "--json", "--events", "1500", "--guanxi", guanxi, "--dir", folder)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["quick"] is True and report["events"] == 1500
    lines = {line["name"]: line for line in report["measures"]}
    assert set(lines) == LINES, sorted(lines)
    for line in lines.values():
        for key in ("value", "raw", "ratio", "cpu_us"):
            figures = line[key]
            assert set(figures) == FIGURES and figures["repeats"] == report["repeats"], line
            assert 0 < figures["min"] <= figures["median"] <= figures["max"], line
    assert {name for name, line in lines.items() if "goal" in line} == LINES - {"sends_one"}


def ends_when_told(folder):
    process = subprocess.Popen([bench, "--only", "catch-up", "--guanxi", guanxi, "--dir", folder], stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 20
    # Both nodes are at work when there are two stores.
    while len(list(pathlib.Path(folder).glob("*/*/store.mdb"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, (process.returncode, said)


def main():
    with tempfile.TemporaryDirectory(prefix="gx-bench-test-") as folder:
        measures_all(folder)
        ends_when_told(folder)
        assert os.listdir(folder) == [], os.listdir(folder)
    assert run("--list").stdout.split()[0] == "sends-many"
    assert run("--help").stdout.startswith("Usage: gx-bench")
    assert run("--only", "nothing").returncode == 2
    assert run("--repeats", "1").returncode == 2
    broken = run("--quick", "--guanxi", "/nonexistent")
    assert broken.returncode == 1 and "/nonexistent" in broken.stderr, broken


bench, guanxi = sys.argv[1:]
main()
