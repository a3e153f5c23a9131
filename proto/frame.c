#include "proto/frame.h"

#include "proto/card.h"
#include "proto/utf8.h"

#define TAG_BYTES 16u
#define ID_BYTES 32u
#define FRONTIER_BYTES 20u
#define WANT_BYTES 16u
#define CHUNKS_FIXED_BYTES 4u     /* kind, channel, flags */

#define RECORD_BYTES 20u

static_assert(7u + GX_MASK_BYTES(GX_BUCKET_BITS_MAX) + GX_SUM_BYTES + FRONTIER_BYTES * GX_FRONTIER_ENTRIES_MAX <= GX_FRAME_BYTES_MAX, "a whole frontier fits a frame");
static_assert(3u + TAG_BYTES * GX_FRAME_TAGS_MAX <= GX_FRAME_BYTES_MAX, "all tags fit a frame");
static_assert(3u + GX_PROOF_BYTES * GX_FRAME_GROUPS_MAX <= GX_FRAME_BYTES_MAX, "proofs of all groups fit a frame");
static_assert(5u + GX_ENDPOINT_BYTES_MAX * GX_ENDPOINTS_PER_FRAME_MAX <= GX_FRAME_BYTES_MAX, "endpoints fit a frame");
static_assert(1u + 2u + 32u + GX_JOIN_REQUEST_MAX <= GX_FRAME_BYTES_MAX, "the longest join request fits a frame");
static_assert(1u + 2u + 32u + 2u + (GX_KEY_ENTRY_BYTES + 32u) * GX_KEYS_MAX + GX_AEAD_TAG_BYTES <= GX_FRAME_BYTES_MAX, "keys fit a frame");
static_assert(GX_FRAME_TAGS_MAX % GX_FRAME_TAGS_PAD == 0, "padding does not run over the limit");

const char *gx_frame_kind_name(uint8_t kind)
{
    switch (kind) {
#define GX_X(name, number, text) \
    case number:                 \
        return text;
        GX_FRAME_LIST(GX_X)
#undef GX_X
    }
    return "?";
}

void gx_proof_signed_bytes(uint8_t out[GX_PROOF_SIGNED_BYTES], const struct gx_group_id *group, enum gx_role role,
                           const struct gx_transcript *t)
{
    memcpy(out, group->b, sizeof group->b);
    gx_transcript_bytes(out + sizeof group->b, role, t);
}

/* WIRE §6.2: "family u8, ip 16, port u16; what IPv4 does not use is zero". */
static void addr_write(struct gx_wr *w, const struct gx_addr *addr)
{
    static const uint8_t zero[16];

    GX_ASSERT((addr->family == 4 || addr->family == 6) && addr->port != 0 && addr->scope == 0);
    size_t used = addr->family == 4 ? 4 : 16;
    gx_wr_u8(w, addr->family);
    gx_wr_bytes(w, addr->ip, used);
    gx_wr_bytes(w, zero, 16 - used);
    gx_wr_u16(w, addr->port);
}

static void addr_read(struct gx_rd *r, struct gx_addr *out)
{
    static const uint8_t zero[12];

    out->family = gx_rd_u8(r);
    gx_rd_bytes(r, out->ip, sizeof out->ip);
    out->port = gx_rd_u16(r);
    out->scope = 0;
    if ((out->family != 4 && out->family != 6) || out->port == 0)
        gx_rd_fail(r);
    if (out->family == 4 && memcmp(out->ip + 4, zero, sizeof zero) != 0)
        gx_rd_fail(r);
}

static void endpoint_write_unsigned(struct gx_wr *w, const struct gx_endpoint *e)
{
    GX_ASSERT(e->n_addrs <= GX_ENDPOINT_ADDRS_MAX);
    gx_wr_bytes(w, e->device.b, sizeof e->device.b);
    gx_wr_bytes(w, e->transport.b, sizeof e->transport.b);
    gx_wr_u64(w, e->counter);
    gx_wr_u8(w, e->n_addrs);
    for (size_t i = 0; i < e->n_addrs; i++)
        addr_write(w, &e->addrs[i]);
}

void gx_endpoint_write(struct gx_wr *w, const struct gx_endpoint *e)
{
    endpoint_write_unsigned(w, e);
    gx_wr_bytes(w, e->sig.b, sizeof e->sig.b);
}

void gx_endpoint_read(struct gx_rd *r, struct gx_endpoint *out)
{
    memset(out, 0, sizeof *out);
    gx_rd_bytes(r, out->device.b, sizeof out->device.b);
    gx_rd_bytes(r, out->transport.b, sizeof out->transport.b);
    out->counter = gx_rd_u64(r);
    out->n_addrs = gx_rd_u8(r);
    if (out->n_addrs > GX_ENDPOINT_ADDRS_MAX) {
        gx_rd_fail(r);
        out->n_addrs = 0;
    }
    for (size_t i = 0; i < out->n_addrs; i++)
        addr_read(r, &out->addrs[i]);
    gx_rd_bytes(r, out->sig.b, sizeof out->sig.b);
}

