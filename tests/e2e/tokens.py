#!/usr/bin/env -S python3 -B
"""An invitation that is not good is refused with its reason: expired, used up, revoked, damaged, of another version.

    tokens.py GUANXI
"""
from homes import DENIED, TIMEOUT, TOKEN, altered, main, say, token_bytes

# WIRE, tokens: kind 1 | group16 | issuer 8 | as_of 8 | seed 16 | expires_min u24 | uses | sig 64 | hint 0 or 7 | check 4
EXPIRES_AT = 1 + 16 + 8 + 8 + 16


def bad_at_sight(home, token):
    """What can be seen without asking anybody: the same for inspect and join, and inspect says it on standard output too."""
    past = (100).to_bytes(3, "little")  # minutes after the beginning of 2025
    cases = [
        ("token_expired", altered(token, EXPIRES_AT, past)),
        ("token_version", "GX2:" + token[4:]),
        ("token_version", altered(token, 0, bytes([9]))),
        ("token_malformed", "hello"),
        ("token_malformed", token[: len(token) // 2].lower()),
        ("token_malformed", "GX1:"),
        ("token_malformed", token + "======"),
        ("token_signature", token[:40] + ("A" if token[40] != "A" else "B") + token[41:]),
    ]
    assert len(token_bytes(token)) in (121, 128), len(token_bytes(token))
    for name, text in cases:
        home.refused(name, TOKEN, "inspect", text)
        home.refused(name, TOKEN, "join", text, "-y", "--timeout", 10)
        assert home("inspect", text, code=TOKEN)["valid"] is False
    assert home("inspect", token)["valid"] is True
    say(f"{len(cases)} bad codes refused at sight")


def tokens(homes):
    a, b, c = (homes.home(name).init().up() for name in ("ann", "ben", "cleo"))
    a("group", "new", "tea")

    once = a("invite", "tea", "--uses", 1)
    assert once["uses_left"] == 1, once
    bad_at_sight(c, once["token"])
    b("join", once["token"], "-y", "--timeout", TIMEOUT)
    a.wait("--members", "tea=2", "--idle")
    c.refused("token_used_up", DENIED, "join", once["token"], "-y", "--timeout", TIMEOUT)
    say("used up: refused")

    gone = a("invite", "tea")
    a("revoke", gone["invite"])
    c.refused("token_revoked", DENIED, "join", gone["token"], "-y", "--timeout", TIMEOUT)
    say("revoked: refused")

    a.wait("--members", "tea=2")
    assert not [g for g in c("group", "list")["groups"] if g["state"] == "member"]

    # 2 of 2: the code of a group that is full for QR codes answers so, and names the way.
    a("group", "new", "pair", "--qr-max", 2)
    pair = a("invite", "pair")
    b("join", pair["token"], "-y", "--timeout", TIMEOUT)
    a.wait("--members", "pair=2", "--idle")
    c.refused("qr_closed", DENIED, "join", pair["token"], "-y", "--timeout", TIMEOUT)
    a.refused("qr_closed", DENIED, "invite", "pair")
    say("closed for QR codes: refused")

    good = a("invite", "tea")
    c("join", good["token"], "-y", "--timeout", TIMEOUT)
    a.wait("--members", "tea=3")
    say("and a good one is taken")


main(tokens)
