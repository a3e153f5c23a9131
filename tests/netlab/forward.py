#!/usr/bin/env -S python3 -B
"""The switch of tools/netlab, with sockets where it has devices else: who gets a frame, when, how often, and that a seed decides it.

    forward.py GX-FORWARD
"""
import contextlib
import json
import pathlib
import select
import socket
import struct
import subprocess
import sys
import tempfile

TIMEOUT = 60  # of each wait, seconds
ALL = b"\xff" * 6
ARP, OTHER = b"\x08\x06", b"\x88\xb5"
COUNT = 2000


def mac(i):
    return bytes([2, 0, 0, 0, 0, i])


ANYBODY = mac(200)  # of whom nobody has heard


def frame(to, source, number, kind=OTHER):
    return to + mac(source) + kind + struct.pack("!I", number) + bytes(20)


def number(data):
    return struct.unpack("!I", data[14:18])[0]


class Switch:
    """Ports on these islands; what comes out of each is kept."""

    def __init__(self, program, islands, seed=1, pcap=""):
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in islands]
        self.ports, theirs = [list(ends) for ends in zip(*pairs)]
        fds = [s.fileno() for s in theirs]
        self.process = subprocess.Popen(
            [program, str(seed), str(pcap), *(f"{island}:{fd}" for island, fd in zip(islands, fds))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=fds, text=True,
        )
        for s in theirs:
            s.close()
        self.got = [[] for _ in islands]

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def count(self):
        return json.loads(self.say("count"))

    def take(self, n):
        """Until so many frames came out in all."""
        while sum(map(len, self.got)) < n:
            ready = select.select(self.ports, [], [], TIMEOUT)[0]
            assert ready, f"{sum(map(len, self.got))} frames of {n} came"
            for s in ready:
                self.got[self.ports.index(s)].append(s.recv(1 << 16))

    def take_all(self):
        """Until what came in is out, or lost."""
        out = 0
        while True:
            counts = self.count()
            lost = counts["apart"] + counts["lost"] + counts["cut"] + counts["full"]
            ins, outs = (sum(port[key] for port in counts["ports"]) for key in ("in", "out"))
            if outs + lost - counts["twice"] == ins * (len(self.ports) - 1):
                self.take(outs)
                return counts
            assert outs >= out
            out = outs
            self.take(outs)

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(TIMEOUT)
        for s in self.ports:
            s.close()
        return code


@contextlib.contextmanager
def switch(program, islands, **how):
    made = Switch(program, islands, **how)
    try:
        yield made
    finally:
        code = made.end()
    assert code == 0, code


def pour(s, source, n, to=ANYBODY, first=0):
    """What is sent, in turn with what comes: no queue of the kernel decides."""
    for i in range(first, first + n):
        s.ports[source].sendall(frame(to, source, i))


def for_all_or_for_one(program):
    with switch(program, [0, 0, 0]) as s:
        pour(s, 0, 1)
        s.take(2)  # nobody knows where anybody is
        assert [len(g) for g in s.got] == [0, 1, 1]
        pour(s, 1, 1, mac(0))
        s.take(3)  # it has heard of 0
        assert [len(g) for g in s.got] == [1, 1, 1]
        pour(s, 1, 1, mac(9))
        s.take(5)  # and of 9 not
        assert [len(g) for g in s.got] == [2, 1, 2]
        s.ports[0].sendall(b"short")
        pour(s, 0, 1)
        s.take(7)
        counts = s.count()
        assert counts["ports"][0]["in"] == 2 and counts["ports"][2]["out_bytes"] == 3 * 38, counts


def islands_are_lans(program):
    """What is said to all stays there; a question where somebody is does not, nor what is for one."""
    group, group6, solicited = (bytes.fromhex(text) for text in ("01005e0000fe", "333300000001", "3333ff000001"))
    with switch(program, [0, 0, 1]) as s:
        to_all = [(ALL, OTHER), (group, OTHER), (group6, OTHER)]
        for i, (to, kind) in enumerate([*to_all, (ALL, ARP), (solicited, OTHER), (ANYBODY, OTHER)]):
            s.ports[0].sendall(frame(to, 0, i, kind))
        counts = s.take_all()
        assert [[number(f) for f in got] for got in s.got] == [[], [0, 1, 2, 3, 4, 5], [3, 4, 5]] and counts["apart"] == 3, (s.got, counts)


def fates(program, seed, talks_too):
    """The numbers of the frames that 1 got from 0."""
    with switch(program, [0, 0, 0], seed=seed) as s:
        assert s.say("link 0 0 0 0 50000 20000 0 0") == "ok"
        for i in range(0, COUNT, 50):
            pour(s, 0, 50, first=i)
            if talks_too:
                pour(s, 2, 20, first=COUNT + i)
            s.take_all()
        counts = s.count()
        return [number(f) for f in s.got[1] if number(f) < COUNT], counts


def a_seed_decides(program):
    """What is lost, and what comes twice: about as much as was said, the same each time, and whoever talks beside."""
    got, counts = fates(program, 1, False)
    lost, twice = COUNT - len(set(got)), len(got) - len(set(got))
    assert COUNT * 0.03 < lost < COUNT * 0.07 and COUNT * 0.01 < twice < COUNT * 0.03, (lost, twice)
    assert counts["lost"] > lost and counts["twice"] > twice and counts["early"] == 0, counts
    assert fates(program, 1, True)[0] == got
    assert fates(program, 2, False)[0] != got
    return lost, twice


def order(program):
    """Jitter does not change it; frames that go early do, and nothing else is early."""
    with switch(program, [0, 1]) as s:
        assert s.say("link 0 1 30000 30000 0 0 0 0") == "ok"
        pour(s, 0, 200)
        s.take(200)
        assert [number(f) for f in s.got[1]] == list(range(200))
        assert s.say("link 0 1 300000 0 0 0 100000 0") == "ok"
        pour(s, 0, 200, first=200)
        s.take(400)
        early = s.count()["early"]
        came = [number(f) for f in s.got[1][200:]]
        assert 5 < early < 50 and sorted(came[:early]) == came[:early] and sorted(came[early:]) == came[early:], (early, came)
        assert sorted(came) == list(range(200, 400)) and came != sorted(came)


def slow_and_full(program):
    """At 38,000 bytes a second a frame of 38 takes a ms; a queue has an end."""
    with switch(program, [0, 1]) as s:
        assert s.say("link 0 1 0 0 0 0 0 38000") == "ok"
        pour(s, 0, 1)
        s.take(1)
        assert s.say("link 0 1 60000000 0 0 0 0 0") == "ok"
        for i in range(5000):
            s.ports[0].sendall(frame(ANYBODY, 0, i))
        while (counts := s.count())["ports"][0]["in"] < 5001:
            pass
        assert counts["full"] == 5000 - 4096, counts


def one_way(program):
    with switch(program, [3, 5]) as s:
        assert s.say("cut 3 5 1") == "ok"
        pour(s, 0, 7)
        pour(s, 1, 5)
        counts = s.take_all()
        assert [len(g) for g in s.got] == [5, 0] and counts["cut"] == 7, counts
        assert s.say("link 3 5 0 0 0 0 0 0") == "ok"  # it stays cut
        pour(s, 0, 7)
        assert s.take_all()["cut"] == 14
        assert s.say("cut 3 5 0") == "ok"
        pour(s, 0, 7)
        s.take_all()
        assert [len(g) for g in s.got] == [5, 7]


def nonsense(program):
    with switch(program, [0, 0]) as s:
        for line in ("", "link 0 0 1", "link 0 99 0 0 0 0 0 0", "cut 0 0 2", "cut 0 0 1 1", "counts"):
            assert s.say(line) == "this is not understood", line
    for arguments in ([], ["1", ""], ["x", "", "0:0"], ["1", "", "0"], ["1", "", "99:0"], ["1", "", "0:77"]):
        done = subprocess.run([program, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, (arguments, done)
    done = subprocess.run([program, "1", "/nowhere/x", "0:0"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 74 and "/nowhere/x" in done.stderr, done


def capture(program):
    """All that is sent, once, also what comes to nobody."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "all.pcap")
        with switch(program, [0, 0, 1], pcap=path) as s:
            s.say("cut 0 1 1")
            pour(s, 0, 100)
            s.take_all()
        data = path.read_bytes()
    assert struct.unpack("<IHHiIII", data[:24]) == (0xA1B2C3D4, 2, 4, 0, 0, 65536, 1)
    at, frames = 24, []
    while at < len(data):
        seconds, _, n, whole = struct.unpack_from("<IIII", data, at)
        assert n == whole and seconds > 0
        frames.append(data[at + 16 : at + 16 + n])
        at += 16 + n
    assert frames == [frame(ANYBODY, 0, i) for i in range(100)]


def main():
    program = sys.argv[1]
    for_all_or_for_one(program)
    islands_are_lans(program)
    lost, twice = a_seed_decides(program)
    order(program)
    slow_and_full(program)
    one_way(program)
    nonsense(program)
    capture(program)
    print(f"of {COUNT} frames at 5 % and 2 %: {lost} lost, {twice} came twice")


if __name__ == "__main__":
    main()
