#!/usr/bin/env python3
"""Named conflicts of the law, one a file, and input that gx-law must refuse.

    tests/scenarios/law.py GX-LAW          every law/NAME.jsonl, in its order of lines and backwards, gives law/NAME.expected
"""
import json
import pathlib
import subprocess
import sys

HEAD = {"cap": 5, "qr_max": 3, "owner": "u0", "quota": 32}
CREATE = {"op": "c", "author": "u0", "device": 0, "kind": "CREATE", "deps": [], "prev": None}


def op(name, kind="META", deps=("c",), author="u0", **more):
    return {"op": name, "author": author, "device": 0, "kind": kind, "deps": list(deps), "prev": None, **more}


# what, number of the line that is to blame, lines
REFUSED = [
    ("nothing", 1, []),
    ("no operation", 2, [HEAD]),
    ("no JSON", 3, [HEAD, CREATE, "{"]),
    ("not an object", 2, [HEAD, "[]"]),
    ("a head without a cap", 1, [{"qr_max": 3, "owner": "u0", "quota": 32}, CREATE]),
    ("a missing dep", 3, [HEAD, CREATE, op("a", deps=["b"])]),
    ("a missing prev", 3, [HEAD, CREATE, {**op("a"), "prev": "b"}]),
    ("a prev of somebody else's", 4, [HEAD, CREATE, op("a"), {**op("b", author="u1"), "prev": "a"}]),
    ("a cycle", 4, [HEAD, CREATE, op("a"), op("b", deps=["d"]), op("d", deps=["b"])]),
    ("a cycle of one", 3, [HEAD, CREATE, op("a", deps=["a"])]),
    ("two of one name", 4, [HEAD, CREATE, op("a"), op("a")]),
    ("two CREATEs", 3, [HEAD, CREATE, {**CREATE, "op": "d"}]),
    ("a CREATE by another", 2, [HEAD, {**CREATE, "author": "u1"}]),
    ("one that descends from nothing", 3, [HEAD, CREATE, op("a", deps=[])]),
    ("an unknown kind", 3, [HEAD, CREATE, op("a", kind="KICK")]),
    ("a REMOVE of nobody", 3, [HEAD, CREATE, op("a", kind="REMOVE")]),
    ("an ADMIT without via", 3, [HEAD, CREATE, op("a", kind="ADMIT", target="u1")]),
    ("a TOKEN without uses", 3, [HEAD, CREATE, op("a", kind="TOKEN")]),
    ("a REVOKE of both", 3, [HEAD, CREATE, op("a", kind="REVOKE", target="u1", token="c")]),
    ("256 deps", 259, [HEAD, CREATE] + [op(f"a{i}") for i in range(256)] + [op("b", deps=[f"a{i}" for i in range(256)])]),
]
ACCEPTED = [("255 deps", [HEAD, CREATE] + [op(f"a{i}") for i in range(255)] + [op("b", deps=[f"a{i}" for i in range(255)])])]


def run(gx_law, lines):
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    return subprocess.run([gx_law], input=text, capture_output=True, text=True)


def main():
    gx_law, failed = sys.argv[1], 0
    paths = sorted((pathlib.Path(__file__).resolve().parent / "law").glob("*.jsonl"))
    for path in paths:
        head, *ops = path.read_text().splitlines()
        expected = json.loads(path.with_suffix(".expected").read_text())
        for lines in (ops, ops[::-1]):
            done = run(gx_law, [head] + lines)
            if done.returncode != 0 or json.loads(done.stdout) != expected:
                print(f"{path.name}: {done.stdout}{done.stderr}")
                failed += 1
    for what, line, lines in REFUSED:
        done = run(gx_law, lines)
        if done.returncode != 2 or not done.stderr.startswith(f"gx-law: line {line}:") or done.stdout:
            print(f"{what}: exit {done.returncode}, {done.stderr}{done.stdout}")
            failed += 1
    for what, lines in ACCEPTED:
        done = run(gx_law, lines)
        if done.returncode != 0:
            print(f"{what}: exit {done.returncode}, {done.stderr}")
            failed += 1
    print(f"{len(paths)} conflicts, {len(REFUSED)} refused inputs, {failed} otherwise than expected")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
