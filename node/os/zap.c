/* Who may come in: the handler of ZAP (ZeroMQ RFC 27).  Every CURVE client is let in at an open door: members prove themselves to the engine,
 * guests show a token.  Limits were kept when the connection was accepted (monitor.c), before it cost a handshake.  What the handler
 * adds is the User-Id, which is in every frame's metadata: through which door, with which key, and the number of the handshake.
 *
 * The number tells whose frame it is where a descriptor was used again.  One that a connection makes is numbered after its ACCEPTED was read (we
 * read it first), and before the ACCEPTED of the next on that descriptor, which libzmq tells once the connection is closed. */
#include "node/os/transport_parts.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* version, request id, domain, address, routing id, mechanism, key */
#define REQUEST_PARTS 7u
enum { PART_VERSION, PART_ID, PART_DOMAIN, PART_ADDRESS, PART_RID, PART_MECHANISM, PART_KEY };

struct request {
    zmq_msg_t parts[REQUEST_PARTS];
    size_t n;           /* parts received; may be more than REQUEST_PARTS */
};

static bool part_is(struct request *r, size_t i, const char *text)
{
    return zmq_msg_size(&r->parts[i]) == strlen(text) && memcmp(zmq_msg_data(&r->parts[i]), text, strlen(text)) == 0;
}

/* "m" and "n" are members' doors, "g7" a guests'.  One way to write each. */
static bool domain_parse(uint32_t *door, const char *text, size_t n)
{
    uint64_t v = 0;

    *door = 0;
    if (n == 1 && text[0] == 'm')
        return true;
    if (n == 1 && text[0] == 'n') {
        *door = MEMBERS_2;
        return true;
    }
    if (n < 2 || n > 11 || text[0] != 'g' || text[1] == '0')
        return false;
    for (size_t i = 1; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = 10 * v + (uint64_t)(text[i] - '0');
    }
    *door = (uint32_t)v;
    return v < MEMBERS_2;
}

bool gx_zap_user_parse(struct zap_user *out, const char *user)
{
    const size_t digits = 2 * sizeof out->key.b;
    const char *hex = strchr(user, ':');
    char *end;
    size_t n = 0;

    if (hex == NULL || !domain_parse(&out->door, user, (size_t)(hex - user)) || strnlen(++hex, digits + 1) != digits + 1 ||
        hex[digits] != ':' || sodium_hex2bin(out->key.b, sizeof out->key.b, hex, digits, NULL, &n, NULL) != 0 || n != sizeof out->key.b)
        return false;
    out->handshake = strtoull(hex + digits + 1, &end, 10);
    return *end == 0;
}

/* Fills in the User-Id; false: not let in. */
static bool admit(struct gx_transport *t, struct request *r, char user[USER_TEXT_BYTES])
{
    const char *domain = zmq_msg_data(&r->parts[PART_DOMAIN]);
    size_t domain_n = zmq_msg_size(&r->parts[PART_DOMAIN]);
    char hex[2 * sizeof(struct gx_curve_pk) + 1];
    uint32_t number;
    struct door *door;

    if (r->n != REQUEST_PARTS || !part_is(r, PART_VERSION, "1.0") || !part_is(r, PART_MECHANISM, "CURVE") ||
        zmq_msg_size(&r->parts[PART_KEY]) != sizeof(struct gx_curve_pk) || !domain_parse(&number, domain, domain_n))
        return false;
    door = gx_bind_by_number(t, number);
    if (door == NULL || door->closing)
        return false;
    sodium_bin2hex(hex, sizeof hex, zmq_msg_data(&r->parts[PART_KEY]), sizeof(struct gx_curve_pk));
    gx_monitor_read(t);
    snprintf(user, USER_TEXT_BYTES, "%.*s:%s:%" PRIu64, (int)domain_n, domain, hex, t->n_handshakes++);
    return true;
}

static bool part_send(void *zap, const void *p, size_t n, bool more)
{
    zmq_msg_t part;

    if (zmq_msg_init_size(&part, n) != 0)
        return false;
    if (n > 0)
        memcpy(zmq_msg_data(&part), p, n);
    /* The handler's queue has no limit and REP drops what nobody waits for. */
    bool sent = gx_frame_part_out(zap, &part, more);
    if (!sent)
        zmq_msg_close(&part);
    return sent;
}

static void reply(void *zap, struct request *r, const char *user)
{
    const char *status = user != NULL ? "200" : "400", *id = user != NULL ? user : "";
    size_t id_n = zmq_msg_size(&r->parts[PART_ID]);     /* 0 when there was none */

    if (part_send(zap, "1.0", 3, true) &&
        part_send(zap, zmq_msg_data(&r->parts[PART_ID]), id_n, true) &&
        part_send(zap, status, 3, true) && part_send(zap, "", 0, true) && part_send(zap, id, strlen(id), true))
        (void)part_send(zap, "", 0, false);
}

static bool receive(void *zap, struct request *r)
{
    bool more = true;

    for (r->n = 0; more; r->n++) {
        zmq_msg_t rest, *part = r->n < REQUEST_PARTS ? &r->parts[r->n] : &rest;
        if (part == &rest)
            zmq_msg_init(&rest);
        bool got = gx_frame_part_in(zap, part);
        more = got && zmq_msg_more(part) != 0;
        if (part == &rest)
            zmq_msg_close(&rest);
        if (!got)
            return false;
    }
    return true;
}

void gx_zap_answer(struct gx_transport *t)
{
    struct request r;
    char user[USER_TEXT_BYTES];
    bool got = true;

    while (got) {
        for (size_t i = 0; i < REQUEST_PARTS; i++)
            zmq_msg_init(&r.parts[i]);
        got = receive(t->zap, &r);
        if (got)
            reply(t->zap, &r, admit(t, &r, user) ? user : NULL);
        for (size_t i = 0; i < REQUEST_PARTS; i++)
            zmq_msg_close(&r.parts[i]);
    }
}
