#!/usr/bin/env -S python3 -B
"""Strangers become contacts by a card, write to each other whoever is away when, and bring each other into groups that codes do not reach.

    contacts.py GUANXI
"""
import json
import shutil
import unicodedata

from homes import DENIED, DONE, FAILED, NOT_FOUND, TIMED_OUT, TIMEOUT, TOKEN, USAGE, befriend, in_threads, main, met, same_view, say, until

# What a terminal would obey: colours, a title, a CSI of one byte, a deletion, and what turns a line around.
HOSTILE = "\x1b[31m\x1b]0;owned\x07red\u009b2J\x7f\u202e\n\tx"


def requests(home, n=1):
    return until(home, lambda: home("requests")["requests"], lambda list: len(list) == n)


def contact(home, name):
    found = [c for c in home("contact", "list")["contacts"] if c["name"] == name]
    assert len(found) == 1, (home.name, name, found)
    return found[0]


def state(home, group):
    """"member", "removed" and so on; None when there is no such group."""
    return next((g["state"] for g in home("group", "list")["groups"] if g["name"] == group), None)


def shows(home, where, texts):
    """It shows these and no others, each once.  In their order, oldest first.  What was written before one came may be there before its key is."""
    got = until(home, lambda: list(home.messages(where).values()), lambda list: sorted(list) == sorted(texts))
    assert sorted(got) == sorted(texts), (home.name, got, texts)
    return got


# ---- becoming contacts ----


def both_scan(homes):
    a, b = (homes.home(name).init().up() for name in ("ann", "ben"))
    card_a, card_b = a("id")["card"], b("id")["card"]

    def scan(home, card):
        """And write at once: to somebody of whom nothing but the card is known."""
        asked = home("contact", "add", card)
        home.send(asked["where"], f"first words of {home.name}")

    in_threads(lambda: scan(a, card_b), lambda: scan(b, card_a))
    met(a, b)
    for home, other in ((a, "ben"), (b, "ann")):
        shows(home, "@" + other, ["first words of ann", "first words of ben"])
        rows = home("contact", "list")["contacts"]
        assert [(c["name"], c["state"], c["where"]) for c in rows] == [(other, "contact", "@" + other)], rows
        assert home("requests")["requests"] == [] and home("group", "list")["groups"] == [], "two direct chats show as one, and as no group"
    a.send("@ben", "is it you?")
    b.send("@ann", "it is")
    texts = ["first words of ann", "first words of ben", "is it you?", "it is"]
    orders = [shows(home, where, texts) for home, where in ((a, "@ben"), (b, "@ann"))]
    assert orders[0] == orders[1], orders
    words = [home("contact", "verify", where)["words"] for home, where in ((a, "@ben"), (b, "@ann"))]
    assert words[0] == words[1] and len(words[0].split()) == 12, words
    say("1  both scanned at once: one row each, one conversation, the same words to compare")
    return a, b


def one_scan(homes):
    c, d = (homes.home(name).init().up() for name in ("cleo", "dan"))
    picture = homes.folder / "cleo.png"
    c("id", "--png", picture)
    assert picture.read_bytes()[:4] == b"\x89PNG"

    asked = d("contact", "add", picture)
    assert asked["state"] == "asked" and asked["who"] == c("id")["id"], asked
    request = requests(c)[0]
    assert (request["kind"], request["from"], request["who"]) == ("contact", "dan", d("id")["id"]), request
    assert c("contact", "list")["contacts"] == [], "who only asks is no contact"
    d.send(asked["where"], "may I?")
    c.refused("not_found", NOT_FOUND, "send", "@dan", "too early")
    assert c("accept", "@dan")["state"] == "accepted"
    met(c, d)
    shows(c, "@dan", ["may I?"])
    assert contact(c, "dan")["state"] == contact(d, "cleo")["state"] == "contact"
    assert c("requests")["requests"] == []
    c.refused("not_found", NOT_FOUND, "accept", "@dan")
    say("2  one scan, of a picture, and one yes")
    return c, d


