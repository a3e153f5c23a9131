#!/usr/bin/env -S python3 -B
"""Who hears the beacons of one node on two days cannot tell by them that it is one: beyond the constant beginning they share no eight bytes anywhere, and no
four in one place; and in another network neither does the port tell it, nor what else of the packets could be random.

A node looks for the other member of its group, who is away, and a switch keeps every frame.  Twice a day goes by for its clock (other_day.c) while it runs and
its machine comes into another network; and the fourth day begins with another process.  That the search finds what is there is shown by what the test plants
into copies of what was heard, and by each beacon itself, which goes to all and to the group.

    beacons.py GUANXI OTHER_DAY
"""
import itertools
import json
import pathlib
import struct
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent.parent / "tools")]
from homes import SKIPPED, TIMEOUT, Homes, main, say, until  # noqa: E402
from lab.space import Network, Skip, enter  # noqa: E402
from packets import read_pcap  # noqa: E402

MAGIC = b"guanxi\0\1"  # and the version: WIRE, on a LAN
BEACON = 256
ANYWHERE, IN_PLACE = 8, 4  # bytes that no two may share
IPV4, IPV6 = 0x0800, 0x86DD
DAY = 24 * 60 * 60
NETWORKS = 3  # in two a port may be the same by chance
EACH = 2  # beacons of a day, at least


class LanHomes(Homes):
    def __init__(self, binary):
        super().__init__(binary)
        self.pcap, self.clock = self.folder / "all.pcap", self.folder / "clock"
        self.clock.write_bytes(bytes(8))
        self.network = Network(str(pathlib.Path(self.binary).parent / "gx-forward"), [0, 0], 1, str(self.pcap))

    def home(self, name):
        home = super().home(name)
        place = len(self.list) - 1
        home.listen, home.place = ("0.0.0.0:0",), lambda: self.network.enter_place(place)
        return home.init()

    def go_on_a_day(self):
        """For who is up, and who comes up from now on."""
        with open(self.clock, "r+b") as f:
            f.write(struct.pack("=q", struct.unpack("=q", self.clock.read_bytes())[0] + DAY))


def beacons(frames, place):
    """What who is there said to all: the payload, and what of the packet around it could be random: (what, value)."""
    found = []
    for frame in frames:
        kind, at = struct.unpack_from("!H", frame, 12)[0], frame.find(MAGIC)
        if frame[6:12] != bytes.fromhex(f"0267780000{place:02x}") or kind not in (IPV4, IPV6) or at < 0 or len(frame) - at != BEACON:
            continue
        udp = at - 8
        # The kernel gives each IPv4 packet that may not be divided the number 0.
        number = ("id", *struct.unpack_from("!H", frame, 18)) if kind == IPV4 else ("label", struct.unpack_from("!I", frame, 14)[0] & 0xFFFFF)
        port, to = struct.unpack_from("!HH", frame, udp)
        assert to == 7447, to
        found.append((frame[at:], {("port", port), *([number] if number[1] != 0 else [])}))
    return found


def linked(a, b):
    """What of two payloads is the same: ("anywhere", bytes), ("in place", where)."""
    windows = {a[i : i + ANYWHERE] for i in range(len(MAGIC), len(a) - ANYWHERE + 1)}
    same = {("anywhere", b[i : i + ANYWHERE]) for i in range(len(MAGIC), len(b) - ANYWHERE + 1) if b[i : i + ANYWHERE] in windows}
    return same | {("in place", i) for i in range(len(MAGIC), len(a) - IN_PLACE + 1) if a[i : i + IN_PLACE] == b[i : i + IN_PLACE]}


def search_finds(a, b):
    """What is planted into copies, and in a beacon what is the beacon's."""
    assert linked(a, b) == set()
    for at in (len(MAGIC), 100, BEACON - IN_PLACE):
        assert ("in place", at) in linked(a, b[:at] + a[at : at + IN_PLACE] + b[at + IN_PLACE :])
    for to in (len(MAGIC), 77, BEACON - ANYWHERE):
        assert ("anywhere", a[50 : 50 + ANYWHERE]) in linked(a, b[:to] + a[50 : 50 + ANYWHERE] + b[to + ANYWHERE :])
    assert len(linked(a, a)) == 2 * BEACON - 2 * len(MAGIC) - ANYWHERE - IN_PLACE + 2


def test(homes):
    ann, ben = homes.home("ann"), homes.home("ben")
    homes.env.update(LD_PRELOAD=other_day, GX_OTHER_DAY=str(homes.clock))
    for home in (ann, ben):
        home.up()
    ann("group", "new", "tea")
    ben("join", ann("invite", "tea")["token"], "-y", "--timeout", TIMEOUT)
    for home in (ann, ben):
        home.wait("--members", "tea=2", "--idle")
    ben.down()

    days, said = [], 0

    def hear_a_day():
        nonlocal said

        def new():
            homes.network.count()
            return beacons(read_pcap(homes.pcap.read_bytes())[said:], 0)

        days.append(until(ann, new, lambda list: len({payload for payload, _ in list}) >= EACH))
        ann.send("tea", "is anybody there?")
        homes.network.count()
        said = len(read_pcap(homes.pcap.read_bytes()))

    ann.down()
    said = len(read_pcap(homes.pcap.read_bytes()))
    ann.up()
    hear_a_day()
    for _ in range(NETWORKS - 1):
        homes.go_on_a_day()
        homes.network.move(0)
        hear_a_day()
    ann.down()
    homes.go_on_a_day()
    ann.up()
    hear_a_day()
    written = [json.loads(line)["wall_ms"] / 1000 for line in ann.run("read", "tea", "-n", 0).stdout.splitlines()]
    assert [round((at - written[0]) / DAY) for at in written] == [0, 1, 2, 3], written
    ann.down()
    homes.network.end()

    payloads = [sorted({payload for payload, _ in day}) for day in days]
    search_finds(payloads[0][0], payloads[1][0])
    copies = len(days[0]) - len(payloads[0])
    assert copies > 0, "each goes to all and to the group"
    for a, b in itertools.combinations(range(len(days)), 2):
        for one, other in itertools.product(payloads[a], payloads[b]):
            assert (same := linked(one, other)) == set(), (a, b, same)
    around = [set().union(*(more for _, more in day)) for day in days[:NETWORKS]]
    assert set.intersection(*around) == set(), around
    say(f"{[len(p) for p in payloads]} beacons on {len(days)} days, {NETWORKS} of them in the life of one process: nothing tells that they are of one node")


try:
    tempfile.tempdir = enter()
except Skip as why:
    print(f"skipped: {why}")
    sys.exit(SKIPPED)
other_day = str(pathlib.Path(sys.argv.pop()).resolve())
main(test, LanHomes)
