#!/usr/bin/env python3
"""Golden vectors of crypto/KEYS.md, computed a second time from its text: Python's standard library and plain integers.

    python3 tests/vectors/keys.py            writes tests/vectors/keys.txt
    python3 tests/vectors/keys.py --check    exits 1 if that file is not what this script computes

tests/unit/crypto/test_vectors.c compares the C code with the file, byte for byte.  Nothing here calls libsodium: where
the two agree, both read KEYS.md the same way.  Slow and not constant-time: for public test inputs only.
"""
import hashlib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE / "keys.txt"
WORD_TABLE = HERE.parent.parent / "crypto" / "words_english.h"
WORD_LIST_SHA256 = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"

# ---- the field of 2^255 - 19 ------------------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493  # order of the base point
D = -121665 * pow(121666, -1, P) % P


def le(n, size):
    return n.to_bytes(size, "little")


def from_le(b):
    return int.from_bytes(b, "little")


# ---- X25519 (RFC 7748): the x-only ladder on v^2 = u^3 + 486662 u^2 + u -------------------------------------------


def x25519(scalar, u_bytes):
    k = from_le(scalar) & ~(7 | 1 << 255) | 1 << 254
    u = (from_le(u_bytes) & (2**255 - 1)) % P
    # (a : b) is n times the point and (c : d) is n + 1 times it, for n the bits of k read so far.
    a, b, c, d = 1, 0, u, 1
    for i in range(254, -1, -1):
        if k >> i & 1:
            a, b, c, d = c, d, a, b
        plus, minus = (a + b) ** 2 % P, (a - b) ** 2 % P
        cross1, cross2 = (c - d) * (a + b), (c + d) * (a - b)
        diff = plus - minus
        a, b = plus * minus % P, diff * (plus + 121665 * diff) % P
        c, d = (cross1 + cross2) ** 2 % P, u * (cross1 - cross2) ** 2 % P
        if k >> i & 1:
            a, b, c, d = c, d, a, b
    return le(a * pow(b, P - 2, P) % P, 32)


def x25519_public(scalar):
    return x25519(scalar, le(9, 32))


# ---- Ed25519 (RFC 8032): affine points on -x^2 + y^2 = 1 + d x^2 y^2, in homogeneous form (X : Y : Z) -----------------


def ed_add(p, q):
    x1, y1, z1 = p
    x2, y2, z2 = q
    z = z1 * z2 % P
    zz = z * z % P
    xx, yy = x1 * x2 % P, y1 * y2 % P
    e = D * xx * yy % P
    f, g = (zz - e) % P, (zz + e) % P
    x = z * f * ((x1 + y1) * (x2 + y2) - xx - yy) % P
    y = z * g * (yy + xx) % P
    return x, y, f * g % P


def ed_multiply(n, point):
    total = (0, 1, 1)
    while n:
        if n & 1:
            total = ed_add(total, point)
        point = ed_add(point, point)
        n >>= 1
    return total


def ed_x_from_y(y, odd):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x * x % P != xx:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == xx
    return P - x if x & 1 != odd else x


ED_BASE_Y = 4 * pow(5, -1, P) % P
ED_BASE = (ed_x_from_y(ED_BASE_Y, 0), ED_BASE_Y, 1)


def ed_encode(point):
    x, y, z = point
    inverse = pow(z, P - 2, P)
    return le(y * inverse % P | (x * inverse % P & 1) << 255, 32)


def ed_expand(seed):
    h = hashlib.sha512(seed).digest()
    return from_le(h[:32]) & ~(7 | 1 << 255) | 1 << 254, h[32:]


def ed25519_public(seed):
    return ed_encode(ed_multiply(ed_expand(seed)[0], ED_BASE))


def ed25519_sign(seed, message):
    secret, prefix = ed_expand(seed)
    public = ed25519_public(seed)
    r = from_le(hashlib.sha512(prefix + message).digest()) % L
    r_point = ed_encode(ed_multiply(r, ED_BASE))
    challenge = from_le(hashlib.sha512(r_point + public + message).digest()) % L
    return r_point + le((r + challenge * secret) % L, 32)