def apart(homes, c, d):
    """The two are never up together until both have written."""
    said = {"cleo": [f"cleo {i}" for i in range(5)], "dan": [f"dan {i}" for i in range(5)]}
    d.down()
    sent = [c.send("@dan", text) for text in said["cleo"]]
    assert all(sent)
    c.kill()  # what was answered is kept
    d.up()
    assert all(d.send("@cleo", text) for text in said["dan"])
    d.down()
    c.up()
    assert [m for m in c.messages("@dan").values() if m.startswith("dan")] == []
    d.up()
    orders = []
    for home, where in ((c, "@dan"), (d, "@cleo")):
        home.wait("--count", f"{where}=11")
        orders.append(shows(home, where, ["may I?", *said["cleo"], *said["dan"]]))
        for texts in said.values():
            assert [t for t in orders[-1] if t in texts] == texts, orders[-1]
    assert orders[0] == orders[1], orders
    for home in (c, d):
        home.down()
        home.up()
    for home, where in ((c, "@dan"), (d, "@cleo")):
        home.wait("--idle")
        assert list(home.messages(where).values()) == orders[0], "nothing comes twice"
    say("3  each wrote while the other was away: all of it is there once, in one order")

    e = homes.home("eve").init().up()
    card = e("id")["card"]
    e.down()
    assert d("contact", "add", card, "--as", "Eve of the card")["state"] == "asked"
    d.down()
    e.up()
    assert e("id")["card"] == card and e("requests")["requests"] == []
    d.up()
    assert requests(e)[0]["from"] == "dan"
    d.down()
    e("accept", "@dan")
    e.down()
    d.up()
    assert contact(d, "Eve of the card")["state"] == "asked"
    e.up()
    d.wait("--members", "@Eve of the card=2")
    e.wait("--members", "@dan=2")
    d("contact", "name", "@Eve of the card", "")
    assert contact(d, "eve")["state"] == "contact", "what she calls herself, when there is no other name"
    say("3  a scan, and a yes, wait until both nodes are up")
    return e


def scans_apart(a, b):
    """Each scans while the other is away: two chats are founded, and nobody has to say yes."""
    card_a, card_b = a("id")["card"], b("id")["card"]
    b.down()
    assert a("contact", "add", card_b)["state"] == "asked"
    a.down()
    b.up()
    assert b("contact", "add", card_a)["state"] == "asked"
    b.kill()
    for home in (a, b):
        home.up()
    met(a, b)
    a.send("@" + b.name, "you too?")
    b.send("@" + a.name, "me too")
    for home, other in ((a, b), (b, a)):
        shows(home, "@" + other.name, ["you too?", "me too"])
        assert contact(home, other.name)["state"] == "contact" and home("requests")["requests"] == []
    say("3  and two scans that never met at first")


# ---- into groups ----


def grow(a, b, c, e):
    a("group", "new", "tea", "--qr-max", 2)
    code = a("invite", "tea")["token"]
    b("join", code, "-y", "--timeout", TIMEOUT)
    a.wait("--members", "tea=2", "--idle")
    for ran in (a.refused("qr_closed", DENIED, "invite", "tea"), e.refused("qr_closed", DENIED, "join", code, "-y", "--timeout", TIMEOUT)):
        assert "--for" in ran["hint"], ran
    assert state(e, "tea") is None
    say("4  at its QR limit: no code is made, and none is taken")

    befriend(c, a)
    befriend(e, c)
    for inviter, guest, members in ((a, c, 3), (c, e, 4)):
        sent = inviter("invite", "tea", "--for", "@" + guest.name)
        assert sent["state"] == "sent" and sent["contact"] == guest("id")["id"], sent
        again = inviter("invite", "tea", "--for", "@" + guest.name)
        assert again["state"] == "sent", again
        request = requests(guest)[0]
        assert (request["kind"], request["from"], request["name"]) == ("invite", inviter.name, "tea"), request
        inviter.down()  # who asks waits for the inviter
        assert guest("accept", "tea")["state"] == "accepted"
        inviter.up()
        guest.wait("--members", f"tea={members}")
        inviter.refused("member_already", FAILED, "invite", "tea", "--for", "@" + guest.name)
    agreed = same_view((a, b, c, e), "tea")
    assert agreed["members"] == 4, agreed
    for home in (a, b, c, e):
        through = {m["alias"]: (m["via"], m.get("through")) for m in home("group", "members", "tea")["members"]}
        assert through["cleo"] == ("inv", "ann") and through["eve"] == ("inv", "cleo") and through["ben"] == ("qr", "ann"), through
        home.send("tea", f"hello from {home.name}")
    agreed = same_view((a, b, c, e), "tea")
    assert agreed["count"] == 4, agreed
    say("4  and by contacts' invitations it grew to four, who agree:", agreed["state_hash"][:16])


