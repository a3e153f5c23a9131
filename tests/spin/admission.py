#!/usr/bin/env python3
"""Admission against the caps, searched whole by Spin: the naive rule breaks the cap, the law's does not.  The model is admission.pml.

    tests/spin/admission.py            GX_SPIN_DEEP=1 adds the law with five operations: 21 million states, 2 min, 2.5 GB

Each rule that must fail is searched in breadth, so that its counterexample is a shortest one; it is printed.  Each that must hold is searched to the
end, and what the search met is printed: no counter may be zero, or it proved nothing.  Samples of the views that the model resolved are resolved
again by tests/vectors/law_model.py.  Exits 77 where there is no spin or no C compiler.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vectors"))
import law_model  # noqa: E402

LOG, QUOTA = 3, 32
KINDS = [None, "CHECKPOINT", "REMOVE", "ADMIT", "ADMIT"]
BY_QR = 4
RULES = [None, "author", "issuer", "full", "qr_closed", "rank"]         # enum verdict of the model
MUST_MEET = ["full", "contested", "duplicate", "no_author", "kept_out", "returned", "no_rank", "seat_by_witness",
             "author_by_witness"]

Run = collections.namedtuple("Run", "name defines breaks floor must cap qr_max sample memory_mb", defaults=[[], 4, 3, 0, 2000])
# With QR_MAX below CAP a code finds no room beside its issuer but by the issuer itself or the owner: `issuer` needs the second run.
RUNS = [
    Run("naive: the cap", ["NAIVE", "ASK=CAP_HOLDS"], "cap_holds", 0),
    Run("naive: the QR cap", ["NAIVE", "ASK=QR_CAP_HOLDS"], "qr_cap_holds", 0),
    Run("by arrival: convergence", ["BY_ARRIVAL", "ASK=CONVERGENCE"], "converges", 0),
    Run("by depth: finality", ["BY_DEPTH", "ASK=FINALITY"], "is_final", 0),
    Run("the law", [], None, 1400000, MUST_MEET + ["qr_closed", "qr_contested", "same_set"], sample=3001),
    Run("the law, QR up to the cap", ["QR_MAX=4"], None, 3000000, MUST_MEET + ["no_issuer", "same_set"], qr_max=4, sample=7001),
]
DEEP = Run("the law, 5 operations", ["OPS=5", "SETS"], None, 18000000, MUST_MEET + ["qr_closed", "qr_contested"], sample=40009, memory_mb=6000)


def call(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def build(folder, run, compiler):
    shutil.copy(HERE / "admission.pml", folder)
    sample = [f"SAMPLE={run.sample}"] if run.sample else []
    how = ["-O0", "-DBFS"] if run.breaks else ["-O2"]         # a counterexample is found in a moment
    for command in (["spin"] + [f"-D{d}" for d in run.defines + sample] + ["-a", "admission.pml"],
                    # Each move looks at everything, so there is nothing for partial order reduction to leave out.
                    [compiler, "-w", "-DSAFETY", "-DNOREDUCE", f"-DMEMLIM={run.memory_mb}", *how, "-o", "pan", "pan.c"]):
        code, said = call(folder, *command)
        if code != 0:
            sys.exit(f"FAIL {run.name}: {' '.join(command)}\n{said}")


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found[1]) if found else None


def history(view, run):
    """A sampled view in the words of gx-law: the four operations that all begin with, then what the nodes wrote."""
    def op(name, author, kind, deps, prev, **more):
        return {"op": name, "author": f"u{author}", "device": 0, "kind": kind, "deps": deps, "prev": prev, **more}

    ops = [op("create", 0, "CREATE", [], None), op("first", 0, "ADMIT", ["create"], "create", target="u1", via="INV", heads=[]),
           op("admin", 0, "PROMOTE", ["first"], "first", target="u1"), op("token", 1, "TOKEN", ["admin"], None, uses=0)]
    # Ids are compared among equal depths only, where the model's place decides.
    names = {slot: f"{place}-{slot}" for slot, _, _, _, place, _, _ in view["ops"]}
    for slot, kind, target, _, _, past, _ in view["ops"]:
        author, seq = divmod(slot, LOG)
        prev = names[slot - 1] if seq > 0 else "admin" if author == 0 else "token" if author == 1 else None
        more = {"target": f"u{target}"} if KINDS[kind] != "CHECKPOINT" else {}
        if KINDS[kind] == "ADMIT":
            more.update(via="QR", token="token", heads=[]) if kind == BY_QR else more.update(via="INV", heads=[])
        ops.append(op(names[slot], author, KINDS[kind], ["token"] + [names[s] for s in names if past >> s & 1], prev, **more))
    head = {"cap": run.cap, "qr_max": run.qr_max, "owner": "u0", "quota": QUOTA}
    return names, [json.dumps(x) for x in [head] + ops]


def differs_from_the_law(view, run):
    names, lines = history(view, run)
    law = law_model.resolve(lines)[1]
    members = {f"u{i}" for i in range(5) if view["members"] >> i & 1}
    voided = {names[slot]: RULES[verdict] for slot, _, _, _, _, _, verdict in view["ops"] if RULES[verdict]}
    if (members, voided) != (law.members, law.voided):
        return f"the model has {sorted(members)}, void {voided}; the law {sorted(law.members)}, void {law.voided}:\n" + "\n".join(lines)
    return None


def faults_of(run, output, error):
    states = number(r"(\d+) states, stored", output)
    if run.breaks:
        return [] if error and run.breaks + "(" in error else [f"should have broken {run.breaks}: {error}"]
    met = {name: int(n) for name, n in re.findall(r"^met (\w+) +(\d+)$", output, re.M)}
    samples = [json.loads(line) for line in output.splitlines() if line.startswith('{"members"')]
    print("  met " + ", ".join(f"{name} {n}" for name, n in met.items() if n))
    print(f"  {len(samples)} views resolved again by law_model.py")
    faults = [f"never met: {name}" for name in run.must if not met.get(name)]
    faults += list(filter(None, (differs_from_the_law(view, run) for view in samples)))[:1]
    if error or not re.search(r"errors: 0$", output, re.M):
        faults.append(f"broken: {error}")
    if re.search(r"not completed|too small|out of memory|-DMEMLIM", output):
        faults.append("the search did not end")
    if len(samples) < 100:
        faults.append(f"{len(samples)} samples only")
    if (states or 0) <= run.floor:
        faults.append(f"{states} states only")
    return faults


def search(run, compiler):
    with tempfile.TemporaryDirectory() as folder:
        build(folder, run, compiler)
        start = time.monotonic()
        _, output = call(folder, "./pan", "-m1000")
        seconds = time.monotonic() - start
        found = re.search(r"^pan:\d+: (.*) \(at depth (\d+)\)$", output, re.M)
        print(f"{run.name}:")
        faults = faults_of(run, output, found and found[1])
        moves = re.findall(r"move: (.*)", call(folder, "./pan", "-r")[1]) if found else []
    for move in moves:
        print(f"  {move}")
    if faults:
        print(output[-3000:])
    stored, transitions = number(r"(\d+) states, stored", output), number(r"(\d+) transitions", output)
    depth = f"{found[2]} ({len(moves)} moves)" if found else "none"
    row = f"{run.name:27} {'fails' if found else 'holds':8} {depth:14} {stored or 0:10} {transitions or 0:12} {seconds:6.1f}"
    return row, [f"{run.name}: {fault}" for fault in faults]


def main():
    compiler = next(filter(None, map(shutil.which, [os.environ.get("CC", "gcc"), "cc"])), None)
    if shutil.which("spin") is None or compiler is None:
        print("SKIP: no spin" if compiler else "SKIP: no C compiler")
        return 77
    rows, faults = [], []
    for run in RUNS + ([DEEP] if os.environ.get("GX_SPIN_DEEP") == "1" else []):
        row, more = search(run, compiler)
        rows.append(row)
        faults += more
    print(f"\n{'rule':27} {'verdict':8} {'error at depth':14} {'states':>10} {'transitions':>12} {'s':>6}")
    print("\n".join(rows))
    for fault in faults:
        print(f"FAIL {fault}")
    print("FAIL" if faults else "PASS")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
