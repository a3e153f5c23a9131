#!/usr/bin/env python3
"""The same seed is the same run whichever compiler made the simulator, and however it optimises.

    sim_compilers.py SOURCE GX_SIM BUILD_DIR SCENARIO...

GX_SIM is there; another is built in BUILD_DIR, by the other of gcc and clang, without optimising.  Random worlds and scenarios have to leave the same
trace in both.  Unspecified orders of evaluation, what was not set, what hangs on addresses or on how structures are laid out would show.

Exits 77 (a skip) without the other compiler.
"""
import os
import re
import shutil
import subprocess
import sys

SEEDS = range(1, 13)
NODES = 12


def other_compiler(binary):
    """What did not build `binary`."""
    comment = subprocess.run(["readelf", "-p", ".comment", binary], check=True, capture_output=True, text=True).stdout
    names = ["gcc"] if "clang" in comment else ["clang", "clang-14"]
    return next((path for path in map(shutil.which, names) if path), None)


def build(source, build_dir, compiler):
    os.makedirs(build_dir, exist_ok=True)
    configure = ["cmake", "-S", source, "-B", build_dir, "-G", "Ninja", f"-DCMAKE_C_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=Debug",
                 "-DCMAKE_C_FLAGS_DEBUG=-O0", "-DBUILD_TESTING=OFF"]
    for command in (configure, ["cmake", "--build", build_dir, "--target", "gx-sim"]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return os.path.join(build_dir, "gx-sim")


def trace(binary, arguments):
    done = subprocess.run([binary, *arguments], capture_output=True, text=True)
    found = re.search(r"\btrace ([0-9a-f]{16,64})", done.stdout)
    if not found:
        sys.exit(f"{binary} {' '.join(arguments)}: no trace\n{done.stdout}{done.stderr}")
    return found.group(1)


def main():
    source, binary, build_dir, *scenarios = sys.argv[1:]
    compiler = other_compiler(binary)
    if compiler is None:
        print("there is no other compiler")
        sys.exit(77)
    other = build(source, build_dir, compiler)
    runs = [["swarm", "--seed", str(seed), "--nodes", str(NODES)] for seed in SEEDS] + [["run", path] for path in scenarios]
    traces = [(trace(binary, run), trace(other, run), run) for run in runs]
    for here, there, run in traces:
        if here != there:
            print(f"gx-sim {' '.join(run)}: {here[:16]}, by {compiler} {there[:16]}")
    print(f"{len(runs)} runs, {sum(here == there for here, there, _ in traces)} the same; {len({here for here, _, _ in traces})} different ones")
    sys.exit(any(here != there for here, there, _ in traces) or len({here for here, _, _ in traces}) != len(runs))


main()
