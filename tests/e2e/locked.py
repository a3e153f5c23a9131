#!/usr/bin/env -S python3 -B
"""What is left of a person's secrets where a thief could look: in the files of a home, and in the memory of a node that was locked.

The home is made with a key file, so that its vault can be opened here, by KEYS §14 and without the C code; then it gets a passphrase.

    locked.py GUANXI
"""
import os
import pathlib
import sys

from homes import PASSPHRASE, Skip, befriend, main, say, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vectors"))
from keys import K, aead  # noqa: E402 - KEYS §0

PHRASE = "a passphrase of many-coloured wagtails"
SLOT, HEAD, TAG = 4096, 8 + 4 + 1 + 8 + 16 + 32 + 2, 16  # node/os/vault.h
OLD = 32 + 32 + 2 + 8  # the transport key of before
KEY_FILE = 1
RESERVED = 1 << 32  # a mapping that is larger is room that a sanitizer sets aside
CHUNK, OVERLAP = 1 << 20, 64


# ---- the vault, opened by whoever has its key file ----


def open_vault(home):
    """The secrets of a home without a passphrase, by name."""
    bytes_ = (home.dir / "vault").read_bytes()
    slot = next(s for s in (bytes_[:SLOT], bytes_[SLOT:]) if any(s))
    head, kind, pepper, n = slot[:HEAD], slot[12], slot[37:69], int.from_bytes(slot[69:HEAD], "little")
    assert (bytes_[:8], kind) == (b"gx vault", KEY_FILE), (bytes_[:8], kind)
    sealed = slot[HEAD : HEAD + n]
    key = K((home.dir / "vault.key").read_bytes()[12:44], "gx-vault", pepper)
    # The same key stream opens what it sealed; sealed again, the tag is the same.
    text = aead(key, bytes(24), head, sealed[:-TAG])[:-TAG]
    assert aead(key, bytes(24), head, text) == sealed, "KEYS §14 does not open the vault"
    assert text[0] == 1, "one root key"
    identity = text[33 + OLD :]
    assert identity[:8] == b"gx keys\n"
    card_sk, device_seed, transport_sk = identity[176:208], identity[208:240], identity[272:304]
    return {"root key": text[1:33], "card secret": card_sk, "device seed": device_seed, "transport secret": transport_sk}


# ---- memory ----


def found_in_memory(pid, wanted):
    """Which of these lie in what that process can write."""
    found = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if not rights.startswith("rw") or end - start > RESERVED:
                continue
            for at in range(start, end, CHUNK):
                part = os.pread(mem.fileno(), min(CHUNK + OVERLAP, end - at), at)
                found |= {name for name, value in wanted.items() if value in part}
    return found


def keeper_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def may_look(pid):
    try:
        found_in_memory(pid, {})
    except PermissionError as why:
        raise Skip(f"the memory of another process may not be read here: {why}")


def memory_of_a_locked_node_holds_no_secret(home, secrets):
    may_look(home.pid)
    assert not found_in_memory(keeper_of(home.pid), secrets), "the keeper knows what is the node's"
    there = found_in_memory(home.pid, secrets)
    assert there == set(secrets), f"the search finds only {there}"
    for _ in range(3):
        home.lock()
        # Nearly the passphrase, and refused: nor does that stay.
        home.homes.passphrase(PHRASE + "!")
        home.refused("wrong_passphrase", PASSPHRASE, "unlock")
        for pid in (home.pid, keeper_of(home.pid)):
            left = found_in_memory(pid, dict(secrets, passphrase=PHRASE.encode()))
            assert not left, f"locked, and its memory holds: {left}"
        home.homes.passphrase(PHRASE)
        home("unlock")
    say(f"{len(secrets)} secrets are in the memory of a node, and in that of a locked one none")


# ---- files ----


def found_in_files(home, wanted):
    files = [f for f in home.dir.rglob("*") if f.is_file() and f.name != "recovery-words.txt"]
    assert {"store.mdb", "vault", "log"} <= {f.name for f in files}
    return {(f.name, text) for f in files for text in wanted if text.encode() in f.read_bytes()}


def talk(a, b):
    """Of everything that only they are to know something that is found again; what was said is what is shown."""
    befriend(a, b)
    a("contact", "name", "@benwagtail", "pet-wagtail")
    a("group", "new", "title-wagtail")
    a("group", "alias", "title-wagtail", "alias-wagtail")
    a("invite", "title-wagtail", "--for", "@pet-wagtail")
    until(b, lambda: b("requests")["requests"], lambda list: [r["name"] for r in list] == ["title-wagtail"])
    b("accept", "title-wagtail")
    a.wait("--members", "title-wagtail=2")
    a.send("title-wagtail", "text-wagtail")
    b.wait("--count", "title-wagtail=1")
    b.send("@annwagtail", "letter-wagtail")
    a.wait("--count", "@pet-wagtail=2")  # the invitation is one
    a("group", "rename", "title-wagtail", "renamed-wagtail")
    a("profile", "set", "name", "profile-wagtail")
    return ["annwagtail", "benwagtail", "pet-wagtail", "title-wagtail", "alias-wagtail", "text-wagtail", "letter-wagtail", "renamed-wagtail",
            "profile-wagtail", PHRASE]


def person(homes, name, folder):
    """In a folder of another name, which the log may say."""
    home = homes.home(name)
    home.dir = homes.folder / folder
    return home.init()


def locked(homes):
    a, b = person(homes, "annwagtail", "a"), person(homes, "benwagtail", "b")
    secrets = open_vault(a)
    homes.passphrase(PHRASE)
    for home in (a, b):
        home("passwd")
        assert not (home.dir / "vault.key").exists()
        home.up()
    known = talk(a, b)
    assert "text-wagtail" in b.messages("renamed-wagtail").values()
    for home in (a, b):
        home.lock()
        assert not found_in_files(home, known), found_in_files(home, known)
        home("unlock")
        home.down()
        assert not found_in_files(home, known), found_in_files(home, known)
        home.up()
    say(f"none of {len(known)} texts and names lies in a file of either")
    memory_of_a_locked_node_holds_no_secret(a, secrets)


main(locked)
