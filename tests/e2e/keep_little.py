#!/usr/bin/env -S python3 -B
"""A node that keeps little of what others say stays small and goes on talking; vacuum gives the disk space back, while it runs and while it does not.

    keep_little.py GUANXI
"""
import os

from homes import DOWN, TIMEOUT, USAGE, main, say, until

MESSAGES = int(os.environ.get("GX_E2E_MESSAGES", "600"))
TEXT = "x" * 1500


def size(home):
    return (home.dir / "store.mdb").stat().st_size


def say_many(home, word, n):
    home.lines("send", [{"group": "tea", "text": f"{word} {i} {TEXT}"} for i in range(n)])


def heads(home):
    return {text.rsplit(" ", 1)[0] for text in home.messages("tea").values()}


def keep_little(homes):
    a, b, c = (homes.home(name).init() for name in ("ann", "ben", "cy"))
    (b.dir / "guanxi.conf").write_text("carry_off_messages = 10\n")
    for home in (a, b, c):
        home.up()
    assert {"key": "carry_off_messages", "value": "10"}.items() <= next(s for s in b("config")["settings"] if s["key"] == "carry_off_messages").items()
    a("group", "new", "tea")
    for home in (b, c):
        home("join", a("invite", "tea")["token"], "-y", "--timeout", TIMEOUT)
    for home in (a, b, c):
        home.wait("--members", "tea=3", "--peers", 2)

    # Cy is away, so ann's node keeps what it says; ben's does not, and was given all of it.
    b.refused("usage", USAGE, "group", "carry", "tea", "some")
    assert b("group", "carry", "tea", "off")["carry"]["keeps"] == "off"
    a("group", "carry", "tea", "recent")
    c.down()
    say_many(a, "one", MESSAGES)
    a.wait("--idle")
    b("vacuum")
    say_many(a, "two", 20)
    a.wait("--idle")
    large = size(b)
    done = b("vacuum")
    assert done["before_bytes"] >= large > size(b) >= done["after_bytes"], (done, large, size(b))      # it may have written since
    shown = b.show("tea")["carry"]
    assert shown["dropped"] > 0 and shown["last"] == 10, shown
    assert "two 19" in heads(b) and "one 0" not in heads(b), heads(b)
    say(f"ben keeps {shown['bytes']} bytes, {shown['dropped']} messages are not kept; the file was {large} bytes and is {size(b)}")

    # Nothing that cy lacks is gone: cy gets all of it from ann, after everybody was killed.
    for home in (a, b):
        home.kill()
    b.up()
    a.up()
    c.up()
    c.wait("--count", f"tea={MESSAGES + 20}")
    assert {"one 0", f"one {MESSAGES - 1}", "two 19"} <= heads(c)
    assert a.show("tea")["count"] == MESSAGES + 20
    say("who was away got everything from its author")

    # With the node down, too; and what is sent afterwards arrives.
    b.down()
    done = b("vacuum")
    assert done["after_bytes"] == size(b), done
    assert "two 19" in heads(b)
    b.up()
    say_many(c, "three", 3)
    say_many(b, "four", 3)
    for home in (a, b, c):
        until(home, lambda home=home: heads(home), lambda got: {"three 2", "four 2"} <= got)
    b.down()
    b.refused("node_down", DOWN, "group", "carry", "tea", "all")
    say("a vacuum with the node down, and on with the talk")


main(keep_little)
