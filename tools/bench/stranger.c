#include "tools/bench/stranger.h"

#include "node/os/system.h"
#include "proto/frame.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define MORE 1u                 /* of a frame's flags, and of what CURVE seals */
#define LONG 2u
#define COMMAND 4u
#define KEY 32u
#define TAG 16u                 /* what a box adds */
#define NONCE 24u
#define SHORT 8u                /* what of it is said; before it stand 16 letters */
#define GREETING_BYTES 64u
#define HELLO_BYTES 200u
#define WELCOME_BYTES 168u
#define COOKIE_BYTES 96u
#define MESSAGE_BEGIN 16u       /* name and nonce of a message; the box follows, and in it a byte of flags */
#define LARGE_PART (1u << 20)
#define SMALL_MAX 1024u

/* --- bytes ------------------------------------------------------------------------------------------------------------------------------- */

/* There is room, and the other side listens: one that does not any more may tell so by its end alone. */
static bool may_send(const struct gx_stranger *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLOUT | POLLRDHUP};

    return poll(&p, 1, (int)GX_STRANGER_WAITS_MS) == 1 && p.revents == POLLOUT;
}

static bool write_all(struct gx_stranger *s, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(s->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && (errno == EINTR || (errno == EAGAIN && may_send(s))))
            continue;
        if (sent <= 0)
            return false;
        s->out_bytes += (uint64_t)sent;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool read_all(struct gx_stranger *s, uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(s->fd, p, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) 
            return false;
        s->in_bytes += (uint64_t)got;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static bool write_frame(struct gx_stranger *s, uint8_t flags, const uint8_t *p, size_t n)
{
    uint8_t begin[9] = {flags, (uint8_t)n};
    size_t length = 2;

    if (n > UINT8_MAX) {
        begin[0] = flags | LONG;
        for (size_t i = 0; i < 8; i++)
            begin[1 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
        length = sizeof begin;
    }
    return write_all(s, begin, length) && write_all(s, p, n);
}

/* At most cap bytes. */
static bool read_frame(struct gx_stranger *s, uint8_t *p, size_t cap, size_t *n)
{
    uint8_t begin[9];
    size_t length;

    if (!read_all(s, begin, 2))
        return false;
    length = begin[1];
    if ((begin[0] & LONG) != 0) {
        if (!read_all(s, begin + 2, 7))
            return false;
        length = 0;
        for (size_t i = 0; i < 8; i++)
            length = length << 8 | begin[1 + i];
    }
    *n = length;
    return length <= cap && read_all(s, p, length);
}

/* Letters, then a number, or what was drawn. */
static void nonce_of(uint8_t out[NONCE], const char *letters, const uint8_t *rest)
{
    memcpy(out, letters, strlen(letters));
    memcpy(out + strlen(letters), rest, NONCE - strlen(letters));
}

static void number_of(uint8_t out[SHORT], uint64_t number)
{
    for (size_t i = 0; i < SHORT; i++)
        out[i] = (uint8_t)(number >> (56 - 8 * i));
}

/* --- meeting ----------------------------------------------------------------------------------------------------------------------------- */

bool gx_stranger_connect(struct gx_stranger *out, const struct gx_addr *to, uint8_t host)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000000u | host)}}, at = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    struct timeval waits = {.tv_sec = GX_STRANGER_WAITS_MS / 1000};
    int at_once = 1;

    *out = (struct gx_stranger){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    memcpy(&at.sin_addr, to->ip, sizeof at.sin_addr);
    gx_rng_fill(gx_system_rng(), out->sk.b, sizeof out->sk.b);
    crypto_scalarmult_base(out->pk.b, out->sk.b);
    if (out->fd >= 0 && setsockopt(out->fd, SOL_SOCKET, SO_RCVTIMEO, &waits, sizeof waits) == 0 &&
        setsockopt(out->fd, SOL_SOCKET, SO_SNDTIMEO, &waits, sizeof waits) == 0 &&
        setsockopt(out->fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once) == 0 &&
        bind(out->fd, (struct sockaddr *)&from, sizeof from) == 0 && connect(out->fd, (struct sockaddr *)&at, sizeof at) == 0)
        return true;
    gx_stranger_close(out);
    return false;
}