size_t gx_endpoint_signed_bytes(uint8_t out[GX_ENDPOINT_SIGNED_MAX], const struct gx_endpoint *e, const struct gx_group_id *group)
{
    struct gx_wr w = gx_wr(out, GX_ENDPOINT_SIGNED_MAX);

    gx_wr_bytes(&w, group->b, sizeof group->b);
    endpoint_write_unsigned(&w, e);
    GX_ASSERT(!w.failed);
    return w.n;
}

struct gx_span gx_frame_chunk_next(struct gx_rd *r)
{
    return gx_rd_span(r, gx_rd_u32(r));
}

void gx_frame_endpoint_next(struct gx_rd *r, struct gx_endpoint *out)
{
    gx_endpoint_read(r, out);
}

/* The rest of the frame as a list: a count, then so many entries of `size` bytes. */
static enum gx_err list_fixed(struct gx_frame *f, struct gx_rd *r, size_t size, size_t max)
{
    f->n = gx_rd_u16(r);
    if (!r->failed && f->n > max)
        return GX_E_TOO_BIG;
    f->list = gx_rd_span(r, size * f->n);
    return gx_rd_finish(r);
}

static enum gx_err list_chunks(struct gx_frame *f, struct gx_rd *r)
{
    f->n = gx_rd_u16(r);
    if (!r->failed && f->n > GX_FRAME_CHUNKS_MAX)
        return GX_E_TOO_BIG;
    f->list = gx_rd_rest(r);

    struct gx_rd walk = gx_rd(f->list);
    for (size_t i = 0; i < f->n; i++) {
        struct gx_chunk chunk;
        struct gx_span bytes = gx_frame_chunk_next(&walk);
        enum gx_err err = walk.failed ? GX_E_MALFORMED : gx_chunk_decode(&chunk, bytes);

        if (err != GX_OK)
            return err;
    }
    return r->failed ? GX_E_MALFORMED : gx_rd_finish(&walk);
}

static enum gx_err list_endpoints(struct gx_frame *f, struct gx_rd *r)
{
    f->n = gx_rd_u16(r);
    if (!r->failed && f->n > GX_ENDPOINTS_PER_FRAME_MAX)
        return GX_E_TOO_BIG;
    f->list = gx_rd_rest(r);

    struct gx_rd walk = gx_rd(f->list);
    for (size_t i = 0; i < f->n && !walk.failed; i++) {
        struct gx_endpoint endpoint;
        gx_endpoint_read(&walk, &endpoint);
    }
    return r->failed ? GX_E_MALFORMED : gx_rd_finish(&walk);
}

static enum gx_err frontier_check(const struct gx_frame *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct gx_frontier_entry e = gx_frame_frontier_at(f, i);
        if (e.seq > GX_EVENT_SEQ_MAX || e.base_seq > e.seq)
            return GX_E_MALFORMED;
    }
    return GX_OK;
}

static enum gx_err hello_read(struct gx_frame *f, struct gx_rd *r)
{
    f->version = gx_rd_u8(r);
    /* Before its length: the HELLO of a later version may be longer. */
    if (!r->failed && f->version != GX_WIRE_VERSION)
        return GX_E_VERSION;
    gx_rd_bytes(r, f->nonce.b, sizeof f->nonce.b);
    return gx_rd_finish(r);
}

uint32_t gx_bucket_of(uint8_t first, uint8_t bits)
{
    GX_ASSERT(bits <= GX_BUCKET_BITS_MAX);
    return (uint32_t)first >> (GX_BUCKET_BITS_MAX - bits);
}

bool gx_mask_has(struct gx_span mask, uint32_t bucket)
{
    return bucket / 8 < mask.n && (mask.p[bucket / 8] >> bucket % 8 & 1) != 0;
}

/* Channel, flags, and which buckets what follows is of. */
static enum gx_err parts_read(struct gx_frame *f, struct gx_rd *r)
{
    f->channel = gx_rd_u16(r);
    f->flags = gx_rd_u8(r);
    if ((f->flags & ~(unsigned)GX_OF_BUCKETS) != 0)
        return GX_E_MALFORMED;
    if ((f->flags & GX_OF_BUCKETS) == 0)
        return GX_OK;
    f->bits = gx_rd_u8(r);
    if (f->bits > GX_BUCKET_BITS_MAX)
        return GX_E_TOO_BIG;
    f->mask = gx_rd_span(r, GX_MASK_BYTES(f->bits));
    /* Bits of buckets that there are not. */
    return r->failed || (f->bits < 3 && f->mask.p[0] >> (1u << f->bits) != 0) ? GX_E_MALFORMED : GX_OK;
}

