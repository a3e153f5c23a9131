#include "proto/event.h"

#include "crypto/hash.h"

/* WIRE §3.1: the fixed part of the header, its deps, the hash of the body. */
static_assert(GX_EVENT_HDR_MAX <= GX_SIGN_MSG_MAX, "every header can be signed");

#define MINUTE_MS 60000u

bool gx_event_class(enum gx_log_class *out, uint8_t type)
{
    *out = GX_LOG_CONTROL;
    switch (type) {
#define GX_X(name, number, text, cls) \
    case number:                      \
        *out = cls;                   \
        return true;
        GX_EVENT_LIST(GX_X)
#undef GX_X
    }
    return false;
}

const char *gx_event_type_name(uint8_t type)
{
    switch (type) {
#define GX_X(name, number, text, cls) \
    case number:                      \
        return text;
        GX_EVENT_LIST(GX_X)
#undef GX_X
    }
    return "?";
}

bool gx_event_is_sealed(uint8_t type)
{
    return type == GX_EV_ALIAS || type == GX_EV_META || type == GX_EV_TOKEN || type == GX_EV_TEXT || type == GX_EV_INVITE || type == GX_EV_REVEAL;
}

struct gx_event_id gx_event_dep(const struct gx_event *ev, size_t i)
{
    struct gx_event_id id;

    GX_ASSERT(i < ev->n_deps);
    memcpy(id.b, ev->deps + 32 * i, sizeof id.b);
    return id;
}

void gx_event_write_header0(struct gx_wr *w, const struct gx_event *ev)
{
    gx_wr_u8(w, ev->ver);
    gx_wr_u8(w, ev->type);
    gx_wr_u16(w, ev->flags);
    gx_wr_u32(w, ev->body_len);
    gx_wr_bytes(w, ev->group.b, sizeof ev->group.b);
    gx_wr_bytes(w, ev->log.b, sizeof ev->log.b);
    gx_wr_u64(w, ev->seq);
    gx_wr_bytes(w, ev->prev.b, sizeof ev->prev.b);
    gx_wr_u64(w, ev->tick);
    gx_wr_u64(w, ev->wall_ms);
    gx_wr_u8(w, ev->n_deps);
    gx_wr_bytes(w, ev->deps, 32 * (size_t)ev->n_deps);
}

void gx_event_write_header(struct gx_wr *w, const struct gx_event *ev)
{
    gx_event_write_header0(w, ev);
    gx_wr_bytes(w, ev->body_hash.b, sizeof ev->body_hash.b);
}

static bool body_here(const struct gx_event *ev)
{
    return ev->body.p != NULL || ev->body_len == 0;
}

void gx_event_derive(struct gx_event *ev)
{
    uint8_t header[GX_EVENT_HDR_MAX];
    struct gx_wr w = gx_wr(header, sizeof header);

    if (body_here(ev))
        gx_hash(ev->body_hash.b, "gx-body", ev->body);
    gx_event_write_header(&w, ev);
    GX_ASSERT(!w.failed);
    gx_hash(ev->id.b, "gx-event-id", gx_wr_span(&w));
}

void gx_event_close(struct gx_event *ev)
{
    GX_ASSERT(ev->body.n <= GX_EVENT_BODY_MAX);
    ev->body_len = (uint32_t)ev->body.n;
    gx_event_derive(ev);
}

void gx_event_seal(struct gx_event *ev, const struct gx_sign_sk *device_sk)
{
    gx_event_close(ev);
    gx_event_sign(ev, device_sk);
}

void gx_event_sign(struct gx_event *ev, const struct gx_sign_sk *device_sk)
{
    uint8_t header[GX_EVENT_HDR_MAX];
    struct gx_wr w = gx_wr(header, sizeof header);

    gx_event_write_header(&w, ev);
    GX_ASSERT(!w.failed);
    gx_sign(&ev->sig, device_sk, GX_DOMAIN_EVENT, gx_wr_span(&w));
}

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

static bool deps_ascend(const struct gx_event *ev)
{
    for (size_t i = 1; i < ev->n_deps; i++)
        if (memcmp(ev->deps + 32 * (i - 1), ev->deps + 32 * i, 32) >= 0)
            return false;
    return true;
}