def uninvited(homes, a, b, c, d, e):
    """Who is no member invites nobody, by the client and by the law; and an invitation is good for one coming."""
    absent = d.refused("not_found", NOT_FOUND, "invite", "tea", "--for", "@cleo")
    assert "tea" in absent["message"], absent

    # dan holds an invitation of cleo; she is removed while her node is away, and lets him in before she hears of it.
    c("invite", "tea", "--for", "@dan")
    requests(d)
    c.down()
    a("group", "remove", "tea", "@cleo", "-y")
    for home in (b, e):
        home.wait("--members", "tea=3", "--idle")
    for home in (a, b, e):
        home.down()
    c.up()
    d("accept", "tea")
    d.wait("--members", "tea=5")
    assert d.show("tea")["provisional"] is True
    for home in (a, b, e):
        home.up()
    until(d, lambda: state(d, "tea"), lambda s: s != "member")
    until(c, lambda: state(c, "tea"), lambda s: s == "removed")
    agreed = same_view((a, b, e), "tea")
    assert agreed["members"] == 3, agreed
    why = d("group", "why", "tea", "@dan")
    assert why["effective"] is False and why["rule"] == "author" and "the removal of cleo by ann" in why["text"], why
    event = ":" + why["by"][0][:16]
    until(b, lambda: b.run("group", "why", "tea", event, code=(DONE, NOT_FOUND)).code, lambda code: code == DONE)
    for home in (a, b):
        why = home("group", "why", "tea", event)
        assert why["effective"] is False and why["rule"] == "author", why
    d.refused("not_member", DENIED, "send", "tea", "am I in?")
    for home in (c, d):
        no = home.refused("not_member", DENIED, "invite", "tea", "--for", "@eve" if home is c else "@cleo")
        assert "no member of tea" in no["message"], no
    say("4  let in by one who was removed:", why["text"])

    # eve comes once by an invitation; her home, put back to before that, has it still.
    befriend(e, a)
    a("group", "new", "cake")
    a("invite", "cake", "--for", "@eve")
    requests(e)
    e.down()
    before = homes.folder / "before"
    shutil.copytree(e.dir, before)
    e.up()
    e("accept", "cake")
    e.wait("--members", "cake=2")
    a("group", "remove", "cake", "@eve", "-y")
    until(e, lambda: state(e, "cake"), lambda s: s == "removed")
    e.down()
    shutil.rmtree(e.dir)
    before.rename(e.dir)
    e.up()
    assert requests(e)[0]["name"] == "cake"
    e("accept", "cake")
    until(a, lambda: a("status")["dropped"].get("ask_denied", 0), lambda n: n == 1)
    until(e, lambda: state(e, "cake"), lambda s: s is None)
    assert a.show("cake")["members"] == 1
    assert "nobody asked knows this invitation" in next(e.dir.rglob("log")).read_text()
    say("4  an invitation that was used before is good for nothing")


# ---- blocked ----


def blocked(homes, a, b, c):
    assert b("block", "@ann")["state"] == "blocked"
    row = contact(b, "ann")
    assert row["blocked"] is True and "where" not in row, row
    told = contact(a, "ben")
    # What ann writes to both of them in a group comes, and is behind it.
    a.send("@ben", "do you hear me?")
    a.send("tea", "does anybody?")
    until(b, lambda: list(b.messages("tea").values()), lambda texts: "does anybody?" in texts)
    a.down()
    a.up()
    a.send("tea", "now?")
    until(b, lambda: list(b.messages("tea").values()), lambda texts: "now?" in texts)
    assert contact(a, "ben") == told, "who is blocked is told nothing"
    message = json.loads(a.run("read", "@ben", "-n", 1).stdout)
    assert (message["text"], message["state"], message["held"]["by"]) == ("do you hear me?", "queued", 0), message
    assert "do you hear me?" not in b.run("read", "-n", 0).stdout
    b.refused("blocked", FAILED, "contact", "add", a("id")["card"])

    assert b("contact", "unblock", "@ann")["state"] == "unblocked"
    until(b, lambda: list(b.messages("@ann").values())[-1], lambda text: text == "do you hear me?")
    say("5  what a blocked contact writes stays with them, until the block is taken back")

    y = homes.home("yan").init().up()
    card = c("id")["card"]
    y("contact", "add", card)
    request = requests(c)[0]
    assert c("block", ":" + request["id"][:8])["state"] == "blocked"
    y("contact", "add", card)
    until(c, lambda: c("status")["dropped"].get("card_ignored", 0), lambda n: n > 0)
    assert c("requests")["requests"] == []
    asked = y("contact", "list")["contacts"]
    assert len(asked) == 1 and asked[0]["state"] == "asked" and y("status")["dropped"] == {}, asked
    c.refused("blocked", FAILED, "contact", "add", y("id")["card"])
    say("5  nor does one who asks learn of it")


# ---- bad input ----


def clean(ran, *, json_out):
    """Nothing that a terminal obeys: one line a row, tabs between columns."""
    allowed = "\n" if json_out else "\n\t"
    bad = sorted({hex(ord(ch)) for ch in ran.stdout if unicodedata.category(ch) == "Cc" and ch not in allowed})
    assert bad == [], (bad, ran.stdout)
    assert "\u202e" not in ran.stdout
    return ran.stdout