static enum gx_err records_read(struct gx_frame *f, struct gx_rd *r)
{
    enum gx_err err = parts_read(f, r);

    return err == GX_OK ? list_fixed(f, r, RECORD_BYTES, GX_FRAME_RECORDS_MAX) : err;
}

static enum gx_err sum_read(struct gx_frame *f, struct gx_rd *r)
{
    f->flags = gx_rd_u8(r);
    f->n = gx_rd_u16(r);
    if (!r->failed && f->n > GX_FRAME_GROUPS_MAX)
        return GX_E_TOO_BIG;
    f->list = gx_rd_span(r, 2 * f->n);
    gx_rd_bytes(r, f->sum, sizeof f->sum);
    if ((f->flags & ~(unsigned)GX_SUM_ASK) != 0 || f->n == 0)
        return GX_E_MALFORMED;
    enum gx_err err = gx_rd_finish(r);
    for (size_t i = 1; err == GX_OK && i < f->n; i++)
        if (gx_frame_channel_at(f, i - 1) >= gx_frame_channel_at(f, i))
            err = GX_E_MALFORMED;
    return err;
}

static enum gx_err digests_read(uint8_t *bits, struct gx_span *out, struct gx_rd *r)
{
    *bits = gx_rd_u8(r);
    if (*bits > GX_BUCKET_BITS_MAX)
        return GX_E_TOO_BIG;
    *out = gx_rd_span(r, (size_t)GX_BUCKET_BYTES << *bits);
    return r->failed ? GX_E_MALFORMED : GX_OK;
}

static enum gx_err buckets_read(struct gx_frame *f, struct gx_rd *r)
{
    f->channel = gx_rd_u16(r);
    enum gx_err err = digests_read(&f->bits, &f->list, r);
    if (err == GX_OK)
        err = digests_read(&f->record_bits, &f->bytes, r);
    if (err != GX_OK)
        return err;
    f->n = (size_t)1 << f->bits;
    return gx_rd_finish(r);
}

static enum gx_err frontier_read(struct gx_frame *f, struct gx_rd *r)
{
    enum gx_err err = parts_read(f, r);
    if (err != GX_OK)
        return err;
    if ((f->flags & GX_OF_BUCKETS) != 0)
        gx_rd_bytes(r, f->sum, sizeof f->sum);
    err = list_fixed(f, r, FRONTIER_BYTES, GX_FRONTIER_ENTRIES_MAX);
    return err == GX_OK ? frontier_check(f) : err;
}

static bool want_ok(const struct gx_want_entry *e)
{
    static const uint8_t none[4];

    /* Nothing lies before the first event. */
    return e->from_seq >= 1 && e->from_seq <= GX_EVENT_SEQ_MAX && (e->from_seq > 1 || memcmp(e->check, none, sizeof none) == 0);
}

static enum gx_err want_check(const struct gx_frame *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct gx_want_entry e = gx_frame_want_at(f, i);
        if (!want_ok(&e))
            return GX_E_MALFORMED;
    }
    return GX_OK;
}

static struct gx_want_entry want_entry_read(struct gx_rd *r)
{
    struct gx_want_entry e;

    gx_rd_bytes(r, e.tag.b, sizeof e.tag.b);
    e.from_seq = gx_rd_u32(r);
    gx_rd_bytes(r, e.check, sizeof e.check);
    return e;
}

static void want_entry_write(struct gx_wr *w, const struct gx_want_entry *e)
{
    gx_wr_bytes(w, e->tag.b, sizeof e->tag.b);
    gx_wr_u32(w, e->from_seq);
    gx_wr_bytes(w, e->check, sizeof e->check);
}

static enum gx_err want_read(struct gx_frame *f, struct gx_rd *r)
{
    f->channel = gx_rd_u16(r);
    f->flags = gx_rd_u8(r);
    f->credit = gx_rd_u8(r);
    if (f->flags > GX_WANT_CONTROL_OF || f->credit < 1 || f->credit > GX_WANT_CHUNKS_MAX)
        return GX_E_MALFORMED;
    if (f->flags != GX_WANT_MESSAGES) {
        enum gx_err err = list_fixed(f, r, FRONTIER_BYTES, GX_FRONTIER_ENTRIES_MAX);
        return err == GX_OK ? frontier_check(f) : err;
    }
    enum gx_err err = list_fixed(f, r, WANT_BYTES, GX_FRONTIER_ENTRIES_MAX);
    return err == GX_OK ? want_check(f) : err;
}

