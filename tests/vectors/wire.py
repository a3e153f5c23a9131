#!/usr/bin/env python3
"""Golden vectors of proto/WIRE.md, written from its text alone: Python's standard library and tests/vectors/ed25519.py.

    python3 tests/vectors/wire.py            writes tests/vectors/wire.txt
    python3 tests/vectors/wire.py --check    exits 1 if that file is not what this script computes

One small group: alice founds it, invites, admits bob, titles it, takes the invitation back and returns with a second
incarnation; bob joins, names himself, writes twice and leaves; then the two write one of everything else that the law
knows, whether it would stand or not.  Last alice founds a direct chat and lets bob in; he invites her into the group and
tells her who he is there; she seals an epoch to the two of them, and he makes a new prekey.  What is for members alone is
laid out as a sealed body and is none: it names no epoch, and nobody has a key to it.  tests/unit/proto/story.h tells the
same in C, and tests/unit/proto/test_vectors.c compares the two byte for byte.
"""
import base64
import hashlib
import pathlib
import sys

sys.dont_write_bytecode = True  # nothing is left lying in the source tree
import ed25519  # noqa: E402

VECTORS = pathlib.Path(__file__).resolve().parent / "wire.txt"
WALL_MS = 29000000 * 60000
TOKEN_EPOCH_MS = 1735689600000
EXPIRES_MIN = (WALL_MS - TOKEN_EPOCH_MS) // 60000 + 7 * 24 * 60
ZERO = bytes(32)
CONTROL, MESSAGES = 0, 1
VERSION = 3
TYPES = {"create": 1, "admit": 2, "leave": 3, "remove": 4, "ban": 5, "unban": 6, "token": 7, "revoke": 8, "promote": 9, "demote": 10,
         "transfer": 11, "checkpoint": 12, "alias": 15, "meta": 16, "epoch": 17, "incarnation": 18, "offer": 19, "accept": 20,
         "prekey": 21, "text": 64, "invite": 65, "reveal": 66}


def run(start, n):
    """start, start + 1, ..."""
    return bytes((start + i) % 256 for i in range(n))


def u(value, size):
    return value.to_bytes(size, "little")


def hashed(label, x, key=b""):
    """H and K of KEYS 0."""
    return hashlib.blake2b(x, digest_size=32, key=key, person=label.encode().ljust(16, b"\0")).digest()


def sig(seed, domain, x):
    return ed25519.sign(seed, domain.encode().ljust(16, b"\0") + x)


# ---- 2 ids ---------------------------------------------------------------------------------------------------------


def log_id(member, device, incarnation, cls):
    return hashed("gx-log-id", member + device + incarnation + u(cls, 1))[:16]


class Person:
    def __init__(self, start):
        self.device_seed, self.member_seed = run(start, 32), run(start + 0x10, 32)
        self.device, self.member = ed25519.public(self.device_seed), ed25519.public(self.member_seed)
        self.e, self.prekey, self.incarnation = run(start + 0x20, 32), run(start + 0x30, 32), run(start + 0x40, 8)
        self.control = log_id(self.member, self.device, self.incarnation, CONTROL)
        self.messages = log_id(self.member, self.device, self.incarnation, MESSAGES)

    def intro(self):
        """4.1"""
        cert = sig(self.member_seed, "gx device", self.e + self.member + self.device)
        return self.e + self.member + self.device + cert + self.incarnation + self.prekey


# ---- 3 events ------------------------------------------------------------------------------------------------------


class Event:
    def __init__(self, author, kind, group, log, seq, prev, tick, wall_ms, deps, body):
        self.type, self.log, self.seq, self.prev, self.tick, self.wall_ms = TYPES[kind], log, seq, prev, tick, wall_ms
        self.deps, self.body = sorted(deps), body
        header = u(VERSION, 1) + u(self.type, 1) + u(0, 2) + u(len(body), 4) + group + log + u(seq, 8) + prev
        header += u(tick, 8) + u(wall_ms, 8) + u(len(deps), 1) + b"".join(self.deps)
        self.body_hash = hashed("gx-body", body)
        self.header = header + self.body_hash
        self.id = hashed("gx-event-id", self.header)
        self.sig = sig(author.device_seed, "gx event", self.header)

    def full(self):
        return self.header + self.sig + self.body

    def record(self, deleted=False):
        """5"""
        inside = u(VERSION, 1) + u(self.type, 1) + u(0, 2) + u(self.tick, 8) + u(self.wall_ms, 8)
        inside += u(len(self.deps), 1) + b"".join(self.deps) + self.sig
        inside += u(len(self.body), 4) + self.body_hash if deleted else self.body
        return u(len(inside) | (1 << 31 if deleted else 0), 4) + inside