# ---- ristretto255 (RFC 9496): cosets of the points above, each with one name -------------------------------------------

SQRT_M1 = pow(2, (P - 1) // 4, P)


def magnitude(n):
    """Of n and -n the even one: what is odd counts as negative."""
    n %= P
    return P - n if n & 1 else n


def sqrt_ratio(u, v):
    """Whether u / v is a square, and the root of it, or of sqrt(-1) times it."""
    root = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * root * root % P
    if check in (-u % P, -u * SQRT_M1 % P):
        root = root * SQRT_M1 % P
    return check in (u % P, -u % P), magnitude(root)


def ristretto_map_half(t):
    r = SQRT_M1 * t * t % P
    u, v = (r + 1) * (1 - D * D) % P, (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    c = -1
    if not square:
        s, c = -magnitude(s * t), r
    n = c * (r - 1) * (D - 1) ** 2 - v
    root_ad_minus_one = 25063068953384623474111414158702152701244531502492656460079210482610430750235
    assert root_ad_minus_one**2 % P == (-D - 1) % P
    w = 2 * s * v, n * root_ad_minus_one, 1 - s * s, 1 + s * s
    z = w[1] * w[3] % P
    return w[0] * w[3] % P, w[2] * w[1] % P, z


def ristretto_map(b):
    halves = (ristretto_map_half((from_le(b[i : i + 32]) & 2**255 - 1) % P) for i in (0, 32))
    return ed_add(*halves)


def ristretto_encode(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    _, root = sqrt_ratio(1, (1 + y) * (1 - y) * (x * y) ** 2 % P)
    d1, d2 = root * (1 + y) * (1 - y) % P, root * x * y % P
    z_inverse = d1 * d2 * x * y % P
    if magnitude(x * y * z_inverse) != x * y * z_inverse % P:
        _, invsqrt_a_minus_d = sqrt_ratio(1, -1 - D)
        x, y, d = y * SQRT_M1 % P, x * SQRT_M1 % P, d1 * invsqrt_a_minus_d % P
    else:
        d = d2
    if magnitude(x * z_inverse) != x * z_inverse % P:
        y = -y
    return le(magnitude(d * (1 - y)), 32)


# ---- ChaCha20 with a 64-bit nonce and counter, as its author first wrote it ----------------------------------------


def chacha_rounds(start):
    s = start[:]

    def mix(target, other, turned, bits):
        s[target] = s[target] + s[other] & 0xFFFFFFFF
        s[turned] ^= s[target]
        s[turned] = (s[turned] << bits | s[turned] >> (32 - bits)) & 0xFFFFFFFF

    def quarter(a, b, c, d):
        mix(a, b, d, 16)
        mix(c, d, b, 12)
        mix(a, b, d, 8)
        mix(c, d, b, 7)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return s


def chacha20_block(key, block):
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    start += [from_le(key[i : i + 4]) for i in range(0, 32, 4)]
    start += [block & 0xFFFFFFFF, block >> 32, 0, 0]
    return b"".join(le(x + y & 0xFFFFFFFF, 4) for x, y in zip(chacha_rounds(start), start))


def chacha20(key, n, first_block):
    blocks = (chacha20_block(key, first_block + i) for i in range((n + 63) // 64))
    return b"".join(blocks)[:n]


# ---- XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03, RFC 8439) -------------------------------------------------------


def hchacha20(key, nonce16):
    """The block function's rounds without the last addition: its first and last four words are a key."""
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    start += [from_le(key[i : i + 4]) for i in range(0, 32, 4)] + [from_le(nonce16[i : i + 4]) for i in range(0, 16, 4)]
    s = chacha_rounds(start)
    return b"".join(le(w, 4) for w in s[:4] + s[12:])


def chacha20_ietf(key, nonce12, n, first_block):
    out = b""
    for block in range(first_block, first_block + (n + 63) // 64):
        start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
        start += [from_le(key[i : i + 4]) for i in range(0, 32, 4)] + [block] + [from_le(nonce12[i : i + 4]) for i in range(0, 12, 4)]
        out += b"".join(le(x + y & 0xFFFFFFFF, 4) for x, y in zip(chacha_rounds(start), start))
    return out[:n]


def poly1305(key, message):
    r, total, prime = from_le(key[:16]) & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF, 0, 2**130 - 5
    for i in range(0, len(message), 16):
        total = (total + from_le(message[i : i + 16] + b"\1")) * r % prime
    return le((total + from_le(key[16:])) & (2**128 - 1), 16)


def aead(key, nonce24, aad, text):
    subkey, nonce12 = hchacha20(key, nonce24[:16]), bytes(4) + nonce24[16:]
    sealed = bytes(x ^ y for x, y in zip(text, chacha20_ietf(subkey, nonce12, len(text), 1)))
    said = aad + bytes(-len(aad) % 16) + sealed + bytes(-len(sealed) % 16) + le(len(aad), 8) + le(len(sealed), 8)
    return sealed + poly1305(chacha20_ietf(subkey, nonce12, 32, 0), said)


# ---- KEYS §0 -----------------------------------------------------------------------------------------------------


def H(label, x, key=b""):
    return hashlib.blake2b(x, digest_size=32, key=key, person=label.encode().ljust(16, b"\0")).digest()


def K(key, label, x):
    return H(label, x, key)


def signed(seed, domain, x):
    return ed25519_sign(seed, domain.encode().ljust(16, b"\0") + x)


def u32(n):
    return le(n, 4)


class Stream:
    """KEYS §0: the seeded stream."""

    def __init__(self, seed):
        self.key = seed

    def fill(self, n):
        out = chacha20(self.key, n, 1)
        self.key = chacha20(self.key, 32, 0)
        return out


class Hedged:
    def __init__(self, source, seed):
        self.source, self.seed, self.counter = source, seed, 0

    def fill(self, n):
        key = K(self.seed, "gx-hedge", self.source.fill(32) + le(self.counter, 8))
        self.counter += 1
        return chacha20(key, n, 0)


# ---- The vectors ---------------------------------------------------------------------------------------------------


def run(first, n=32):
    """The fixed inputs: n bytes that count up from `first`."""
    return bytes((first + i) & 0xFF for i in range(n))


REC, CARD_SK, E_SK, DEVICE_SEED = run(0x00), run(0x20), run(0x40), run(0x60)
INC_SECRET, PREKEY_SK, TOKEN_SEED, GROUP16 = run(0x80), run(0xA0), run(0xC0, 16), run(0xD0, 16)
SERIAL = 0x01020304
DOMAINS = ["gx event", "gx device", "gx card", "gx token", "gx join", "gx join token", "gx guest", "gx session", "gx endpoint",
           "gx accept", "gx beacon"]


def hashes():
    for label in ("gx-event-id", "gx-body", "gx-log-id", "gx-token-check"):
        yield f"hash.{label}", H(label, run(0x01, 100))
    yield "hash.empty", H("gx-test", b"")
    yield "hash.one_block", H("gx-test", run(0x01, 128))
    yield "hash.three_blocks", H("gx-test", run(0x01, 300))
    yield "hash.label_of_16", H("gx-test-16-bytes", run(0x01, 10))
    yield "hash.keyed_16", K(run(0x10, 16), "gx-test", run(0x01, 10))
    yield "hash.keyed_64", K(run(0x10, 64), "gx-test", run(0x01, 200))
    yield "hash.keyed_empty", K(run(0x10, 32), "gx-test", b"")


def persons():
    id_seed = K(REC, "gx-id-root", b"")
    card = x25519_public(CARD_SK)
    yield "person.id", ed25519_public(id_seed)
    yield "person.recovery", x25519_public(K(REC, "gx-rec-dh", b""))
    yield "person.card", card
    yield "person.card_sig", signed(id_seed, "gx card", card + u32(SERIAL))


def cards():
    """KEYS §1 and §16: the person of above, and another with the card secret that counts up from 0xE0."""
    identity, card, other_sk = ed25519_public(K(REC, "gx-id-root", b"")), x25519_public(CARD_SK), run(0xE0)
    seed = K(CARD_SK, "gx-card-seed", u32(SERIAL))[:16]
    lan = K(seed, "gx-invite-lan", identity[:16])
    yield "card.seed", seed
    yield "card.token_pk", ed25519_public(K(seed, "gx-token-sign", identity[:16]))
    yield "card.door_pk", x25519_public(K(lan, "gx-invite-door", b""))
    other, prekey = x25519_public(other_sk), x25519_public(PREKEY_SK)
    shared = x25519(CARD_SK, other) + x25519(PREKEY_SK, other)
    assert shared == x25519(other_sk, card) + x25519(other_sk, prekey)  # who is told comes to the same
    yield "card.reveal", K(shared, "gx-reveal", run(0x21) + run(0x91) + card + other)
    table, other_id = word_list(), run(0x41)
    value = bytes(32)
    for _ in range(65536):
        value = H("gx-safety", value + min(identity, other_id) + max(identity, other_id))
    bits = int.from_bytes(value, "big") >> 256 - 12 * 11
    yield "card.safety", " ".join(table[bits >> 11 * i & 2047] for i in range(11, -1, -1)).encode()


def members():
    recovery_sk = K(REC, "gx-rec-dh", b"")
    recovery, e = x25519_public(recovery_sk), x25519_public(E_SK)
    shared = x25519(E_SK, recovery)
    assert shared == x25519(recovery_sk, e)  # KEYS §2: the words reach the same secret from the public E
    member_seed = K(shared, "gx-member-root", e + recovery)
    member = ed25519_public(member_seed)
    device_seed = K(DEVICE_SEED, "gx-device", e)
    device = ed25519_public(device_seed)
    incarnation = K(INC_SECRET, "gx-incarnation", device)[:8]
    yield "member.e", e
    yield "member.root", member
    yield "member.device", device
    yield "member.device_sk", device_seed + device
    yield "member.cert_bytes", e + member + device
    yield "member.cert", signed(member_seed, "gx device", e + member + device)
    yield "member.incarnation", incarnation
    yield "member.prekey", x25519_public(PREKEY_SK)
    for name, kind in (("control", 0), ("messages", 1)):
        yield f"member.log_{name}", H("gx-log-id", member + device + incarnation + bytes([kind]))[:16]


def tokens():
    token_seed = K(TOKEN_SEED, "gx-token-sign", GROUP16)
    lan = K(TOKEN_SEED, "gx-invite-lan", GROUP16)
    door_sk = K(lan, "gx-invite-door", b"")
    yield "token.pk", ed25519_public(token_seed)
    yield "token.sk", token_seed + ed25519_public(token_seed)
    yield "token.lan", lan
    yield "door.pk", x25519_public(door_sk)
    yield "door.sk", door_sk


def gates():
    gate = K(x25519_public(E_SK), "gx-gate", b"")
    fields = run(0x11) + run(0x31) + run(0x51) + run(0x71)
    yield "gate.zero", gate
    for role, name in enumerate(("client", "server")):
        transcript = bytes([role]) + fields
        yield f"gate.transcript_{name}", transcript
        yield f"gate.tag_{name}", K(gate, "gx-hello-tag", transcript)[:16]


def beacons():
    key = K(run(0x20), "gx-beacon", b"")
    r, y = run(0x41), Stream(run(0x77)).fill(32)
    said = x25519_public(r) + run(0x61, 23)
    seed = run(0x55)
    plain = ed25519_public(seed) + signed(seed, "gx beacon", run(0x91) + said)
    yield "beacon.key", key
    yield "beacon.tag", K(key, "gx-lan-tag", said)[:8]
    yield "beacon.old_tag", K(key, "gx-lan-old", said)[:8]
    yield "beacon.capsule", aead(K(key, "gx-lan-capsule", said), bytes(24), b"", plain)
    answer_key = K(key, "gx-lan-answer", x25519(y, x25519_public(r)) + x25519_public(y) + said)
    yield "beacon.answer", aead(answer_key, bytes(24), b"", run(0xb1, 64))


def near():
    """KEYS §13: the joiner's random bytes are those of the stream; nothing is decoded, for both own secrets are known here."""
    code = b"482913"
    generator = ristretto_map(H("gx-near-1", code) + H("gx-near-2", code))
    x = from_le(Stream(run(0x77)).fill(64)) % L
    a = ristretto_encode(ed_multiply(x, generator))
    y = from_le(K(run(0x35), "gx-near-y1", a) + K(run(0x35), "gx-near-y2", a)) % L
    b = ristretto_encode(ed_multiply(y, generator))
    k = K(ristretto_encode(ed_multiply(x * y % L, generator)), "gx-near", a + b)
    yield "near.a", a
    yield "near.b", b
    yield "near.proof", K(k, "gx-near-joiner", b"")
    yield "near.sealed", aead(K(k, "gx-near-inviter", b""), bytes(24), b"", run(0xb1, 128))


def signatures():
    seed = run(0x55)
    yield "sign.pk", ed25519_public(seed)
    for domain in DOMAINS:
        yield f"sign.{domain.replace(' ', '-')}", signed(seed, domain, run(0x01, 50))
    yield "sign.empty", signed(seed, "gx event", b"")
    yield "sign.longest", signed(seed, "gx event", run(0x00, 8704))


def proofs():
    fields = run(0x11) + run(0x31) + run(0x51) + run(0x71)
    token_seed = K(TOKEN_SEED, "gx-token-sign", GROUP16)
    device_seed = K(DEVICE_SEED, "gx-device", x25519_public(E_SK))
    yield "proof.guest", signed(token_seed, "gx guest", run(0x91) + b"\0" + fields)
    for role, name in enumerate(("client", "server")):
        yield f"proof.session_{name}", signed(device_seed, "gx session", run(0x21) + bytes([role]) + fields)


HDR0 = run(0x05, 145)
CONTEXT = H("gx-ctx", HDR0)


def epochs():
    """KEYS §5: three recipients; the author's random bytes are those of the stream, X's secret first."""
    stream = Stream(run(0x33))
    x_sk, es = stream.fill(32), stream.fill(32)
    x, author_prekey = x25519_public(x_sk), x25519_public(PREKEY_SK)
    recipients = [(bytes([i]) + run(0x61, 15), x25519_public(run(0x80 + i))) for i in (1, 2, 3)]
    slots = b""
    for log, prekey in recipients:
        key = K(x25519(x_sk, prekey), "gx-epoch-slot", CONTEXT + x + prekey + log)
        slots += log[:8] + aead(key, bytes(24), CONTEXT, es)
    ex = K(es, "gx-epoch-root", CONTEXT + x + author_prekey + H("gx-epoch-slots", slots))
    yield "epoch.context", CONTEXT
    yield "epoch.x", x
    yield "epoch.slots", slots
    yield "epoch.key", ex
    yield "epoch.conf", K(ex, "gx-epoch-conf", b"")
    yield "epoch.gate", K(ex, "gx-gate", b"")
    yield "epoch.chain", K(ex, "gx-chain-0", recipients[1][0])


def padded(text):
    size = next(n for n in [64, 128, 256, 512] + [1024 * k for k in range(1, 62)] if n > len(text))
    return text + b"\x80" + bytes(size - len(text) - 1)


def messages():
    """KEYS §6 and §7: the third message of a chain, sealed twice; three keys disclosed."""
    chain, keys, epoch_id = run(0x13), [], run(0x41)
    for _ in range(3):
        keys.append(K(chain, "gx-msg", b""))
        chain = K(chain, "gx-chain-next", b"")
    yield "message.key", keys[2]
    yield "message.chain", chain
    stream = Stream(run(0x34))
    for name, text in (("short", run(0x20, 40)), ("whole", run(0x20, 64))):
        nonce = K(keys[2], "gx-msg-nonce", stream.fill(32) + text)[:24]
        commit = K(keys[2], "gx-msg-commit", HDR0 + epoch_id + u32(2) + nonce)
        yield f"message.nonce_{name}", nonce
        yield f"message.commit_{name}", commit
        yield f"message.sealed_{name}", aead(K(keys[2], "gx-msg-key", b""), nonce, commit, padded(text))
    x_sk, group, ids = stream.fill(32), run(0x51), run(0x61) + run(0x71) + run(0x81)
    x, prekey = x25519_public(x_sk), x25519_public(PREKEY_SK)
    yield "keys.x", x
    yield "keys.sealed", aead(K(x25519(x_sk, prekey), "gx-keys", group + x + prekey), bytes(24), ids, b"".join(keys))


def vaults():
    """KEYS §14, from A on: Argon2id is checked in tests/unit/crypto/test_vault.c against its authors' program."""
    slot_key = K(run(0x15), "gx-vault", run(0x35))
    yield "vault.sealed", aead(slot_key, bytes(24), run(0x55, 71), run(0x75, 200))


def word_list():
    words = re.findall(r'"([a-z]+)"', WORD_TABLE.read_text())
    plain = "".join(word + "\n" for word in words).encode()
    assert len(words) == 2048 and hashlib.sha256(plain).hexdigest() == WORD_LIST_SHA256, "not the list of BIP-39"
    return words


def words():
    table = word_list()
    for name, rec in (("zeroes", bytes(32)), ("ones", b"\xff" * 32), ("counting", REC)):
        bits = int.from_bytes(rec + hashlib.sha256(rec).digest()[:1], "big")
        text = " ".join(table[bits >> 11 * i & 2047] for i in range(23, -1, -1))
        yield f"words.{name}", text.encode()


def streams():
    stream = Stream(run(0x77))
    for n in (1, 32, 64, 200):
        yield f"rng.stream_{n}", stream.fill(n)
    hedged = Hedged(Stream(run(0x77)), DEVICE_SEED)
    for n in (1, 32, 64, 200):
        yield f"rng.hedged_{n}", hedged.fill(n)


def known_answers():
    """RFC 7748 §5.2, RFC 9496 A.1 and A.3, RFC 8032 §7.1, draft-irtf-cfrg-xchacha-03 §2.2.1 and A.3.1, RFC 8439 A.1: this script must be right before it may judge the C code."""
    assert x25519(
        bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
        bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
    ).hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
    assert ristretto_encode(ED_BASE).hex() == "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
    coffee = hashlib.sha512(b"Ristretto is traditionally a short shot of espresso coffee").digest()
    assert ristretto_encode(ristretto_map(coffee)).hex() == "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46"
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    assert ed25519_public(seed).hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert ed25519_sign(seed, b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert hchacha20(run(0x00), bytes.fromhex("000000090000004a0000000031415927")).hex() == (
        "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    )
    text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    assert aead(run(0x80), run(0x40, 24), bytes.fromhex("50515253c0c1c2c3c4c5c6c7"), text)[-16:].hex() == "c0875924c1c7987947deafd8780acf49"
    assert chacha20_block(bytes(32), 0).hex().startswith("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1a")


def compute():
    known_answers()
    parts = (hashes, persons, cards, members, tokens, gates, beacons, near, signatures, proofs, epochs, messages, vaults, words, streams)
    return "".join(f"{name} = {value.hex()}\n" for part in parts for name, value in part())


def main(args):
    if args not in ([], ["--check"]):
        sys.exit(__doc__)
    text = compute()
    if not args:
        VECTORS.write_text(text)
    elif not VECTORS.exists() or VECTORS.read_text() != text:
        sys.exit(f"{VECTORS.name} differs from what {pathlib.Path(__file__).name} computes")


if __name__ == "__main__":
    main(sys.argv[1:])