static enum gx_err link_read(struct gx_frame *f, struct gx_rd *r)
{
    f->channel = gx_rd_u16(r);
    f->flags = gx_rd_u8(r);
    return f->flags > GX_LINK_EAGER ? GX_E_MALFORMED : gx_rd_finish(r);
}

static enum gx_err chunks_read(struct gx_frame *f, struct gx_rd *r)
{
    f->channel = gx_rd_u16(r);
    f->flags = gx_rd_u8(r);
    if ((f->flags & ~(unsigned)(GX_CHUNKS_PUSH | GX_CHUNKS_LAST | GX_CHUNKS_ON)) != 0 || (f->flags & GX_CHUNKS_PUSH && f->flags & GX_CHUNKS_ON))
        return GX_E_MALFORMED;
    if (f->flags & GX_CHUNKS_ON) {
        f->on = want_entry_read(r);
        if (!want_ok(&f->on))
            return GX_E_MALFORMED;
    }
    return list_chunks(f, r);
}

/* The rest of the frame, as long as a join request by that way can be. */
static enum gx_err request_read(struct gx_frame *f, struct gx_rd *r, enum gx_via via)
{
    f->bytes = gx_rd_rest(r);
    if (f->bytes.n > GX_JOIN_REQUEST_BYTES(via, 255))
        return GX_E_TOO_BIG;
    return !r->failed && f->bytes.n >= GX_JOIN_REQUEST_BYTES(via, 0) ? GX_OK : GX_E_MALFORMED;
}

static enum gx_err card_frame_read(struct gx_frame *f, struct gx_rd *r)
{
    gx_card_read(r, &f->card);
    gx_rd_bytes(r, f->mac.b, sizeof f->mac.b);
    uint16_t name_len = gx_rd_u16(r);
    if (!r->failed && name_len > GX_NAME_BYTES_MAX)
        return GX_E_TOO_BIG;
    f->name = gx_rd_span(r, name_len);
    if (gx_rd_u16(r) != GX_CREATE_EVENT_BYTES)
        return GX_E_MALFORMED;
    f->create = gx_rd_span(r, GX_CREATE_EVENT_BYTES);
    gx_endpoint_read(r, &f->endpoint);
    enum gx_err err = gx_rd_finish(r);
    if (err != GX_OK)
        return err;
    return f->name.n >= 1 && gx_utf8_ok(f->name) ? GX_OK : GX_E_MALFORMED;
}

static enum gx_err keys_read(struct gx_frame *f, struct gx_rd *r, bool told)
{
    f->channel = gx_rd_u16(r);
    gx_rd_bytes(r, f->key.b, sizeof f->key.b);
    f->n = gx_rd_u16(r);
    if (!r->failed && f->n > GX_KEYS_MAX)
        return GX_E_TOO_BIG;
    f->list = gx_rd_span(r, GX_KEY_ENTRY_BYTES * f->n);
    if (told)
        f->bytes = gx_rd_span(r, f->n * sizeof(struct gx_message_key) + GX_AEAD_TAG_BYTES);
    enum gx_err err = gx_rd_finish(r);
    for (size_t i = 0; err == GX_OK && i < f->n; i++) {
        uint32_t seq = gx_frame_key_at(f, i).seq;

        if (seq < 1 || seq > GX_EVENT_SEQ_MAX)
            err = GX_E_MALFORMED;
    }
    if (err != GX_OK)
        return err;
    return f->n >= 1 && gx_dh_usable(&f->key) ? GX_OK : GX_E_MALFORMED;
}

static enum gx_err reason_read(struct gx_frame *f, struct gx_rd *r, uint8_t min, uint8_t max)
{
    f->reason = gx_rd_u8(r);
    if (f->reason < min || f->reason > max)
        return GX_E_MALFORMED;
    return gx_rd_finish(r);
}

