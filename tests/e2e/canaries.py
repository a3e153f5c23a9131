#!/usr/bin/env -S python3 -B
"""Of 1,000 names and texts none is seen by who listens on the network, nor found in a file of a home that is down or locked, nor by who was removed among
what they have of later.

A whole life (life.py) is lived over the loopback of a network namespace of its own, in which nobody else speaks, and every packet is kept.  No canary is
in there, as text, in hex, in base64 or in base32.  That the capture is whole is shown by the kernel's own count of bytes, and that the search finds what is there by
one canary that the test sends in clear.

    canaries.py GUANXI       GX_E2E_CANARIES=1000 GX_E2E_SEED=1
"""
import base64
import fcntl
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import threading

from homes import TIMEOUT, main, say
from life import Life
from packets import streams

SKIP = 77
ALONE = "GX_E2E_ALONE"  # set where no other network is
OUTGOING, SOL_PACKET, STATISTICS, RCVBUFFORCE = 4, 263, 6, 33  # linux/if_packet.h, asm-generic/socket.h
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h
PACKET_MAX, BUFFER = 1 << 17, 256 << 20


def go_alone():
    """This program again, in a namespace whose network this user may listen to."""
    if ALONE in os.environ:
        return
    tried = subprocess.run(["unshare", "-rn", "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        print(f"SKIPPED: no namespace can be made whose network this user may listen to: {tried.stderr.strip()}")
        sys.exit(SKIP)
    os.environ[ALONE] = "1"
    os.execvp("unshare", ["unshare", "-rn", sys.executable, "-B", *sys.argv])


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        _, flags = struct.unpack("16sH14x", fcntl.ioctl(s, GET_FLAGS, struct.pack("16sH14x", b"lo", 0)))
        fcntl.ioctl(s, SET_FLAGS, struct.pack("16sH14x", b"lo", flags | UP))


def bytes_sent():
    """On this network, as the kernel counts them."""
    lines = [line.split(":") for line in pathlib.Path("/proc/net/dev").read_text().splitlines()[2:]]
    return sum(int(line[1].split()[8]) for line in lines)


class Capture(threading.Thread):
    """Every packet that is sent, once."""

    def __init__(self):
        super().__init__()
        self.packets = []
        self.over = os.eventfd(0)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        for option in (socket.SO_RCVBUF, RCVBUFFORCE):
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, option, BUFFER)
            except PermissionError:
                pass  # less may do, and what finds no room is counted
        self.socket.setblocking(False)
        self.start()

    def run(self):
        last = False
        while not last:
            last = self.over in select.select([self.socket, self.over], [], [])[0]
            try:
                while True:
                    packet, address = self.socket.recvfrom(PACKET_MAX)
                    if address[2] == OUTGOING:
                        self.packets.append(packet)
            except BlockingIOError:
                pass

    def end(self):
        """When nobody sends any more.  Returns how many packets found no room."""
        os.eventfd_write(self.over, 1)
        self.join()
        return struct.unpack("II", self.socket.getsockopt(SOL_PACKET, STATISTICS, 8))[1]


def say_in_clear(text):
    """In all forms, as text in two halves, so that no packet has that whole.  Returns the port, and the bytes."""
    raw = text.encode()
    half = len(raw) // 2
    said = [raw[:half], raw[half:], raw.hex().encode(), raw.hex().upper().encode()]
    said += [base64.b64encode(bytes(k) + raw) for k in range(3)] + [base64.b32encode(bytes(k) + raw) for k in range(5)]
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=TIMEOUT) as client:
        heard = server.accept()[0]
        for part in said:
            client.sendall(part)
            assert heard.recv(len(part), socket.MSG_WAITALL) == part
        heard.close()
        return server.getsockname()[1], b"".join(said)


def canaries(homes):
    loopback_up()
    capture = Capture()
    life = Life(homes)
    life.live()
    for home in homes.list:
        home.down()
    port, clear = say_in_clear(life.said.list[0])
    sent = bytes_sent()
    lost = capture.end()
    heard = sum(map(len, capture.packets))
    assert lost == 0 and heard >= sent > 0, f"{heard} bytes were heard of {sent} that were sent, {lost} packets found no room"

    said = streams(capture.packets)
    ours = [stream for key, stream in said.items() if port in key[:2] and stream]
    assert ours == [clear] and life.said.in_bytes(clear) == list(life.said.forms), (ours, life.said.in_bytes(clear))
    others = {key: stream for key, stream in said.items() if port not in key[:2]}
    say(f"{len(capture.packets)} packets, {heard} bytes in {len(others)} streams; what is said in clear is found in all of {len(life.said.forms)} forms")

    texts = sum(len(t.encode()) for kind in life.kinds for t in kind.list)
    assert sum(map(len, others.values())) > texts, "less was said than there was to say"
    for kind in life.kinds:
        assert (found := {key: forms for key, stream in others.items() if (forms := kind.in_bytes(stream))}) == {}, found
    packets = [p for p in capture.packets if any(kind.in_bytes(p) for kind in life.kinds)]
    forms = [life.said.in_bytes(p) for p in packets]
    assert sorted(forms) == sorted([form] for form in life.said.forms if form != "text"), f"packets have {forms}, and streams nothing"
    say("and no canary of the life, in none of them")

    files = nothing_at_rest(life)
    say(f"nor does any of {files} files of five homes hold one, ann's and dan's with a passphrase")
    dan = life.homes["dan"]
    shown = set(dan.messages(life.tea).values())
    assert shown & set(life.said.list) and not shown & set(life.behind.list), "who was removed reads what he had, and nothing from behind it"


def nothing_at_rest(life):
    """The homes are down, and some are locked.  What a home can show, and what is put into a file to be found, show that there is something to find."""
    ann = life.homes["ann"]
    ann.homes.brief["GUANXI_PASSPHRASE_CMD"] = "echo a passphrase"
    for name in ("ann", "dan"):
        life.homes[name]("passwd")
    assert set(ann.messages(life.tea).values()) > {t for t in life.behind.list if t.startswith("text ")}
    files = 0
    for home in life.homes.values():
        for kind in life.kinds:
            assert (found := kind.in_files(home.dir)) == {}, (home.name, found)
        files += sum(path.is_file() for path in home.dir.rglob("*"))
    (ann.dir / "found").write_text("x" * 100 + life.said.list[0])
    assert life.said.in_files(ann.dir) == {"found": ["text"]}
    (ann.dir / "found").unlink()
    return files


go_alone()
main(canaries)
