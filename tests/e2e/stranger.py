#!/usr/bin/env -S python3 -B
"""Who has no valid invitation gets nothing: not by guessing, not by garbage, not by an old protocol.

    stranger.py GUANXI
"""
import random
import select
import socket

from homes import DENIED, DOWN, TIMED_OUT, TIMEOUT, altered, main, same_view, say

SEED_AT = 1 + 16 + 8 + 8
SECRET = "the kettle is on at nine"


def exchange(address, *parts):
    """Everything that comes back, read after each part until the other side is silent for half a second."""
    host, port = address.rsplit(":", 1)
    got = b""
    with socket.create_connection((host, int(port)), timeout=TIMEOUT) as s:
        try:
            for part in parts:
                s.sendall(part)
                while select.select([s], [], [], 0.5)[0]:
                    more = s.recv(65536)
                    if not more:
                        return got
                    got += more
        except (BrokenPipeError, ConnectionResetError):
            pass
    return got


def zmtp_greeting(mechanism):
    return b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + mechanism.ljust(20, b"\0") + b"\0" + bytes(31)


def knock(address, rng):
    """What ZeroMQ itself says first is 64 bytes and tells nothing; whatever follows must be no more than an error."""
    ready = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER"
    knocks = [
        (b"",),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",),
        (rng.randbytes(4096),),
        (zmtp_greeting(b"NULL"), ready, b"\x00\x05hello"),
        (zmtp_greeting(b"PLAIN"), b"\x04\x0b\x05HELLO\x01a\x01b\x00"),
        (zmtp_greeting(b"CURVE"), b"\x04\xc8\x05HELLO\x01\x00" + rng.randbytes(192)),
        (zmtp_greeting(b"CURVE"), b"\x06\x00\x00\x00\x00\x40\x00\x00\x00" + rng.randbytes(100000)),
    ]
    longest = 0
    for parts in knocks:
        got = exchange(address, *parts)
        assert SECRET.encode() not in got and b"tea" not in got, got
        assert len(got) <= 64 + 64, f"{len(got)} bytes came back: {got!r}"
        longest = max(longest, len(got))
    return len(knocks), longest


def stranger(homes):
    a, b, d = (homes.home(name).init().up() for name in ("ann", "ben", "dora"))
    a("group", "new", "tea")
    invite = a("invite", "tea")
    b("join", invite["token"], "-y", "--timeout", TIMEOUT)
    a("send", "tea", SECRET)
    b.wait("--count", "tea=1")

    doors = a("invites", "tea")["invites"][0]["at"][:1] + a("status")["node"]["listen"][:1]
    rng = random.Random(7)
    for address in doors:
        n, longest = knock(address, rng)
        say(f"{n} knocks at {address}: at most {longest} bytes came back")

    # Everything of a good code but its secret.
    guess = altered(invite["token"], SEED_AT, rng.randbytes(16))
    ran = d.run("join", guess, "--at", doors[0], "-y", "--timeout", 5, code=(DENIED, TIMED_OUT))
    say("a code with a guessed secret: exit", ran.code)
    assert not [g for g in d("group", "list")["groups"] if g["state"] == "member"]
    d.down()
    held = b"".join(p.read_bytes() for p in d.dir.rglob("*") if p.is_file())
    assert SECRET.encode() not in held
    d.run("send", "tea", "x", code=DOWN)

    # The two go on as before.
    b("send", "tea", "anybody there?")
    a.wait("--count", "tea=2", "--members", "tea=2")
    same_view((a, b), "tea")
    say("nothing was given away, and the two talk on")


main(stranger)
