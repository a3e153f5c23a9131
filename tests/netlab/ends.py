#!/usr/bin/env -S python3 -B
"""Whatever ends tools/netlab, nothing of it is left, no process and no file: Ctrl-C, SIGTERM, and kill -9.

    ends.py BUILD
"""
import os
import signal
import sys

from runs import HERE, processes, running, wait_for_end


def end_by(build, number, code):
    """A terminal sends Ctrl-C to all of a group of processes; kill goes to one."""
    with running(build, HERE / "five.scn") as (lab, folder):
        nodes, me = [fd for i in range(5) for fd in processes(folder / f"n{i}")], os.pidfd_open(lab.pid)
        assert len(nodes) == 2 * 5 and folder.is_dir(), nodes
        if number == signal.SIGINT:
            os.killpg(lab.pid, number)
        else:
            lab.send_signal(number)
        wait_for_end(me)
        said = lab.communicate()  # everybody who could write there is gone then
        assert lab.returncode == code and said == ("", ""), (lab.returncode, said)
        for node in nodes:
            wait_for_end(node)
        assert not folder.exists(), os.listdir(folder)


def main():
    build = sys.argv[1]
    end_by(build, signal.SIGINT, 128 + signal.SIGINT)
    end_by(build, signal.SIGTERM, 128 + signal.SIGTERM)
    end_by(build, signal.SIGKILL, -signal.SIGKILL)
    print("3 ends, nothing left")


main()