static enum gx_err read_kind(struct gx_frame *f, struct gx_rd *r)
{
    switch ((enum gx_frame_kind)f->kind) {
    case GX_FRAME_HELLO:
        return hello_read(f, r);
    case GX_FRAME_TAGS:
        return list_fixed(f, r, TAG_BYTES, GX_FRAME_TAGS_MAX);
    case GX_FRAME_PROOF:
        return list_fixed(f, r, GX_PROOF_BYTES, GX_FRAME_GROUPS_MAX);
    case GX_FRAME_AGAIN:
        return gx_rd_finish(r);
    case GX_FRAME_HEADS:
    case GX_FRAME_ENDED:
        f->channel = gx_rd_u16(r);
        return list_fixed(f, r, ID_BYTES, GX_EVENT_DEPS_MAX);
    case GX_FRAME_FRONTIER:
        return frontier_read(f, r);
    case GX_FRAME_SUM:
        return sum_read(f, r);
    case GX_FRAME_BUCKETS:
        return buckets_read(f, r);
    case GX_FRAME_RECORDS:
        return records_read(f, r);
    case GX_FRAME_WANT:
        return want_read(f, r);
    case GX_FRAME_CHUNKS:
        return chunks_read(f, r);
    case GX_FRAME_LINK:
        return link_read(f, r);
    case GX_FRAME_ENDPOINTS:
        f->channel = gx_rd_u16(r);
        return list_endpoints(f, r);
    case GX_FRAME_GUEST:
        gx_rd_bytes(r, f->device.b, sizeof f->device.b);
        gx_rd_bytes(r, f->sig.b, sizeof f->sig.b);
        return gx_rd_finish(r);
    case GX_FRAME_PATH:
        return list_chunks(f, r);
    case GX_FRAME_BASELINE:
        f->channel = gx_rd_u16(r);
        return list_chunks(f, r);
    case GX_FRAME_JOIN:
        return request_read(f, r, GX_VIA_QR);
    case GX_FRAME_CARD:
        return card_frame_read(f, r);
    case GX_FRAME_ASK:
        f->channel = gx_rd_u16(r);
        gx_rd_bytes(r, f->mac.b, sizeof f->mac.b);
        return request_read(f, r, GX_VIA_INV);
    case GX_FRAME_DENIED:
        f->channel = gx_rd_u16(r);
        return reason_read(f, r, GX_DENY_NONE + 1, GX_DENY_COUNT - 1);
    case GX_FRAME_ASK_KEYS:
    case GX_FRAME_KEYS:
        return keys_read(f, r, f->kind == GX_FRAME_KEYS);
    case GX_FRAME_ADMITTED:
        gx_rd_bytes(r, f->event.b, sizeof f->event.b);
        return gx_rd_finish(r);
    case GX_FRAME_REFUSED:
        return reason_read(f, r, GX_DENY_NONE + 1, GX_DENY_COUNT - 1);
    case GX_FRAME_BYE:
        return reason_read(f, r, GX_BYE_DONE, GX_BYE_VERSION);
    case GX_FRAME_PING:
    case GX_FRAME_PONG:
        f->echo = gx_rd_u64(r);
        return gx_rd_finish(r);
    }
    return GX_E_MALFORMED;
}

enum gx_err gx_frame_decode(struct gx_frame *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    struct gx_frame f = {0};

    memset(out, 0, sizeof *out);
    if (bytes.n > GX_FRAME_BYTES_MAX)
        return GX_E_TOO_BIG;
    f.kind = gx_rd_u8(&r);
    enum gx_err err = read_kind(&f, &r);
    if (err == GX_OK)
        *out = f;
    return err;
}

static struct gx_rd entry(const struct gx_frame *f, size_t i, size_t size)
{
    GX_ASSERT(i < f->n && f->list.n == f->n * size);
    return gx_rd(gx_span(f->list.p + i * size, size));
}

struct gx_tag gx_frame_tag_at(const struct gx_frame *f, size_t i)
{
    struct gx_rd r = entry(f, i, TAG_BYTES);
    struct gx_tag tag;

    gx_rd_bytes(&r, tag.b, sizeof tag.b);
    return tag;
}

struct gx_proof gx_frame_proof_at(const struct gx_frame *f, size_t i)
{
    struct gx_rd r = entry(f, i, GX_PROOF_BYTES);
    struct gx_proof proof;

    proof.channel = gx_rd_u16(&r);
    gx_rd_bytes(&r, proof.tag.b, sizeof proof.tag.b);
    gx_rd_bytes(&r, proof.device.b, sizeof proof.device.b);
    gx_rd_bytes(&r, proof.sig.b, sizeof proof.sig.b);
    return proof;
}

struct gx_event_id gx_frame_head_at(const struct gx_frame *f, size_t i)
{
    struct gx_rd r = entry(f, i, ID_BYTES);
    struct gx_event_id id;

    gx_rd_bytes(&r, id.b, sizeof id.b);
    return id;
}

struct gx_frontier_entry gx_frame_frontier_at(const struct gx_frame *f, size_t i)
{
    struct gx_rd r = entry(f, i, FRONTIER_BYTES);
    struct gx_frontier_entry e;

    gx_rd_bytes(&r, e.tag.b, sizeof e.tag.b);
    e.base_seq = gx_rd_u32(&r);
    e.seq = gx_rd_u32(&r);
    gx_rd_bytes(&r, e.check, sizeof e.check);
    return e;
}

uint16_t gx_frame_channel_at(const struct gx_frame *f, size_t i)
{
    struct gx_rd r = entry(f, i, 2);

    return gx_rd_u16(&r);
}

