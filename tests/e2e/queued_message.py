#!/usr/bin/env -S python3 -B
"""A message written while everybody else is away outlives its sender's restart, and arrives.

    queued_message.py GUANXI
"""
from homes import TIMEOUT, main, same_view, say


def queued_message(homes):
    a, b = (homes.home(name).init().up() for name in ("ann", "ben"))
    a("group", "new", "tea")
    b("join", a("invite", "tea")["token"], "-y", "--timeout", TIMEOUT)
    a.wait("--members", "tea=2", "--peers", 1)

    b.down()
    sent = a("send", "tea", "are you there?")
    assert sent["state"] == "queued", sent
    a.kill()  # at once: the acknowledgement was a promise
    a.up()
    last = a("send", "tea", "still here")
    a.down()
    a.up()
    b.up()
    b.wait("--count", "tea=2")
    same_view((a, b), "tea")
    assert b.messages("tea") == {sent["event"]: "are you there?", last["event"]: "still here"}
    say("both arrived after a kill -9 and a restart of their sender")

    # The other way: who was away sends, and the first goes away before the second comes back.
    b.down()
    a("send", "tea", "three")
    a.down()
    b.up()
    b("send", "tea", "four")
    a.up()
    for home in (a, b):
        home.wait("--count", "tea=4")
    same_view((a, b), "tea")
    say("what both wrote while the other was away arrived")


main(queued_message)
