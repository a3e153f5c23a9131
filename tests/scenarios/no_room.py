#!/usr/bin/env python3
"""A /dev/shm that runs full is the machine's fault, not the node's: one line says so, and nothing is left in it.

    tests/scenarios/no_room.py GX-SIM

It needs a /dev/shm of its own, in namespaces of its own; exit 77 where these may not be made.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

OWN = ["unshare", "--user", "--map-root-user", "--mount"]
MANY = """nodes ann bob k[1..5]
at 0s ann creates tea cap 30 qr 20
at 1s ann shows qr of tea uses 100
at 2s k[1..5] join tea over 5s
at 20s members of tea send 1500 over 200s
expect at end delivered tea = 100%
"""


def main():
    sim, failures = str(pathlib.Path(sys.argv[1]).resolve()), 0
    if subprocess.run([*OWN, "sh", "-c", "mount -t tmpfs -o size=5m none /dev/shm"], capture_output=True).returncode != 0:
        print("no namespace with a /dev/shm of its own can be made here")
        return 77
    quiet = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":handle_sigbus=0"}  # a sanitizer tells of each SIGBUS
    with tempfile.TemporaryDirectory() as folder:
        many = pathlib.Path(folder, "many.scn")
        many.write_text(MANY)
        for size, arguments, says in (
            ("5m", ["run"], "/dev/shm ran full"),
            ("5m", ["run", "--no-writemap"], "/dev/shm ran full"),
            ("2m", ["run"], "2 are free"),
        ):
            command = f'mount -t tmpfs -o size={size} none /dev/shm && "$@"; code=$?; ls /dev/shm; exit $code'
            done = subprocess.run([*OWN, "sh", "-c", command, "sh", sim, arguments[0], many, *arguments[1:]], capture_output=True, text=True, env=quiet)
            if done.returncode != 74 or done.stdout != "" or says not in done.stderr or done.stderr.count("\n") != 1:
                failures += 1
                print(f"FAILED: {arguments} in {size}: exit {done.returncode}: {done.stdout}{done.stderr}")
    print(f"3 runs, {failures} faults")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