struct gx_record_entry gx_frame_record_at(const struct gx_frame *f, size_t i)
{
    struct gx_rd r = entry(f, i, RECORD_BYTES);
    struct gx_record_entry e;

    gx_rd_bytes(&r, e.device, sizeof e.device);
    e.counter = gx_rd_u64(&r);
    gx_rd_bytes(&r, e.check, sizeof e.check);
    return e;
}

struct gx_want_entry gx_frame_want_at(const struct gx_frame *f, size_t i)
{
    struct gx_rd r = entry(f, i, WANT_BYTES);

    return want_entry_read(&r);
}

struct gx_key_entry gx_frame_key_at(const struct gx_frame *f, size_t i)
{
    struct gx_rd r = entry(f, i, GX_KEY_ENTRY_BYTES);
    struct gx_key_entry e;

    gx_rd_bytes(&r, e.tag.b, sizeof e.tag.b);
    e.seq = gx_rd_u32(&r);
    gx_rd_bytes(&r, e.check, sizeof e.check);
    return e;
}

void gx_frame_write_hello(struct gx_wr *w, const struct gx_nonce *nonce)
{
    gx_wr_u8(w, GX_FRAME_HELLO);
    gx_wr_u8(w, GX_WIRE_VERSION);
    gx_wr_bytes(w, nonce->b, sizeof nonce->b);
}

void gx_frame_write_simple(struct gx_wr *w, enum gx_frame_kind kind)
{
    GX_ASSERT(kind == GX_FRAME_AGAIN);
    gx_wr_u8(w, (uint8_t)kind);
}

void gx_frame_write_echo(struct gx_wr *w, enum gx_frame_kind kind, uint64_t echo)
{
    GX_ASSERT(kind == GX_FRAME_PING || kind == GX_FRAME_PONG);
    gx_wr_u8(w, (uint8_t)kind);
    gx_wr_u64(w, echo);
}

void gx_frame_write_reason(struct gx_wr *w, enum gx_frame_kind kind, uint8_t reason)
{
    GX_ASSERT((kind == GX_FRAME_REFUSED && reason > GX_DENY_NONE && reason < GX_DENY_COUNT) ||
              (kind == GX_FRAME_BYE && reason <= GX_BYE_VERSION));
    gx_wr_u8(w, (uint8_t)kind);
    gx_wr_u8(w, reason);
}

void gx_guest_signed_bytes(uint8_t out[GX_GUEST_SIGNED_BYTES], const struct gx_sign_pk *device, const struct gx_transcript *t)
{
    memcpy(out, device->b, sizeof device->b);
    gx_transcript_bytes(out + sizeof device->b, GX_ROLE_CLIENT, t);
}

void gx_frame_write_guest(struct gx_wr *w, const struct gx_sign_pk *device, const struct gx_sig *sig)
{
    gx_wr_u8(w, GX_FRAME_GUEST);
    gx_wr_bytes(w, device->b, sizeof device->b);
    gx_wr_bytes(w, sig->b, sizeof sig->b);
}

void gx_frame_write_join(struct gx_wr *w, const struct gx_join_request *req)
{
    gx_wr_u8(w, GX_FRAME_JOIN);
    gx_join_request_write(w, req);
}

void gx_frame_write_admitted(struct gx_wr *w, const struct gx_event_id *admit)
{
    gx_wr_u8(w, GX_FRAME_ADMITTED);
    gx_wr_bytes(w, admit->b, sizeof admit->b);
}

void gx_frame_write_card(struct gx_wr *w, const struct gx_frame *f)
{
    GX_ASSERT(f->name.n >= 1 && f->name.n <= GX_NAME_BYTES_MAX && f->create.n == GX_CREATE_EVENT_BYTES);
    gx_wr_u8(w, GX_FRAME_CARD);
    gx_card_write(w, &f->card);
    gx_wr_bytes(w, f->mac.b, sizeof f->mac.b);
    gx_wr_u16(w, (uint16_t)f->name.n);
    gx_wr_bytes(w, f->name.p, f->name.n);
    gx_wr_u16(w, (uint16_t)f->create.n);
    gx_wr_bytes(w, f->create.p, f->create.n);
    gx_endpoint_write(w, &f->endpoint);
}

void gx_frame_write_ask(struct gx_wr *w, uint16_t channel, const struct gx_reveal *mac, const struct gx_join_request *req)
{
    GX_ASSERT(req->via == GX_VIA_INV);
    gx_wr_u8(w, GX_FRAME_ASK);
    gx_wr_u16(w, channel);
    gx_wr_bytes(w, mac->b, sizeof mac->b);
    gx_join_request_write(w, req);
}