void gx_stranger_close(struct gx_stranger *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static bool exchange_greetings(struct gx_stranger *s)
{
    uint8_t mine[GREETING_BYTES] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0CURVE", theirs[GREETING_BYTES];

    return write_all(s, mine, sizeof mine) && read_all(s, theirs, sizeof theirs);
}

/* HELLO of CURVE: a box of zeroes shows that the short key is this one's. */
static bool say_hello(struct gx_stranger *s, const struct gx_curve_pk *server, const uint8_t pk[KEY], const uint8_t sk[KEY])
{
    static const uint8_t zeroes[64];
    uint8_t hello[HELLO_BYTES] = "\5HELLO\1", nonce[NONCE];

    memcpy(hello + 80, pk, KEY);
    number_of(hello + 112, ++s->said);
    nonce_of(nonce, "CurveZMQHELLO---", hello + 112);
    return crypto_box_easy(hello + 120, zeroes, sizeof zeroes, nonce, server->b, sk) == 0 && write_frame(s, COMMAND, hello, sizeof hello);
}

/* The server's short key, and its cookie. */
static bool hear_welcome(struct gx_stranger *s, const struct gx_curve_pk *server, const uint8_t sk[KEY], uint8_t out[KEY + COOKIE_BYTES])
{
    uint8_t welcome[WELCOME_BYTES], nonce[NONCE];
    size_t n;

    if (!read_frame(s, welcome, sizeof welcome, &n) || n != sizeof welcome || memcmp(welcome, "\7WELCOME", 8) != 0)
        return false;
    nonce_of(nonce, "WELCOME-", welcome + 8);
    return crypto_box_open_easy(out, welcome + 24, TAG + KEY + COOKIE_BYTES, nonce, server->b, sk) == 0;
}

/* Who this is: the long key, and what binds the short one to it. */
static bool say_initiate(struct gx_stranger *s, const struct gx_curve_pk *server, const uint8_t pk[KEY], const uint8_t welcome[KEY + COOKIE_BYTES])
{
    static const char metadata[] = "\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0";     /* and the zero behind it */
    uint8_t vouched[2 * KEY], plain[3 * KEY + 2 * TAG + sizeof metadata], nonce[NONCE];
    uint8_t initiate[9 + COOKIE_BYTES + SHORT + TAG + sizeof plain] = "\10INITIATE";

    memcpy(vouched, pk, KEY);
    memcpy(vouched + KEY, server->b, KEY);
    memcpy(plain, s->pk.b, KEY);
    gx_rng_fill(gx_system_rng(), plain + KEY, 16);
    nonce_of(nonce, "VOUCH---", plain + KEY);
    if (crypto_box_easy(plain + KEY + 16, vouched, sizeof vouched, nonce, welcome, s->sk.b) != 0)
        return false;
    memcpy(plain + sizeof plain - sizeof metadata, metadata, sizeof metadata);
    memcpy(initiate + 9, welcome + KEY, COOKIE_BYTES);
    number_of(initiate + 9 + COOKIE_BYTES, ++s->said);
    nonce_of(nonce, "CurveZMQINITIATE", initiate + 9 + COOKIE_BYTES);
    return crypto_box_easy_afternm(initiate + 9 + COOKIE_BYTES + SHORT, plain, sizeof plain, nonce, s->shared) == 0 &&
           write_frame(s, COMMAND, initiate, sizeof initiate);
}

static bool hear_ready(struct gx_stranger *s)
{
    uint8_t ready[512];
    size_t n;

    return read_frame(s, ready, sizeof ready, &n) && n > 6 && memcmp(ready, "\5READY", 6) == 0;
}

bool gx_stranger_meet(struct gx_stranger *s, const struct gx_curve_pk *server)
{
    uint8_t pk[KEY], sk[KEY], welcome[KEY + COOKIE_BYTES];
    bool ok;

    gx_rng_fill(gx_system_rng(), sk, sizeof sk);
    crypto_scalarmult_base(pk, sk);
    ok = exchange_greetings(s) && say_hello(s, server, pk, sk) && hear_welcome(s, server, sk, welcome) && crypto_box_beforenm(s->shared, welcome, sk) == 0 &&
         say_initiate(s, server, pk, welcome) && hear_ready(s);
    s->in_bytes = s->out_bytes = 0;
    return ok;
}

/* --- what is said then ------------------------------------------------------------------------------------------------------------------- */

/* Sealed, into out. */
static bool seal(struct gx_stranger *s, uint8_t *out, const uint8_t *plain, size_t n)
{
    uint8_t nonce[NONCE];

    memcpy(out, "\7MESSAGE", 8);
    number_of(out + 8, ++s->said);
    nonce_of(nonce, "CurveZMQMESSAGEC", out + 8);
    return crypto_box_easy_afternm(out + MESSAGE_BEGIN, plain, n, nonce, s->shared) == 0;
}

bool gx_stranger_say(struct gx_stranger *s, struct gx_span bytes, bool more)
{
    static _Thread_local uint8_t plain[1 + GX_FRAME_BYTES_MAX], message[MESSAGE_BEGIN + TAG + sizeof plain];

    GX_ASSERT(bytes.n < sizeof plain);
    plain[0] = more ? MORE : 0;
    if (bytes.n > 0)
        memcpy(plain + 1, bytes.p, bytes.n);
    return seal(s, message, plain, 1 + bytes.n) && write_frame(s, 0, message, MESSAGE_BEGIN + TAG + 1 + bytes.n);
}

bool gx_stranger_say_small(struct gx_stranger *s, size_t n)
{
    static const uint8_t plain[2] = {MORE};
    static uint8_t frames[SMALL_MAX][2 + MESSAGE_BEGIN + TAG + sizeof plain];
    bool ok = true;

    GX_ASSERT(n <= GX_ARRAY_LEN(frames));
    for (size_t i = 0; i < n && ok; i++) {
        frames[i][1] = sizeof frames[i] - 2;
        ok = seal(s, frames[i] + 2, plain, sizeof plain);
    }
    return ok && write_all(s, frames[0], n * sizeof frames[0]);
}

bool gx_stranger_say_large(struct gx_stranger *s, uint64_t n)
{
    static const uint8_t part[LARGE_PART];
    uint8_t begin[9] = {LONG};
    bool ok;

    for (size_t i = 0; i < 8; i++)
        begin[1 + i] = (uint8_t)(n >> (56 - 8 * i));
    for (ok = write_all(s, begin, sizeof begin); ok && n > 0; n -= n < sizeof part ? n : sizeof part)
        ok = write_all(s, part, n < sizeof part ? (size_t)n : sizeof part);
    return ok;
}

bool gx_stranger_hear(struct gx_stranger *s, uint8_t *out, size_t *n)
{
    static _Thread_local uint8_t message[MESSAGE_BEGIN + TAG + 1 + GX_FRAME_BYTES_MAX], plain[1 + GX_FRAME_BYTES_MAX];
    uint8_t nonce[NONCE];
    size_t got;

    if (!read_frame(s, message, sizeof message, &got) || got < MESSAGE_BEGIN + TAG + 1 || memcmp(message, "\7MESSAGE", 8) != 0)
        return false;
    nonce_of(nonce, "CurveZMQMESSAGES", message + 8);
    if (crypto_box_open_easy_afternm(plain, message + MESSAGE_BEGIN, got - MESSAGE_BEGIN, nonce, s->shared) != 0)
        return false;
    *n = got - MESSAGE_BEGIN - TAG - 1;
    memcpy(out, plain + 1, *n);
    return true;
}

bool gx_stranger_greet(struct gx_stranger *s, struct gx_nonce *mine, struct gx_nonce *theirs)
{
    static _Thread_local uint8_t bytes[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame f;
    size_t n;

    gx_rng_fill(gx_system_rng(), mine, sizeof *mine);
    gx_frame_write_hello(&w, mine);
    if (!gx_stranger_say(s, gx_wr_span(&w), false) || !gx_stranger_hear(s, bytes, &n) || gx_frame_decode(&f, gx_span(bytes, n)) != GX_OK ||
        f.kind != GX_FRAME_HELLO)
        return false;
    *theirs = f.nonce;
    return true;
}
