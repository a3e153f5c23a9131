#!/usr/bin/env -S python3 -B
"""Two halves of one group each give the last free seat away, meet, and agree; who was bumped is told why, and joins again when a seat is free.

    last_seat.py GUANXI

A half that is cut off is one whose processes are stopped.
"""
from homes import DENIED, TIMED_OUT, TIMEOUT, main, same_view, say


def until(home, group, what):
    """Until its view of the group holds what is asked for; each round blocks in `wait`, whose condition cannot come true."""
    for _ in range(TIMEOUT):
        view = home.show(group)
        if what(view):
            return view
        home.run("wait", "--members", f"{group}=500", "--timeout", 1, code=TIMED_OUT)
    raise AssertionError(f"{home.name}: {view}")


def halves(homes):
    a, b, c, d = (homes.home(name).init().up() for name in ("ann", "ben", "cleo", "dan"))
    a("group", "new", "tea", "--cap", 3)
    first = a("invite", "tea")["token"]
    b("join", first, "-y", "--timeout", TIMEOUT)
    a.wait("--members", "tea=2", "--idle")
    second = b("invite", "tea")["token"]
    same_view((a, b), "tea")

    b.down()
    assert "provisional" not in c("join", first, "-y", "--timeout", TIMEOUT), "the owner's own node let her in"
    a.wait("--members", "tea=3", "--idle")
    a.down()
    c.down()

    b.up()
    joined = d("join", second, "-y", "--timeout", TIMEOUT)
    assert joined["state"] == "member" and joined["provisional"] is True and joined["members"] == 3, joined
    b.wait("--members", "tea=3")
    say("both halves gave the third of three seats away")
    return (a, b, c, d), second


def last_seat(homes):
    (a, b, c, d), second = halves(homes)
    a.up()
    c.up()
    until(d, "tea", lambda v: v["state"] == "joining")
    until(a, "tea", lambda v: v["members"] == 3 and v["finality"]["unsettled"] == 0)
    agreed = same_view((a, b, c), "tea")
    assert agreed["members"] == 3, agreed
    assert {m["alias"] for m in a("group", "members", "tea")["members"]} == {"ann", "ben", "cleo"}
    say("they met, and agree: the seat is cleo's, whom the owner saw first")

    why = d("group", "why", "tea", "@dan")
    assert why["effective"] is False and why["rule"] == "full" and "others came first" in why["text"], why
    assert a("group", "why", "tea", ":" + why["by"][0][:16])["rule"] == "full"
    assert d.show("tea")["reason"], "told why"
    d.refused("not_member", DENIED, "send", "tea", "am I in?")
    a.refused("full", DENIED, "invite", "tea")
    d.refused("full", DENIED, "join", second, "-y", "--timeout", TIMEOUT)
    say("dan was told:", why["text"])

    c("group", "leave", "tea")
    b.wait("--members", "tea=2")
    assert d("join", second, "-y", "--timeout", TIMEOUT)["state"] == "member"
    d.send("tea", "here at last")
    for home in (a, b):
        home.wait("--members", "tea=3", "--count", "tea=1")
    agreed = same_view((a, b, d), "tea")
    assert agreed["members"] == 3, agreed
    until(d, "tea", lambda v: "provisional" not in v)
    say("and joined again when a seat was free")


main(last_seat)