void gx_frame_write_denied(struct gx_wr *w, uint16_t channel, uint8_t reason)
{
    GX_ASSERT(reason > GX_DENY_NONE && reason < GX_DENY_COUNT);
    gx_wr_u8(w, GX_FRAME_DENIED);
    gx_wr_u16(w, channel);
    gx_wr_u8(w, reason);
}

void gx_frame_write_sum(struct gx_wr *w, uint8_t flags, const uint16_t *channels, size_t n, const uint8_t sum[GX_SUM_BYTES])
{
    GX_ASSERT(n >= 1 && n <= GX_FRAME_GROUPS_MAX && (flags & ~(unsigned)GX_SUM_ASK) == 0);
    gx_wr_u8(w, GX_FRAME_SUM);
    gx_wr_u8(w, flags);
    gx_wr_u16(w, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        gx_wr_u16(w, channels[i]);
    gx_wr_bytes(w, sum, GX_SUM_BYTES);
}

void gx_frame_write_buckets(struct gx_wr *w, uint16_t channel, uint8_t bits, const uint8_t *logs, uint8_t record_bits, const uint8_t *records)
{
    GX_ASSERT(bits <= GX_BUCKET_BITS_MAX && record_bits <= GX_BUCKET_BITS_MAX);
    gx_wr_u8(w, GX_FRAME_BUCKETS);
    gx_wr_u16(w, channel);
    gx_wr_u8(w, bits);
    gx_wr_bytes(w, logs, (size_t)GX_BUCKET_BYTES << bits);
    gx_wr_u8(w, record_bits);
    gx_wr_bytes(w, records, (size_t)GX_BUCKET_BYTES << record_bits);
}

void gx_frame_write_link(struct gx_wr *w, uint16_t channel, enum gx_link link)
{
    gx_wr_u8(w, GX_FRAME_LINK);
    gx_wr_u16(w, channel);
    gx_wr_u8(w, (uint8_t)link);
}

/* The count comes last of the fixed fields, and starts as 0. */
static struct gx_frame_list begin_list(struct gx_wr *w)
{
    struct gx_frame_list l = {.count_at = w->n};

    gx_wr_u16(w, 0);
    return l;
}

struct gx_frame_list gx_frame_begin_tags(struct gx_wr *w)
{
    gx_wr_u8(w, GX_FRAME_TAGS);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_proof(struct gx_wr *w)
{
    gx_wr_u8(w, GX_FRAME_PROOF);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_heads(struct gx_wr *w, uint16_t channel)
{
    gx_wr_u8(w, GX_FRAME_HEADS);
    gx_wr_u16(w, channel);
    return begin_list(w);
}

static void write_parts(struct gx_wr *w, enum gx_frame_kind kind, uint16_t channel, uint8_t bits, const uint8_t *mask)
{
    gx_wr_u8(w, (uint8_t)kind);
    gx_wr_u16(w, channel);
    gx_wr_u8(w, mask == NULL ? 0 : GX_OF_BUCKETS);
    if (mask != NULL) {
        GX_ASSERT(bits <= GX_BUCKET_BITS_MAX);
        gx_wr_u8(w, bits);
        gx_wr_bytes(w, mask, GX_MASK_BYTES(bits));
    }
}

struct gx_frame_list gx_frame_begin_frontier(struct gx_wr *w, uint16_t channel, uint8_t bits, const uint8_t *mask, const uint8_t *same)
{
    write_parts(w, GX_FRAME_FRONTIER, channel, bits, mask);
    if (mask != NULL)
        gx_wr_bytes(w, same, GX_SUM_BYTES);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_records(struct gx_wr *w, uint16_t channel, uint8_t bits, const uint8_t *mask)
{
    write_parts(w, GX_FRAME_RECORDS, channel, bits, mask);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_want(struct gx_wr *w, uint16_t channel, enum gx_want_kind kind, uint8_t credit)
{
    GX_ASSERT(credit >= 1 && credit <= GX_WANT_CHUNKS_MAX);
    gx_wr_u8(w, GX_FRAME_WANT);
    gx_wr_u16(w, channel);
    gx_wr_u8(w, (uint8_t)kind);
    gx_wr_u8(w, credit);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_chunks(struct gx_wr *w, uint16_t channel, uint8_t flags)
{
    GX_ASSERT((flags & ~(unsigned)(GX_CHUNKS_PUSH | GX_CHUNKS_LAST)) == 0);
    gx_wr_u8(w, GX_FRAME_CHUNKS);
    gx_wr_u16(w, channel);
    gx_wr_u8(w, flags);
    return begin_list(w);
}

void gx_frame_chunks_on(uint8_t *room, const struct gx_want_entry *on)
{
    struct gx_wr w = gx_wr(room + CHUNKS_FIXED_BYTES, WANT_BYTES);

    static_assert(GX_CHUNKS_ON_BYTES == WANT_BYTES, "where to go on is said as it is asked");
    memcpy(room, room + GX_CHUNKS_ON_BYTES, CHUNKS_FIXED_BYTES);
    room[CHUNKS_FIXED_BYTES - 1] |= GX_CHUNKS_ON;
    want_entry_write(&w, on);
}

struct gx_frame_list gx_frame_begin_endpoints(struct gx_wr *w, uint16_t channel)
{
    gx_wr_u8(w, GX_FRAME_ENDPOINTS);
    gx_wr_u16(w, channel);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_path(struct gx_wr *w)
{
    gx_wr_u8(w, GX_FRAME_PATH);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_baseline(struct gx_wr *w, uint16_t channel)
{
    gx_wr_u8(w, GX_FRAME_BASELINE);
    gx_wr_u16(w, channel);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_ended(struct gx_wr *w, uint16_t channel)
{
    gx_wr_u8(w, GX_FRAME_ENDED);
    gx_wr_u16(w, channel);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_ask_keys(struct gx_wr *w, uint16_t channel, const struct gx_dh_pk *p)
{
    gx_wr_u8(w, GX_FRAME_ASK_KEYS);
    gx_wr_u16(w, channel);
    gx_wr_bytes(w, p->b, sizeof p->b);
    return begin_list(w);
}

struct gx_frame_list gx_frame_begin_keys(struct gx_wr *w, uint16_t channel, const struct gx_dh_pk *x)
{
    gx_wr_u8(w, GX_FRAME_KEYS);
    gx_wr_u16(w, channel);
    gx_wr_bytes(w, x->b, sizeof x->b);
    return begin_list(w);
}

static void count_one(struct gx_frame_list *l)
{
    GX_ASSERT(l->n < UINT16_MAX);
    l->n++;
}

void gx_frame_put_key(struct gx_wr *w, struct gx_frame_list *l, const struct gx_key_entry *e)
{
    count_one(l);
    gx_wr_bytes(w, e->tag.b, sizeof e->tag.b);
    gx_wr_u32(w, e->seq);
    gx_wr_bytes(w, e->check, sizeof e->check);
}

void gx_frame_put_tag(struct gx_wr *w, struct gx_frame_list *l, const struct gx_tag *tag)
{
    count_one(l);
    gx_wr_bytes(w, tag->b, sizeof tag->b);
}

void gx_frame_put_proof(struct gx_wr *w, struct gx_frame_list *l, const struct gx_proof *proof)
{
    count_one(l);
    gx_wr_u16(w, proof->channel);
    gx_wr_bytes(w, proof->tag.b, sizeof proof->tag.b);
    gx_wr_bytes(w, proof->device.b, sizeof proof->device.b);
    gx_wr_bytes(w, proof->sig.b, sizeof proof->sig.b);
}

void gx_frame_put_id(struct gx_wr *w, struct gx_frame_list *l, const struct gx_event_id *id)
{
    count_one(l);
    gx_wr_bytes(w, id->b, sizeof id->b);
}

void gx_frame_put_frontier(struct gx_wr *w, struct gx_frame_list *l, const struct gx_frontier_entry *e)
{
    count_one(l);
    gx_wr_bytes(w, e->tag.b, sizeof e->tag.b);
    gx_wr_u32(w, e->base_seq);
    gx_wr_u32(w, e->seq);
    gx_wr_bytes(w, e->check, sizeof e->check);
}

void gx_frame_put_record(struct gx_wr *w, struct gx_frame_list *l, const struct gx_record_entry *e)
{
    count_one(l);
    gx_wr_bytes(w, e->device, sizeof e->device);
    gx_wr_u64(w, e->counter);
    gx_wr_bytes(w, e->check, sizeof e->check);
}

void gx_frame_put_want(struct gx_wr *w, struct gx_frame_list *l, const struct gx_want_entry *e)
{
    count_one(l);
    want_entry_write(w, e);
}

void gx_frame_put_chunk(struct gx_wr *w, struct gx_frame_list *l, struct gx_span chunk)
{
    GX_ASSERT(chunk.n <= GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX);
    count_one(l);
    gx_wr_u32(w, (uint32_t)chunk.n);
    gx_wr_bytes(w, chunk.p, chunk.n);
}

void gx_frame_put_endpoint(struct gx_wr *w, struct gx_frame_list *l, const struct gx_endpoint *e)
{
    count_one(l);
    gx_endpoint_write(w, e);
}

void gx_frame_end(struct gx_wr *w, const struct gx_frame_list *l)
{
    gx_wr_patch_u16(w, l->count_at, l->n);
}
