#!/usr/bin/env -S python3 -B
"""A LAN of tools/netlab is one for those who look for each other: what is said to a group of addresses, to all, and by IPv6 is heard by all who are there, and
by nobody on another island, who can be reached all the same; and who moves is reached at the new address.

    network.py BUILD
"""
import fcntl
import pathlib
import select
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
from lab.space import DEVICE, Network, Skip, enter  # noqa: E402

TIMEOUT, PORT, SKIPPED = 60, 7447, 77
GROUP, GROUP6 = "239.77.0.1", "ff02::7777"
GET_INDEX = 0x8933  # linux/sockios.h


def index_of(s):
    return struct.unpack("16xi20x", fcntl.ioctl(s, GET_INDEX, struct.pack("16s24x", DEVICE.encode())))[0]


def hears(network, i, family):
    s = network.socket(i, family, socket.SOCK_DGRAM)
    if family == socket.AF_INET:
        s.bind(("0.0.0.0", PORT))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(network.addresses[i]))
    else:
        s.bind(("::", PORT))
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(family, GROUP6) + struct.pack("i", index_of(s)))
    return s


def next_of(s):
    assert select.select([s], [], [], TIMEOUT)[0], "nothing is heard"
    return s.recvfrom(1 << 16)


def spread(network, family, to):
    """Heard at 1, and at 2 not: what comes there first is said to it alone, later."""
    ears = [hears(network, i, family) for i in range(3)]
    ears[0].setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    ears[0].sendto(b"one", (to, PORT) if family == socket.AF_INET else (to, PORT, 0, index_of(ears[0])))
    assert next_of(ears[1])[0] == b"one"
    if family == socket.AF_INET:
        ears[0].sendto(b"two", (network.addresses[2], PORT))
        said, sender = next_of(ears[2])
        assert (said, sender) == (b"two", (network.addresses[0], PORT)), (said, sender)
    for s in ears:
        s.close()


def main(build):
    network = Network(str(pathlib.Path(build).resolve() / "gx-forward"), [0, 0, 1], 1)
    spread(network, socket.AF_INET, GROUP)
    spread(network, socket.AF_INET, "10.77.255.255")
    six = pathlib.Path("/proc/sys/net/ipv6").is_dir()
    if six:
        spread(network, socket.AF_INET6, GROUP6)
    before = list(network.addresses)
    for i in range(3):
        network.move(i)
    assert not set(network.addresses) & set(before)
    spread(network, socket.AF_INET, GROUP)
    spread(network, socket.AF_INET, "10.77.255.255")
    counts = network.count()
    network.end()
    assert counts["apart"] >= 4 and counts["lost"] == counts["full"] == counts["cut"] == 0, counts
    print(f"a group, all{', a group of IPv6' if six else ''}: heard on the LAN, and {counts['apart']} frames stayed there")


try:
    enter()
except Skip as why:
    print(f"skipped: {why}")
    sys.exit(SKIPPED)
main(sys.argv[1])
