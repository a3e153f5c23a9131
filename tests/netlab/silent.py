#!/usr/bin/env -S python3 -B
"""What netlab/found and the scenarios of LANs show is due to beacons: the same file, whose nodes say nothing on the LAN, does not hold.

    silent.py BUILD
"""
import pathlib
import sys
import tempfile

from runs import HERE, lab, report

SCENARIO = HERE.parent / "scenarios" / "sim" / "code_with_a_dead_address.scn"


def main():
    with tempfile.TemporaryDirectory(prefix="gx-silent-") as folder:
        lines = SCENARIO.read_text().split("\n")
        path, out = pathlib.Path(folder, "silent.scn"), pathlib.Path(folder, "out")
        path.write_text("\n".join("" if line.endswith("beacon") else line for line in lines))
        assert sum(line.endswith("beacon") for line in lines) == 1
        done = lab(sys.argv[1], path, "--report", out, "--patience", 3)
        got = [(x["ok"], x["got"]) for x in report(out)["expects"]]
        assert done.returncode == 1 and got[0] == (False, "is not a member"), (done, got)
        print("without beacons nobody is found whose address is dead")


main()