def chunk(*events, deleted=()):
    first = events[0]
    head = first.log + u(first.seq, 4) + first.prev + u(len(events), 2)
    return head + b"".join(ev.record(ev in deleted) for ev in events)


def blind(plain):
    """4.16, under no epoch, with the plain form where its ciphertext would be."""
    whole = plain + b"\x80"
    size = next(n for n in (64, 128, 256, 512, -(-len(whole) // 1024) * 1024) if n >= len(whole))
    epoch_id, place, nonce, commit, tag = bytes(32), u(0, 4), bytes(24), bytes(32), bytes(16)
    return epoch_id + place + nonce + commit + whole.ljust(size, b"\0") + tag


# ---- the story -----------------------------------------------------------------------------------------------------

alice, bob = Person(0x10), Person(0x60)
second = run(0x58, 8)
second_control = log_id(alice.member, alice.device, second, CONTROL)


def name(text):
    return u(len(text.encode()), 2) + text.encode()


def field(tag, value):
    return u(tag, 1) + u(len(value), 2) + value


def minute(n):
    return WALL_MS + 60000 * n


create = Event(alice, "create", ZERO, alice.control, 1, ZERO, 1, minute(0), [],
               u(1, 1) + u(0, 1) + u(500, 2) + u(100, 2) + u(0, 2) + alice.intro())
group = create.id

seed = run(0xb0, 16)
token_seed = hashed("gx-token-sign", group[:16], key=seed)
token_pk = ed25519.public(token_seed)
lan_key = hashed("gx-invite-lan", group[:16], key=seed)
token = Event(alice, "token", group, alice.control, 2, create.id, 2, minute(1), [create.id],
              token_pk + u(EXPIRES_MIN, 3) + u(3, 1) + blind(lan_key))

asked = group + u(1, 1) + token.id + u(2, 1) + b"".join(sorted([create.id, token.id])) + bob.intro()
request = asked + sig(bob.device_seed, "gx join", asked) + sig(token_seed, "gx join token", asked)
admit = Event(alice, "admit", group, alice.control, 3, token.id, 3, minute(2), [token.id], request)
meta = Event(alice, "meta", group, alice.control, 4, admit.id, 4, minute(3), [admit.id], blind(name("Tea house 茶馆")))
alias = Event(bob, "alias", group, bob.control, 1, ZERO, 5, minute(4), [meta.id], blind(name("Bob")))
revoke = Event(alice, "revoke", group, alice.control, 5, meta.id, 6, minute(5), [alias.id], u(1, 1) + token.id)
incarnation = Event(alice, "incarnation", group, second_control, 1, revoke.id, 7, minute(6), [revoke.id],
                    alice.member + alice.device + second)
text = Event(bob, "text", group, bob.messages, 1, ZERO, 8, 0, [admit.id],
             blind(u(WALL_MS + 345678, 8) + field(1, "hello, 世界".encode())))
reply = Event(bob, "text", group, bob.messages, 2, text.id, 9, 0, [],
              blind(u(WALL_MS + 456789, 8) + field(1, b"again") + field(2, text.id)))
cuts = sorted([bob.control + u(1, 4) + alias.id, bob.messages + u(2, 4) + reply.id])
leave = Event(bob, "leave", group, bob.control, 2, alias.id, 10, minute(9), [alias.id, incarnation.id], u(2, 2) + b"".join(cuts))

EVENTS = {"create": create, "token": token, "admit": admit, "meta": meta, "alias": alias, "revoke": revoke,
          "incarnation": incarnation, "text": text, "reply": reply, "leave": leave}


def then(key, author, kind, log, seq, prev, dep, body):
    """The next of the second act, a minute and a tick after the one before."""
    n = len(EVENTS)
    EVENTS[key] = Event(author, kind, group, log, seq, prev.id, n + 1, minute(n), [dep.id], body)
    return EVENTS[key]


promote = then("promote", alice, "promote", second_control, 2, incarnation, leave, bob.member)
demote = then("demote", alice, "demote", second_control, 3, promote, promote, bob.member)
offer = then("offer", alice, "offer", second_control, 4, demote, demote, bob.member)
consent = sig(bob.device_seed, "gx accept", group + offer.id + bob.member + bob.device)
accept = then("accept", bob, "accept", bob.control, 3, leave, offer, u(1, 1) + offer.id + consent)
decline = then("decline", bob, "accept", bob.control, 4, accept, accept, u(0, 1) + offer.id)
transfer = then("transfer", alice, "transfer", second_control, 5, offer, decline, bob.member + bob.device + offer.id + consent)
checkpoint = then("checkpoint", alice, "checkpoint", second_control, 6, transfer, transfer, b"")
last_words = u(1, 2) + bob.messages + u(2, 4) + reply.id
remove = then("remove", alice, "remove", second_control, 7, checkpoint, checkpoint, bob.member + last_words)
ban = then("ban", alice, "ban", second_control, 8, remove, remove, bob.member + last_words)
unban = then("unban", alice, "unban", second_control, 9, ban, ban, bob.member)
then("revoke.member", alice, "revoke", second_control, 10, unban, unban, u(2, 1) + bob.member)

direct = Event(alice, "create", ZERO, alice.control, 1, ZERO, 22, minute(21), [],
               u(1, 1) + u(1, 1) + u(2, 2) + u(0, 2) + u(0, 2) + alice.intro())
asked = direct.id + u(2, 1) + alice.member + u(1, 1) + direct.id + bob.intro()
contact_request = asked + sig(bob.device_seed, "gx join", asked)
admit_contact = Event(alice, "admit", direct.id, alice.control, 2, direct.id, 23, minute(22), [direct.id], contact_request)
invitation = Event(bob, "invite", direct.id, bob.messages, 1, ZERO, 24, 0, [admit_contact.id],
                   blind(u(WALL_MS + 567890, 8) + bob.member + field(1, create.full()) + field(2, "Tea house 茶馆".encode())))
reveal = Event(bob, "reveal", direct.id, bob.messages, 2, invitation.id, 25, 0, [],
               blind(u(WALL_MS + 678901, 8) + group + bob.member + run(0xd0, 32)))
slots = b"".join(log[:8] + run(0x10 * i, 48) for i, log in enumerate(sorted([alice.messages, bob.messages])))
epoch = Event(alice, "epoch", direct.id, alice.control, 3, admit_contact.id, 26, minute(25), [admit_contact.id],
              run(0x21, 32) + run(0x41, 32) + run(0x61, 32) + u(2, 2) + slots)
prekey = Event(bob, "prekey", direct.id, bob.control, 1, ZERO, 27, minute(26), [epoch.id], run(0x81, 32) + epoch.id)
EVENTS |= {"direct": direct, "admit.contact": admit_contact, "invite": invitation, "reveal": reveal, "epoch": epoch, "prekey": prekey}

# ---- 6 frames ------------------------------------------------------------------------------------------------------

client_key, server_key, client_nonce, server_nonce = run(0x01, 32), run(0x21, 32), run(0x41, 32), run(0x61, 32)
transcript = u(0, 1) + client_key + server_key + client_nonce + server_nonce
gate = hashed("gx-gate", b"", key=alice.e)
tag = hashed("gx-hello-tag", transcript, key=gate)[:16]


def address(family, ip, port):
    return u(family, 1) + ip.ljust(16, b"\0") + u(port, 2)


def listed(*entries):
    return u(len(entries), 2) + b"".join(entries)


def sized(bytes_):
    return u(len(bytes_), 4) + bytes_


def frontier(ev, base=0):
    return ev.log[:8] + u(base, 4) + u(ev.seq, 4) + ev.id[:4]


def endpoint_of(person, group_id):
    """6.2"""
    record = person.device + run(0xc0, 32) + u(7, 8) + u(2, 1)
    record += address(4, bytes([192, 0, 2, 7]), 7447) + address(6, bytes.fromhex("20010db8") + bytes(11) + b"\1", 443)
    return record + sig(person.device_seed, "gx endpoint", group_id + record)


def key_entry(ev):
    """6.27"""
    return ev.log[:8] + u(ev.seq, 4) + ev.id[:4]


endpoint = endpoint_of(bob, group)

# 7.2, the public part
identity_seed, card_key, serial = run(0x98, 32), run(0x38, 32), u(0x01020304, 4)
card = ed25519.public(identity_seed) + card_key + serial + sig(identity_seed, "gx card", card_key + serial)

alice_chunk = chunk(create, token, admit, meta, revoke)
bob_chunk = chunk(text, reply)
channel = u(1, 2)
echo = u(0x0102030405060708, 8)
FRAMES = {
    "hello": u(1, 1) + u(7, 1) + client_nonce,
    "tags": u(2, 1) + listed(tag, *[run(i, 16) for i in range(1, 64)]),
    "proof": u(3, 1) + listed(channel + tag + bob.device + sig(bob.device_seed, "gx session", group + transcript)),
    "again": u(4, 1),
    "heads": u(5, 1) + channel + listed(leave.id),
    "frontier": u(6, 1) + channel + u(0, 1) + listed(frontier(revoke), frontier(leave, 1)),
    "frontier of buckets": u(6, 1) + channel + u(1, 1) + u(4, 1) + bytes([0x02, 0x80]) + run(0xa0, 8) + listed(frontier(revoke)),
    "want control": u(7, 1) + channel + u(0, 1) + u(8, 1) + listed(frontier(revoke)),
    "want messages": u(7, 1) + channel + u(1, 1) + u(2, 1) + listed(bob.messages[:8] + u(2, 4) + text.id[:4],
                                                                      bob.messages[:8] + u(1, 4) + bytes(4)),
    "ended": u(19, 1) + channel + listed(remove.id, ban.id),
    "chunks": u(8, 1) + channel + u(2, 1) + listed(sized(alice_chunk), sized(bob_chunk)),
    "chunks on": u(8, 1) + channel + u(6, 1) + bob.messages[:8] + u(2, 4) + text.id[:4] + listed(sized(bob_chunk)),
    "endpoints": u(9, 1) + channel + listed(endpoint),
    "path": u(11, 1) + listed(sized(chunk(create)), sized(chunk(token))),
    "baseline": u(15, 1) + u(0, 2) + listed(sized(chunk(reply, deleted=(reply,)))),
    "guest": u(10, 1) + bob.device + sig(token_seed, "gx guest", bob.device + transcript),
    "join": u(12, 1) + request,
    "admitted": u(13, 1) + admit.id,
    "refused": u(14, 1) + u(2, 1),
    "bye": u(16, 1) + u(4, 1),
    "ping": u(17, 1) + echo,
    "pong": u(18, 1) + echo,
    "card": u(20, 1) + card + run(0xd8, 32) + name("Alice 爱") + u(417, 2) + direct.full() + endpoint_of(alice, direct.id),
    "ask": u(21, 1) + channel + run(0xe0, 32) + contact_request,
    "denied": u(22, 1) + channel + u(7, 1),
    "ask keys": u(23, 1) + channel + run(0x21, 32) + listed(key_entry(reply), key_entry(meta)),
    "sum": u(25, 1) + u(1, 1) + listed(channel, u(0x8001, 2)) + run(0xb0, 8),
    "buckets": u(26, 1) + channel + u(1, 1) + run(0x10, 8) + u(0, 1) + run(0x18, 4),
    "records": u(27, 1) + channel + u(1, 1) + u(1, 1) + bytes([0x03]) + listed(bob.device[:8] + u(7, 8) + run(0xd0, 4), alice.device[:8] + u(0, 8) + bytes(4)),
    "keys": u(24, 1) + channel + run(0x41, 32) + listed(key_entry(reply), key_entry(meta)) + run(0x90, 2 * 32 + 16),
    "link": u(28, 1) + channel + u(2, 1),
}

# ---- 7 codes -------------------------------------------------------------------------------------------------------


def checked(whole):
    return whole + hashed("gx-token-check", whole)[:4]


def invite(hint):
    before, after = u(1, 1) + group[:16] + alice.device[:8] + token.id[:8], u(EXPIRES_MIN, 3) + u(3, 1)
    signature = sig(alice.device_seed, "gx token", group + before + token_pk + after)
    return checked(before + seed + after + signature + hint)


def card_code(hint):
    return checked(u(2, 1) + card + run(0xa8, 16) + hint)


def as_text(token_bytes):
    return b"GX1:" + base64.b32encode(token_bytes).rstrip(b"=")


def vectors():
    yield "log.alice.control", alice.control
    yield "log.alice.messages", alice.messages
    yield "log.bob.control", bob.control
    yield "log.bob.messages", bob.messages
    yield "log.alice.second.control", second_control
    for key, ev in EVENTS.items():
        yield f"event.{key}", ev.full()
        yield f"event.{key}.id", ev.id
        yield f"event.{key}.sig", ev.sig
    yield "chunk.control", alice_chunk
    yield "chunk.messages", bob_chunk
    yield "chunk.deleted", chunk(text, reply, deleted=(text,))
    yield "endpoint", endpoint
    for key, frame in FRAMES.items():
        yield "frame." + key.replace(" ", "."), frame
    place = u(4, 1) + bytes([192, 0, 2, 7]) + u(7447, 2)
    for key, code in (("token", invite(b"")), ("token.hint", invite(place)), ("card", card_code(b"")), ("card.hint", card_code(place))):
        yield key, code
        yield key + ".text", as_text(code)


def main():
    made = "".join(f"{key} = {value.hex()}\n" for key, value in vectors())
    if sys.argv[1:] == ["--check"]:
        same = VECTORS.exists() and VECTORS.read_text() == made
        print(f"{VECTORS.name}: {made.count(chr(10))} vectors, {'as computed' if same else 'NOT what wire.py computes'}")
        return 0 if same else 1
    if sys.argv[1:]:
        print(__doc__)
        return 2
    VECTORS.write_text(made)
    print(f"{VECTORS.name}: {made.count(chr(10))} vectors written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