/* WIRE §3.3: "the founding event stands at the beginning of everything". */
static bool founding_ok(const struct gx_event *ev)
{
    return ev->n_deps == 0 && ev->seq == 1 && all_zero(ev->prev.b, sizeof ev->prev.b) &&
           all_zero(ev->group.b, sizeof ev->group.b);
}

enum gx_err gx_event_check(const struct gx_event *ev)
{
    enum gx_log_class cls;

    if (ev->ver != GX_EVENT_VERSION || !gx_event_class(&cls, ev->type))
        return GX_E_VERSION;
    if (ev->body_len > GX_EVENT_BODY_MAX || ev->seq > GX_EVENT_SEQ_MAX)
        return GX_E_TOO_BIG;
    if (ev->flags != 0 || ev->seq == 0 || ev->tick == 0 || !deps_ascend(ev))
        return GX_E_MALFORMED;
    if (ev->type == GX_EV_CREATE)
        return founding_ok(ev) && ev->wall_ms % MINUTE_MS == 0 ? GX_OK : GX_E_MALFORMED;
    if (all_zero(ev->group.b, sizeof ev->group.b))
        return GX_E_MALFORMED;
    if (ev->seq > 1 && all_zero(ev->prev.b, sizeof ev->prev.b))
        return GX_E_MALFORMED;
    if (cls == GX_LOG_CONTROL)
        return ev->n_deps >= 1 && ev->wall_ms % MINUTE_MS == 0 ? GX_OK : GX_E_MALFORMED;
    if (ev->n_deps > GX_MESSAGE_DEPS_MAX)
        return GX_E_TOO_BIG;
    return ev->wall_ms == 0 ? GX_OK : GX_E_MALFORMED;
}

enum gx_err gx_event_decode(struct gx_event *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    struct gx_event ev = {0};

    memset(out, 0, sizeof *out);
    if (bytes.n > GX_EVENT_BYTES_MAX)
        return GX_E_TOO_BIG;
    ev.ver = gx_rd_u8(&r);
    if (!r.failed && ev.ver != GX_EVENT_VERSION)
        return GX_E_VERSION;
    ev.type = gx_rd_u8(&r);
    ev.flags = gx_rd_u16(&r);
    ev.body_len = gx_rd_u32(&r);
    gx_rd_bytes(&r, ev.group.b, sizeof ev.group.b);
    gx_rd_bytes(&r, ev.log.b, sizeof ev.log.b);
    ev.seq = gx_rd_u64(&r);
    gx_rd_bytes(&r, ev.prev.b, sizeof ev.prev.b);
    ev.tick = gx_rd_u64(&r);
    ev.wall_ms = gx_rd_u64(&r);
    ev.n_deps = gx_rd_u8(&r);
    ev.deps = gx_rd_span(&r, 32 * (size_t)ev.n_deps).p;
    gx_rd_bytes(&r, ev.body_hash.b, sizeof ev.body_hash.b);
    gx_rd_bytes(&r, ev.sig.b, sizeof ev.sig.b);
    if (r.failed)
        return GX_E_MALFORMED;

    enum gx_err err = gx_event_check(&ev);
    if (err != GX_OK)
        return err;
    ev.body = gx_rd_span(&r, ev.body_len);
    err = gx_rd_finish(&r);
    if (err != GX_OK)
        return err;

    struct gx_hash claimed = ev.body_hash;
    gx_event_derive(&ev);
    if (memcmp(claimed.b, ev.body_hash.b, sizeof claimed.b) != 0)
        return GX_E_SIGNATURE;
    *out = ev;
    return GX_OK;
}

void gx_event_encode(struct gx_wr *w, const struct gx_event *ev)
{
    GX_ASSERT(body_here(ev) && ev->body.n == ev->body_len);
    gx_event_write_header(w, ev);
    gx_wr_bytes(w, ev->sig.b, sizeof ev->sig.b);
    gx_wr_bytes(w, ev->body.p, ev->body.n);
}

bool gx_event_verify(const struct gx_event *ev, const struct gx_sign_pk *device)
{
    uint8_t header[GX_EVENT_HDR_MAX];
    struct gx_wr w = gx_wr(header, sizeof header);

    gx_event_write_header(&w, ev);
    return !w.failed && gx_verify(device, GX_DOMAIN_EVENT, gx_wr_span(&w), &ev->sig);
}
