#!/usr/bin/env -S python3 -B
"""Many nodes in one group on a LAN, of which one is killed with -9 every two seconds, at a random time of these, and is up again half a second later.

They all come in by one QR code, talk all the time, and one direction of the link between two halves fails for a fifth of it.  In the end all is delivered that
was acknowledged, and all have the same state.  The same file is played by the simulator, too.

    storm.py BUILD        GX_NETLAB_NODES=5 GX_NETLAB_SECONDS=16 GX_NETLAB_SEED=1
"""
import os
import pathlib
import random
import re
import sys
import tempfile

from runs import lab, report, sim

NODES, SECONDS, SEED = (int(os.environ.get(f"GX_NETLAB_{name}", default)) for name, default in (("NODES", 5), ("SECONDS", 16), ("SEED", 1)))
EVERY, AWAY, BEGIN = 2000, 500, 8000  # ms
WORDS = 2  # of each node, a second


def scenario(rng):
    half, end = NODES // 2, BEGIN + SECONDS * 1000
    yield f"nodes n[0..{NODES - 1}]"
    yield f"island near n[0..{half - 1}]"
    yield f"island far n[{half}..{NODES - 1}]"
    yield "link all wifi"
    yield f"at 0s n[0..{NODES - 1}] beacon"
    yield "at 0s n0 creates tea"
    yield "at 1s n0 shows qr of tea"
    yield f"at 2s n[1..{NODES - 1}] join tea over 2s"
    yield f"at {BEGIN}ms members of tea send {WORDS * SECONDS} over {SECONDS}s"
    yield f"at {BEGIN + SECONDS * 400}ms cut near > far"
    yield f"at {BEGIN + SECONDS * 600}ms mend near > far"
    for at in range(BEGIN, end, EVERY):
        victim, when = f"n{rng.randrange(NODES)}", at + rng.randrange(EVERY - AWAY)
        yield f"at {when}ms {victim} crashes"
        yield f"at {when + AWAY}ms {victim} restarts"
    yield f"at {end}ms heal"
    yield "expect at end same state in tea"
    yield f"expect at end members of tea = {NODES}"
    yield "expect at end delivered tea = 100%"


def main():
    build = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="gx-storm-") as folder:
        path, real = pathlib.Path(folder, "storm.scn"), pathlib.Path(folder, "real")
        path.write_text("\n".join(scenario(random.Random(SEED))) + "\n")
        done = lab(build, path, "--seed", SEED, "--report", real)
        print(done.stdout + done.stderr, end="")
        assert done.returncode == 0, path.read_text()
        r, blows = report(real), SECONDS * 1000 // EVERY
        said = {kind: (int(yes), int(tried)) for kind, yes, tried in re.findall(r"(\w+) (\d+)/(\d+)", done.stdout.split("acts ")[1])}
        # A storm that hit nobody, or in which little was said, would prove nothing.
        assert said["crashed"] == said["restarted"] == (blows, blows), said
        assert r["delivery"]["ratio"] == 1 and r["delivery"]["done"] == said["sent"][0] * NODES and said["sent"][0] > NODES * SECONDS * WORDS * 0.7, r
        ran = sim(build, "run", path, "--seed", SEED, "--report", pathlib.Path(folder, "simulated"))
        assert ran.returncode == 0, ran.stdout
        compared = sim(build, "compare", pathlib.Path(folder, "simulated", "report.json"), real / "report.json")
        print("\n".join(line for line in compared.stdout.split("\n") if line.startswith(("median", "latency"))))


main()