def bad_codes(homes, a, b):
    a.refused("own_card", FAILED, "contact", "add", a("id")["card"])
    rows = len(a("contact", "list")["contacts"])
    for _ in range(2):
        assert a("contact", "add", b("id")["card"])["state"] == "contact"
    assert len(a("contact", "list")["contacts"]) == rows, "a card twice is one contact"
    invitation = a("invite", "cake")["token"]
    assert "join" in b.refused("usage", USAGE, "contact", "add", invitation)["hint"]
    assert "contact add" in b.refused("usage", USAGE, "join", a("id")["card"], "-y")["hint"]
    for code in ("", "hello", "GX1:", "GX1:AAAA", a("id")["card"][:100], a("id")["card"] + "A" * 20000):
        b.refused("token_malformed", TOKEN, "contact", "add", code)
    say("6  cards that are none, one's own, of somebody known, or invitations")
    return invitation


def bad_names(homes, a, b):
    """Of oneself, of others, and of groups."""
    fresh = homes.home("fresh")
    for name in ("", "n" * 257, "n" * 65536, HOSTILE):
        fresh.refused("usage", USAGE, "init", "--name", name)
        b.refused("usage", USAGE, "profile", "set", "name", name)
    for name in ("   ", "n" * 257, "n" * 65536, "@x", ":x"):
        b.refused("usage", USAGE, "contact", "name", "@ann", name)
        b.refused("usage", USAGE, "contact", "add", a("id")["card"], "--as", name)
    for name in ("", "n" * 257, "n" * 65536):
        b.refused("usage", USAGE, "group", "new", name)
    for who in ("n" * 65536, "\u0301" * 128, HOSTILE, "@", ":", ""):
        for words in (("contact", "show"), ("contact", "block"), ("contact", "verify"), ("accept",), ("send",)):
            error = b.run(*words, who, *(["x"] if words == ("send",) else []), code=(USAGE, NOT_FOUND)).stderr
            assert len(error) < 2000 and "\x1b" not in error and "\x9b" not in error, error
    assert b("id")["name"] == "ben" and contact(b, "ann").get("petname") is None
    say("6  names that are none")


def hostile(homes, a, code):
    """A stranger who calls themself so asks, joins and writes; marks without a letter are no name."""
    z = homes.home("zoe").init().up()
    z.run("call", "profile.set", json.dumps({"name": HOSTILE}), code=USAGE)
    z("contact", "add", a("id")["card"])
    who = ":" + requests(a)[0]["id"][:8]
    clean(a.run("requests", json_out=False), json_out=False)
    clean(a.run("requests"), json_out=True)
    clean(a.run("accept", who, json_out=False), json_out=False)
    until(a, lambda: a("contact", "show", who)["state"], lambda s: s == "contact")
    z("join", code, "-y", "--timeout", TIMEOUT)
    z.run("group", "alias", "cake", HOSTILE, code=(DONE, USAGE))
    z.send("cake", HOSTILE)
    z.send(z("contact", "list")["contacts"][0]["where"], HOSTILE)
    a.wait("--count", "cake=1")
    until(a, lambda: list(a.messages(f"@{a('contact', 'show', who)['name']}").values()), lambda texts: texts == [HOSTILE])
    a.run("contact", "name", who, "\u0301" * 128, code=USAGE)
    for words in (("contact", "list"), ("contact", "show", who), ("contact", "verify", who), ("requests",), ("group", "list"),
                  ("group", "members", "cake"), ("group", "why", "cake", "@ann"), ("read", "cake", "-n", 0), ("read", "-n", 0)):
        for json_out in (False, True):
            clean(a.run(*words, json_out=json_out), json_out=json_out)
    assert a.messages("cake").popitem()[1] == HOSTILE, "what was sent is kept as it was"
    rows = a.run("contact", "list", json_out=False).stdout.splitlines()
    assert len(rows) == len(a("contact", "list")["contacts"]) and {row.count("\t") for row in rows} == {4}, rows
    z.down()
    z.up()
    assert state(z, "cake") == "member", "a name does not cost anybody their home"
    say("6  no escape reaches a screen: not in a name, not in a text, not in JSON")


def contacts(homes):
    a, b = both_scan(homes)
    c, d = one_scan(homes)
    e = apart(homes, c, d)
    scans_apart(b, e)
    grow(a, b, c, e)
    uninvited(homes, a, b, c, d, e)
    blocked(homes, a, b, c)
    code = bad_codes(homes, a, b)
    bad_names(homes, a, b)
    hostile(homes, a, code)


main(contacts)
