#!/usr/bin/env -S python3 -B
"""Of 1,000 messages none is seen by who listens on a LAN, nor by which keys their authors sign, nor in which group: no text, no name, no identity key, no
device's or member's key, no id of a group, a log or an event.

A whole life (e2e/life.py) is lived by five nodes on a switch that keeps every frame.  What is looked for is what the nodes themselves tell of it, and what
lies in their stores; that the search finds what is there is shown by one of each kind that the test sends in clear.

    canaries.py GUANXI       GX_E2E_CANARIES=1040 GX_E2E_SEED=1
"""
import base64
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent.parent / "tools")]
from homes import SKIPPED, Homes, main, say  # noqa: E402
from lab.space import Network, Skip, enter  # noqa: E402
from life import PEOPLE, Life  # noqa: E402
from packets import read_pcap, streams  # noqa: E402

MESSAGES = 1000
BEACON = b"guanxi\0"  # WIRE: what is said on the LAN begins so
KEY = 8  # of a key or an id so many bytes are enough to know it again
WRITTEN = {"bytes": bytes, "hex": lambda key: key.hex().encode(), "HEX": lambda key: key.hex().upper().encode()}
WRITTEN |= {f"base32+{k}": lambda key, k=k: base64.b32encode(bytes(k) + key) for k in range(5)}
WRITTEN |= {f"base64+{k}": lambda key, k=k: base64.b64encode(bytes(k) + key) for k in range(3)}
EVERYBODY = ("10.77.255.255", 9)


class LanHomes(Homes):
    """On a network of their own, each at a place of it."""

    def __init__(self, binary):
        super().__init__(binary)
        self.programs = pathlib.Path(self.binary).parent
        self.pcap = self.folder / "all.pcap"
        self.network = Network(str(self.programs / "gx-forward"), [0] * len(PEOPLE), 1, str(self.pcap))
        self.network.link(0, 0, delay_ms=2)

    def home(self, name):
        home = super().home(name)
        place = len(self.list) - 1
        home.listen, home.place = (f"{self.network.addresses[place]}:0",), lambda: self.network.enter_place(place)
        return home


def keys(homes):
    """The first bytes of all that says who somebody is, and of what: kind -> set."""
    found = {"identity": set(), "session": set(), "member": set(), "group": set(), "device": set(), "log": set(), "id": set(), "token_pk": set()}
    for home in homes.list:
        found["identity"].add(home("id")["id"])
        found["session"] |= {peer["peer"] for peer in home("peers")["peers"]}
        for group in home("group", "list")["groups"]:
            found["member"] |= {m["member"] for m in home("group", "members", ":" + group["group"])["members"]}
        dump = subprocess.run([homes.programs / "gx-inspect", "dump", home.dir], capture_output=True, text=True, check=True).stdout
        for kind in ("group", "device", "log", "id", "token_pk"):
            found[kind] |= set(re.findall(rf"\b{kind}=([0-9a-f]{{16}})", dump)) - {"0" * 16}
    return {kind: {bytes.fromhex(key[: 2 * KEY]) for key in of} for kind, of in found.items()}


class Forms:
    """How keys may be written, and which of them that is: letters that are theirs alone, wherever in a group of bytes they begin."""

    def __init__(self, known):
        self.known, self.written = known, {}
        for key in known:
            self.written[key.hex().encode()] = key
            for encode, bits, group in ((base64.b32encode, 5, 5), (base64.b64encode, 6, 3)):
                for k in range(group):
                    first = (8 * k + bits - 1) // bits
                    self.written[encode(bytes(k) + key)[first : first + (8 * KEY - bits + 1) // bits]] = key
        # In what is not text runs of letters that long are few.
        self.runs = [(re.compile(rb"[%s]{%d,}" % (letters, n)), n) for letters, n in ((rb"0-9a-fA-F", 16), (rb"A-Z2-7", 12), (rb"0-9a-zA-Z+/_-", 9))]

    def find(self, data):
        """Those that stand in it, as bytes, in hex, in base32 or in base64."""
        found = {data[i : i + KEY] for i in range(len(data) - KEY + 1) if data[i : i + KEY] in self.known}
        for pattern, n in self.runs:
            for run in pattern.findall(data):
                for text in {run, run.lower(), run.replace(b"-", b"+").replace(b"_", b"/")}:
                    found |= {self.written[text[i : i + n]] for i in range(len(text) - n + 1) if text[i : i + n] in self.written}
        return found


def say_in_clear(homes, data):
    """To all of the LAN.  Returns when it is in the capture."""
    before = homes.network.count()["ports"][0]["in"]
    with homes.network.socket(0, socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.sendto(data, EVERYBODY)
    while homes.network.count()["ports"][0]["in"] == before:
        pass


def canaries(homes):
    life = Life(homes)
    life.live()
    known = keys(homes)
    texts = {t for home in homes.list for g in home("group", "list")["groups"] for t in home.messages(":" + g["group"]).values()}
    assert len(texts) >= MESSAGES, len(texts)
    for home in homes.list:
        home.down()
    homes.network.count()
    frames = read_pcap(homes.pcap.read_bytes())
    planted = [next(iter(of)) for of in known.values()]
    for write in WRITTEN.values():
        say_in_clear(homes, b" ".join(map(write, planted)) + b" " + life.said.list[0].encode())
    homes.network.count()
    clear = [f for f in read_pcap(homes.pcap.read_bytes())[len(frames) :] if life.said.in_bytes(f)]
    homes.network.end()

    every = {key for of in known.values() for key in of}
    forms = Forms(every)
    for frame, how in zip(clear, WRITTEN, strict=True):
        assert forms.find(frame) == set(planted) and life.said.in_bytes(frame) == ["text"], how
    say(f"what is said in clear is found: a text, and a key or an id of each of {len(known)} kinds, as {', '.join(WRITTEN)}")

    said, beacons = streams(frames), sum(BEACON in f for f in frames)
    assert beacons > 0, "nobody said that they are there"
    assert sum(map(len, said.values())) > sum(len(t.encode()) for t in texts), "less was said than there was to say"
    for data in (*frames, *said.values()):
        for kind in life.kinds:
            assert (found := kind.in_bytes(data)) == [], found
        assert (found := forms.find(data)) == set(), {kind for kind, of in known.items() if of & found}
    say(f"{len(frames)} frames, {sum(map(len, frames))} bytes, {len(said)} streams, {beacons} beacons; {len(texts)} messages, {len(every)} keys and ids: none of them is there")


try:
    tempfile.tempdir = enter()
except Skip as why:
    print(f"skipped: {why}")
    sys.exit(SKIPPED)
main(canaries, LanHomes)
