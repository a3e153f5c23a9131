#!/usr/bin/env -S python3 -B
"""A scenario on both harnesses: it holds on each, the reports have the same fields, and half of all messages are there after times that are no farther
apart than a factor.

    both.py BUILD FILE.scn FACTOR [OPTION ...]      options are tools/netlab's
"""
import pathlib
import sys
import tempfile

from runs import lab, report, shape, sim


def labels(text):
    """What each line of a report.txt is about."""
    return [line[:13].strip() for line in text.split("\n") if line[12:13] == " " and line[:1] != " "]


def main():
    build, scenario, factor, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="gx-both-") as folder:
        real, simulated = pathlib.Path(folder, "real"), pathlib.Path(folder, "simulated")
        done = lab(build, scenario, "--report", real, *options)
        print(done.stdout + done.stderr, end="")
        assert done.returncode == 0, done.returncode
        ran = sim(build, "run", scenario, "--report", simulated)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        a, b = report(simulated), report(real)
        assert shape(a) == shape(b), (shape(a), shape(b))
        assert list(a) == list(b) and a["delivery"] == b["delivery"], (a["delivery"], b["delivery"])
        assert [x["line"] for x in a["expects"]] == [x["line"] for x in b["expects"]]
        assert [g["members"] for g in a["groups"]] == [g["members"] for g in b["groups"]]
        text, other = ((folder / "report.txt").read_text() for folder in (real, simulated))
        assert labels(text) == labels(other), (text, other)
        assert text in done.stdout.split("\n", 1)[1] and text.count("holds") == 1 + len(b["expects"]), text
        compared = sim(build, "compare", simulated / "report.json", real / "report.json", "--within", factor)
        print(compared.stdout, end="")
        assert compared.returncode == 0, "too far apart"


main()
