#!/usr/bin/env -S python3 -B
"""A node between two networks, of which one is known by its router and shows groups, and the other by its interface and shows contacts alone:
a code lets in on both; when everybody has moved, who is in its group is found on the first, and heard and not recognised on the other, until that shows
groups, too.

    modes.py GUANXI
"""
import os
import pathlib
import socket
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent.parent / "tools")]
from homes import SKIPPED, main, until  # noqa: E402
from lab.space import NEWNET, Skip, call, enter, ip, libc  # noqa: E402

ROUTER = "02:67:78:00:00:01"
CABLES = {"one": ROUTER, "two": "02:67:78:00:00:02"}  # from Ann's machine to two others
MODES = f"lan = off\nlan.two = contacts\nlan.{ROUTER} = on\n"


class Machines:
    """Ann's, and one at the end of each cable.  No IPv6: its addresses would outlive a move."""

    def __init__(self):
        self.spaces, self.moves = [], 0
        for _ in range(3):
            call(libc.unshare, NEWNET)
            self.spaces.append(os.open("/proc/self/ns/net", os.O_RDONLY))
        for i, (name, hardware) in enumerate(CABLES.items(), 1):
            fd = self.spaces[i]
            self.ip(0, f"link add {name} type veth peer name far address {hardware}", f"link set far netns /proc/self/fd/{fd}", pass_fds=[fd])
            self.ip(i, "link set far addrgenmode none", "link set far up", "link set lo up")
            self.ip(0, f"link set {name} addrgenmode none", f"link set {name} up")

    def ip(self, place, *lines, **how):
        ip(*lines, preexec_fn=lambda: self.enter(place), **how)

    def enter(self, place):
        call(libc.setns, self.spaces[place], NEWNET)

    def move(self):
        """Nobody is where they were."""
        self.moves += 1
        for i, name in enumerate(CABLES, 1):
            self.ip(0, f"addr flush dev {name}", f"addr add {self.address(0, i)}/24 broadcast + dev {name}")
            self.ip(i, "addr flush dev far", f"addr add {self.address(i, i)}/24 broadcast + dev far")
        self.ip(0, f"route replace default via {self.address(1, 1)}")
        self.enter(0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # a router is known to who spoke to it
            s.sendto(b"", (self.address(1, 1), 9))

    def address(self, place, cable):
        return f"10.{cable}.{self.moves}.{place + 1}"


def modes(home):
    return {n["name"]: n["mode"] for n in home("status")["lan"]["networks"]}


def heard(home):
    return {n["addr"].split(":")[0]: n["known"] for n in home("peers")["nearby"]}


def test(homes):
    machines = Machines()
    ann, bob, cay = people = [homes.home(name) for name in ("Ann", "Bob", "Cay")]
    for i, home in enumerate(people):
        home.init().listen, home.place = ("[::]:0",), lambda i=i: machines.enter(i)
    (ann.dir / "guanxi.conf").write_text(MODES)
    machines.move()
    for home in people:
        home.up()
    until(ann, lambda: modes(ann), lambda m: m == {"one": "on", "two": "contacts"})
    ann("group", "new", "tea")
    token = ann("invite", "tea")["token"]
    machines.move()
    bob("join", token, "-y")
    cay("join", token, "-y")
    for home in people:
        home.wait("--members", "tea=3")
    print("a code whose address is dead lets in where groups are shown, and where they are not")

    for home in people:
        home.down()
    machines.move()
    for home in people:
        home.up()
    ann.wait("--peers", 1)
    until(ann, lambda: heard(ann), lambda h: h == {machines.address(1, 1): True, machines.address(2, 2): False})
    ann.send("tea", "who is here?")
    bob.wait("--count", "tea=1")
    assert heard(cay) == {} and ann("status")["peers"]["up"] == 1
    print("found where groups are shown, heard and not recognised where they are not")

    ann.down()
    (ann.dir / "guanxi.conf").write_text(MODES.replace("contacts", "on"))
    ann.up()
    ann.wait("--peers", 2)
    cay.wait("--count", "tea=1")
    print("and found there, too, when they are")


try:
    enter()
except Skip as why:
    print(f"skipped: {why}")
    sys.exit(SKIPPED)
main(test)
