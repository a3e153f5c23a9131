#include "proto/bodies.h"

#include "proto/utf8.h"

/* Fields of a text, WIRE §4.9, and of an invitation, WIRE §4.14. */
enum text_field { TEXT_FIELD_TEXT = 1, TEXT_FIELD_REPLY = 2 };
enum invite_field { INVITE_FIELD_CREATE = 1, INVITE_FIELD_TITLE = 2 };

#define TEXT_PLAIN_MAX (8u + 3u + GX_TEXT_BYTES_MAX + 3u + 32u)

static_assert(GX_SEALED_BYTES((TEXT_PLAIN_MAX / 1024u + 1u) * 1024u) <= GX_EVENT_BODY_MAX, "the longest text with a reply fits a body");
static_assert(GX_EPOCH_BODY_BYTES(GX_EPOCH_SLOTS_MAX) <= GX_EVENT_BODY_MAX, "an EPOCH for all devices fits a body");
static_assert(GX_CREATE_EVENT_BYTES == GX_EVENT_HDR0_BYTES(0) + 32u + 64u + 8u + GX_INTRO_BYTES, "a CREATE in full form, which has no deps");
static_assert(GX_JOIN_REQUEST_MAX <= GX_EVENT_BODY_MAX, "the longest join request fits an ADMIT");

void gx_intro_write(struct gx_wr *w, const struct gx_intro *intro)
{
    gx_wr_bytes(w, intro->e.b, sizeof intro->e.b);
    gx_wr_bytes(w, intro->member.b, sizeof intro->member.b);
    gx_wr_bytes(w, intro->device.b, sizeof intro->device.b);
    gx_wr_bytes(w, intro->cert.b, sizeof intro->cert.b);
    gx_wr_bytes(w, intro->incarnation.b, sizeof intro->incarnation.b);
    gx_wr_bytes(w, intro->prekey.b, sizeof intro->prekey.b);
}

void gx_intro_read(struct gx_rd *r, struct gx_intro *out)
{
    gx_rd_bytes(r, out->e.b, sizeof out->e.b);
    gx_rd_bytes(r, out->member.b, sizeof out->member.b);
    gx_rd_bytes(r, out->device.b, sizeof out->device.b);
    gx_rd_bytes(r, out->cert.b, sizeof out->cert.b);
    gx_rd_bytes(r, out->incarnation.b, sizeof out->incarnation.b);
    gx_rd_bytes(r, out->prekey.b, sizeof out->prekey.b);
    /* KEYS §4: one low-order prekey would stop every rekey. */
    if (!r->failed && (!gx_dh_usable(&out->e) || !gx_dh_usable(&out->prekey)))
        gx_rd_fail(r);
}

void gx_join_request_write_signed(struct gx_wr *w, const struct gx_join_request *req)
{
    gx_wr_bytes(w, req->group.b, sizeof req->group.b);
    gx_wr_u8(w, req->via);
    gx_wr_bytes(w, req->via == GX_VIA_INV ? req->inviter.b : req->token.b, 32);
    gx_wr_u8(w, req->n_heads);
    gx_wr_bytes(w, req->heads, 32 * (size_t)req->n_heads);
    gx_intro_write(w, &req->joiner);
}

void gx_join_request_write(struct gx_wr *w, const struct gx_join_request *req)
{
    gx_join_request_write_signed(w, req);
    gx_wr_bytes(w, req->device_sig.b, sizeof req->device_sig.b);
    if (req->via == GX_VIA_QR)
        gx_wr_bytes(w, req->token_sig.b, sizeof req->token_sig.b);
}

/* Entries of `size` bytes whose first `key` bytes ascend strictly: a set has one encoding. */
static bool ascending(struct gx_span list, size_t size, size_t key)
{
    for (size_t at = size; at + size <= list.n; at += size)
        if (memcmp(list.p + at - size, list.p + at, key) >= 0)
            return false;
    return true;
}

enum gx_err gx_join_request_decode(struct gx_join_request *out, struct gx_span bytes)
{
    struct gx_rd r = gx_rd(bytes);
    struct gx_join_request req = {0};

    memset(out, 0, sizeof *out);
    if (bytes.n > GX_JOIN_REQUEST_MAX)
        return GX_E_TOO_BIG;
    gx_rd_bytes(&r, req.group.b, sizeof req.group.b);
    req.via = gx_rd_u8(&r);
    gx_rd_bytes(&r, req.via == GX_VIA_INV ? req.inviter.b : req.token.b, 32);
    req.n_heads = gx_rd_u8(&r);
    if (r.failed || (req.via != GX_VIA_QR && req.via != GX_VIA_INV))
        return GX_E_MALFORMED;
    /* The length follows from the way and the count: known before any key is looked at. */
    if (bytes.n != GX_JOIN_REQUEST_BYTES(req.via, req.n_heads))
        return GX_E_MALFORMED;

    struct gx_span heads = gx_rd_span(&r, 32 * (size_t)req.n_heads);
    req.heads = heads.p;
    if (!ascending(heads, 32, 32))
        return GX_E_MALFORMED;
    gx_intro_read(&r, &req.joiner);
    gx_rd_bytes(&r, req.device_sig.b, sizeof req.device_sig.b);
    if (req.via == GX_VIA_QR)
        gx_rd_bytes(&r, req.token_sig.b, sizeof req.token_sig.b);
    enum gx_err err = gx_rd_finish(&r);
    if (err == GX_OK)
        *out = req;
    return err;
}

void gx_cut_read(struct gx_cut *out, struct gx_span cuts, size_t i)
{
    GX_ASSERT(i < cuts.n / GX_CUT_BYTES);
    struct gx_rd r = gx_rd(gx_span(cuts.p + i * GX_CUT_BYTES, GX_CUT_BYTES));

    gx_rd_bytes(&r, out->log.b, sizeof out->log.b);
    out->seq = gx_rd_u32(&r);
    gx_rd_bytes(&r, out->id.b, sizeof out->id.b);
}

void gx_cut_write(struct gx_wr *w, const struct gx_cut *cut)
{
    gx_wr_bytes(w, cut->log.b, sizeof cut->log.b);
    gx_wr_u32(w, cut->seq);
    gx_wr_bytes(w, cut->id.b, sizeof cut->id.b);
}

/* Values that a later version may give a meaning are GX_E_VERSION, values that none may have are GX_E_MALFORMED. */
static enum gx_err rules_check(const struct gx_rules *rules)
{
    if (rules->rule_version != GX_RULE_VERSION || rules->kind > GX_GROUP_DIRECT)
        return GX_E_VERSION;
    if (rules->kind == GX_GROUP_DIRECT)
        return rules->cap == 2 && rules->qr_max == 0 && rules->history == 0 ? GX_OK : GX_E_MALFORMED;
    if (rules->cap < 1 || rules->cap > GX_GROUP_MEMBERS_MAX || rules->history > GX_GROUP_HISTORY_MAX)
        return GX_E_MALFORMED;
    return rules->qr_max > GX_GROUP_QR_JOIN_MAX || rules->qr_max > rules->cap ? GX_E_MALFORMED : GX_OK;
}

static enum gx_err create_decode(struct gx_body_create *out, struct gx_rd *r)
{
    out->rules.rule_version = gx_rd_u8(r);
    out->rules.kind = gx_rd_u8(r);
    out->rules.cap = gx_rd_u16(r);
    out->rules.qr_max = gx_rd_u16(r);
    out->rules.history = gx_rd_u16(r);
    if (r->failed)
        return GX_E_MALFORMED;
    enum gx_err err = rules_check(&out->rules);
    if (err != GX_OK)
        return err;
    if (r->left != GX_INTRO_BYTES)
        return GX_E_MALFORMED;
    gx_intro_read(r, &out->founder);
    return gx_rd_finish(r);
}

static enum gx_err admit_decode(struct gx_body_admit *out, struct gx_rd *r, const struct gx_group_id *group)
{
    out->request_bytes = gx_rd_rest(r);
    enum gx_err err = gx_join_request_decode(&out->request, out->request_bytes);
    if (err != GX_OK)
        return err;
    /* A request copied out of another group. */
    return gx_group_id_equal(&out->request.group, group) ? GX_OK : GX_E_MALFORMED;
}

/* The end of a LEAVE, REMOVE or BAN. */
static enum gx_err cuts_decode(uint16_t *n_cuts, struct gx_span *cuts, struct gx_rd *r)
{
    *n_cuts = gx_rd_u16(r);
    *cuts = gx_rd_span(r, GX_CUT_BYTES * (size_t)*n_cuts);
    enum gx_err err = gx_rd_finish(r);
    if (err != GX_OK)
        return err;
    for (size_t i = 0; i < *n_cuts; i++) {
        struct gx_cut cut;
        gx_cut_read(&cut, *cuts, i);
        /* A log cut at 0 is one that is not listed. */
        if (cut.seq == 0 || cut.seq > GX_EVENT_SEQ_MAX)
            return GX_E_MALFORMED;
    }
    return ascending(*cuts, GX_CUT_BYTES, sizeof(struct gx_log_id)) ? GX_OK : GX_E_MALFORMED;
}

static enum gx_err removal_decode(struct gx_body_removal *out, struct gx_rd *r)
{
    gx_rd_bytes(r, out->target.b, sizeof out->target.b);
    return cuts_decode(&out->n_cuts, &out->cuts, r);
}

static enum gx_err target_decode(struct gx_body_target *out, struct gx_rd *r)
{
    gx_rd_bytes(r, out->target.b, sizeof out->target.b);
    return gx_rd_finish(r);
}

/* Names are short and messages are not; longer than they can be is longer than what may be in it. */
static size_t sealed_max(uint8_t type)
{
    switch (type) {
    case GX_EV_TOKEN:
        return gx_sealed_padded(sizeof(struct gx_invite_lan_key));
    case GX_EV_ALIAS:
    case GX_EV_META:
        return gx_sealed_padded(2u + GX_NAME_BYTES_MAX);
    default:
        return gx_sealed_padded(TEXT_PLAIN_MAX);
    }
}

static enum gx_err sealed_decode(struct gx_body_sealed *out, struct gx_rd *r, uint8_t type)
{
    gx_rd_bytes(r, out->head.epoch, sizeof out->head.epoch);
    out->head.n = gx_rd_u32(r);
    gx_rd_bytes(r, out->head.nonce.b, sizeof out->head.nonce.b);
    gx_rd_bytes(r, out->head.commit, sizeof out->head.commit);
    out->sealed = gx_rd_rest(r);
    if (r->failed || out->head.n >= GX_CHAIN_MAX || out->sealed.n <= GX_AEAD_TAG_BYTES)
        return GX_E_MALFORMED;

    size_t padded = out->sealed.n - GX_AEAD_TAG_BYTES;

    if (padded > sealed_max(type))
        return GX_E_TOO_BIG;
    /* The least length that is longer than a text of one byte less than it is itself. */
    return gx_sealed_padded(padded - 1) == padded ? GX_OK : GX_E_MALFORMED;
}

static void sealed_encode(struct gx_wr *w, const struct gx_body_sealed *sealed)
{
    GX_ASSERT(sealed->head.n < GX_CHAIN_MAX && sealed->sealed.n > GX_AEAD_TAG_BYTES);
    gx_wr_bytes(w, sealed->head.epoch, sizeof sealed->head.epoch);
    gx_wr_u32(w, sealed->head.n);
    gx_wr_bytes(w, sealed->head.nonce.b, sizeof sealed->head.nonce.b);
    gx_wr_bytes(w, sealed->head.commit, sizeof sealed->head.commit);
    gx_wr_bytes(w, sealed->sealed.p, sealed->sealed.n);
}

static enum gx_err epoch_decode(struct gx_body_epoch *out, struct gx_rd *r)
{
    gx_rd_bytes(r, out->head.x.b, sizeof out->head.x.b);
    gx_rd_bytes(r, out->head.conf, sizeof out->head.conf);
    gx_rd_bytes(r, out->head.prekey.b, sizeof out->head.prekey.b);
    out->n = gx_rd_u16(r);
    if (!r->failed && out->n > GX_EPOCH_SLOTS_MAX)
        return GX_E_TOO_BIG;
    out->slots = gx_rd_span(r, GX_EPOCH_SLOT_BYTES * (size_t)out->n);
    enum gx_err err = gx_rd_finish(r);
    if (err != GX_OK)
        return err;
    return out->n >= 1 && ascending(out->slots, GX_EPOCH_SLOT_BYTES, GX_EPOCH_LOG_BYTES) && gx_dh_usable(&out->head.x) && gx_dh_usable(&out->head.prekey)
               ? GX_OK
               : GX_E_MALFORMED;
}

static void epoch_encode(struct gx_wr *w, const struct gx_body_epoch *epoch)
{
    GX_ASSERT(epoch->n >= 1 && epoch->n <= GX_EPOCH_SLOTS_MAX && epoch->slots.n == GX_EPOCH_SLOT_BYTES * (size_t)epoch->n);
    gx_wr_bytes(w, epoch->head.x.b, sizeof epoch->head.x.b);
    gx_wr_bytes(w, epoch->head.conf, sizeof epoch->head.conf);
    gx_wr_bytes(w, epoch->head.prekey.b, sizeof epoch->head.prekey.b);
    gx_wr_u16(w, epoch->n);
    gx_wr_bytes(w, epoch->slots.p, epoch->slots.n);
}

static enum gx_err prekey_decode(struct gx_body_prekey *out, struct gx_rd *r)
{
    gx_rd_bytes(r, out->prekey.b, sizeof out->prekey.b);
    gx_rd_bytes(r, out->epoch.b, sizeof out->epoch.b);
    enum gx_err err = gx_rd_finish(r);
    if (err != GX_OK)
        return err;
    return gx_dh_usable(&out->prekey) ? GX_OK : GX_E_MALFORMED;
}

static enum gx_err token_decode(struct gx_body_token *out, struct gx_rd *r)
{
    gx_rd_bytes(r, out->token_pk.b, sizeof out->token_pk.b);
    out->expires_min = gx_rd_u24(r);
    out->uses = gx_rd_u8(r);
    return sealed_decode(&out->sealed, r, GX_EV_TOKEN);
}

static enum gx_err revoke_decode(struct gx_body_revoke *out, struct gx_rd *r)
{
    out->what = gx_rd_u8(r);
    if (out->what > GX_REVOKE_MEMBER)
        return GX_E_VERSION;
    if (out->what == GX_REVOKE_TOKEN)
        gx_rd_bytes(r, out->token.b, sizeof out->token.b);
    else if (out->what == GX_REVOKE_MEMBER)
        gx_rd_bytes(r, out->member.b, sizeof out->member.b);
    else
        return GX_E_MALFORMED;
    return gx_rd_finish(r);
}

void gx_accept_signed_bytes(uint8_t out[GX_ACCEPT_SIGNED_BYTES], const struct gx_group_id *group, const struct gx_event_id *offer,
                            const struct gx_sign_pk *target, const struct gx_sign_pk *device)
{
    struct gx_wr w = gx_wr(out, GX_ACCEPT_SIGNED_BYTES);

    gx_wr_bytes(&w, group->b, sizeof group->b);
    gx_wr_bytes(&w, offer->b, sizeof offer->b);
    gx_wr_bytes(&w, target->b, sizeof target->b);
    gx_wr_bytes(&w, device->b, sizeof device->b);
    GX_ASSERT(!w.failed && w.n == GX_ACCEPT_SIGNED_BYTES);
}

static enum gx_err transfer_decode(struct gx_body_transfer *out, struct gx_rd *r)
{
    gx_rd_bytes(r, out->target.b, sizeof out->target.b);
    gx_rd_bytes(r, out->device.b, sizeof out->device.b);
    gx_rd_bytes(r, out->offer.b, sizeof out->offer.b);
    gx_rd_bytes(r, out->sig.b, sizeof out->sig.b);
    return gx_rd_finish(r);
}

static enum gx_err accept_decode(struct gx_body_accept *out, struct gx_rd *r)
{
    out->answer = gx_rd_u8(r);
    if (out->answer > GX_ACCEPT_YES)
        return GX_E_MALFORMED;
    gx_rd_bytes(r, out->offer.b, sizeof out->offer.b);
    if (out->answer == GX_ACCEPT_YES)
        gx_rd_bytes(r, out->sig.b, sizeof out->sig.b);
    return gx_rd_finish(r);
}

static enum gx_err name_decode(struct gx_span *out, struct gx_rd *r, size_t min)
{
    uint16_t len = gx_rd_u16(r);

    if (!r->failed && len > GX_NAME_BYTES_MAX)
        return GX_E_TOO_BIG;
    *out = gx_rd_span(r, len);
    enum gx_err err = gx_rd_finish(r);
    if (err != GX_OK)
        return err;
    return out->n >= min && gx_utf8_ok(*out) ? GX_OK : GX_E_MALFORMED;
}

static enum gx_err incarnation_decode(struct gx_body_incarnation *out, struct gx_rd *r)
{
    gx_rd_bytes(r, out->member.b, sizeof out->member.b);
    gx_rd_bytes(r, out->device.b, sizeof out->device.b);
    gx_rd_bytes(r, out->incarnation.b, sizeof out->incarnation.b);
    return gx_rd_finish(r);
}

static enum gx_err text_field(void *ctx, uint8_t tag, struct gx_span value)
{
    struct gx_body_text *out = ctx;

    if (tag == TEXT_FIELD_TEXT) {
        if (value.n > GX_TEXT_BYTES_MAX)
            return GX_E_TOO_BIG;
        out->text = value;
        return value.n >= 1 && gx_utf8_ok(value) ? GX_OK : GX_E_MALFORMED;
    }
    if (tag == TEXT_FIELD_REPLY) {
        if (value.n != sizeof out->reply.b)
            return GX_E_MALFORMED;
        memcpy(out->reply.b, value.p, sizeof out->reply.b);
        out->has_reply = true;
    }
    return GX_OK;        /* WIRE §4.9: "a field with an unknown tag is skipped" */
}

static enum gx_err invite_field(void *ctx, uint8_t tag, struct gx_span value)
{
    struct gx_body_invite *out = ctx;

    if (tag == INVITE_FIELD_CREATE) {
        struct gx_event create;

        if (value.n != GX_CREATE_EVENT_BYTES)
            return GX_E_MALFORMED;
        out->create = value;
        enum gx_err err = gx_event_decode(&create, value);
        if (err != GX_OK)
            return err;
        return create.type == GX_EV_CREATE ? GX_OK : GX_E_MALFORMED;
    }
    if (tag == INVITE_FIELD_TITLE) {
        if (value.n > GX_NAME_BYTES_MAX)
            return GX_E_TOO_BIG;
        out->title = value;
        return value.n >= 1 && gx_utf8_ok(value) ? GX_OK : GX_E_MALFORMED;
    }
    return GX_OK;
}

/* No field has a meaning yet. */
static enum gx_err reveal_field(void *ctx, uint8_t tag, struct gx_span value)
{
    (void)ctx;
    (void)tag;
    (void)value;
    return GX_OK;
}

/* The rest of a message's body. */
static enum gx_err fields_decode(struct gx_rd *r, enum gx_err (*field)(void *ctx, uint8_t tag, struct gx_span value), void *ctx)
{
    int last_tag = -1;

    while (!r->failed && r->left > 0) {
        uint8_t tag = gx_rd_u8(r);
        struct gx_span value = gx_rd_span(r, gx_rd_u16(r));

        if (r->failed || tag <= last_tag)
            return GX_E_MALFORMED;
        last_tag = tag;
        enum gx_err err = field(ctx, tag, value);
        if (err != GX_OK)
            return err;
    }
    return gx_rd_finish(r);
}

static enum gx_err text_decode(struct gx_body_text *out, struct gx_rd *r)
{
    out->wall_ms = gx_rd_u64(r);
    enum gx_err err = fields_decode(r, text_field, out);
    if (err != GX_OK)
        return err;
    return out->text.n >= 1 ? GX_OK : GX_E_MALFORMED;
}

static enum gx_err invite_decode(struct gx_body_invite *out, struct gx_rd *r)
{
    out->wall_ms = gx_rd_u64(r);
    gx_rd_bytes(r, out->inviter.b, sizeof out->inviter.b);
    enum gx_err err = fields_decode(r, invite_field, out);
    if (err != GX_OK)
        return err;
    return out->create.n >= 1 ? GX_OK : GX_E_MALFORMED;
}

static enum gx_err reveal_decode(struct gx_body_reveal *out, struct gx_rd *r)
{
    out->wall_ms = gx_rd_u64(r);
    gx_rd_bytes(r, out->group.b, sizeof out->group.b);
    gx_rd_bytes(r, out->member.b, sizeof out->member.b);
    gx_rd_bytes(r, out->mac.b, sizeof out->mac.b);
    return fields_decode(r, reveal_field, out);
}

enum gx_err gx_body_decode(struct gx_body *out, const struct gx_event *ev)
{
    struct gx_rd r = gx_rd(ev->body);

    memset(out, 0, sizeof *out);
    out->type = ev->type;
    if (ev->body.p == NULL && ev->body_len > 0)
        return GX_E_ABSENT;
    switch ((enum gx_event_type)ev->type) {
    case GX_EV_CREATE:
        return create_decode(&out->u.create, &r);
    case GX_EV_ADMIT:
        return admit_decode(&out->u.admit, &r, &ev->group);
    case GX_EV_LEAVE:
        return cuts_decode(&out->u.leave.n_cuts, &out->u.leave.cuts, &r);
    case GX_EV_REMOVE:
    case GX_EV_BAN:
        return removal_decode(&out->u.removal, &r);
    case GX_EV_UNBAN:
    case GX_EV_PROMOTE:
    case GX_EV_DEMOTE:
    case GX_EV_OFFER:
        return target_decode(&out->u.target, &r);
    case GX_EV_TOKEN:
        return token_decode(&out->u.token, &r);
    case GX_EV_REVOKE:
        return revoke_decode(&out->u.revoke, &r);
    case GX_EV_TRANSFER:
        return transfer_decode(&out->u.transfer, &r);
    case GX_EV_CHECKPOINT:
        return gx_rd_finish(&r);
    case GX_EV_INCARNATION:
        return incarnation_decode(&out->u.incarnation, &r);
    case GX_EV_ACCEPT:
        return accept_decode(&out->u.accept, &r);
    case GX_EV_EPOCH:
        return epoch_decode(&out->u.epoch, &r);
    case GX_EV_PREKEY:
        return prekey_decode(&out->u.prekey, &r);
    case GX_EV_ALIAS:
    case GX_EV_META:
    case GX_EV_TEXT:
    case GX_EV_INVITE:
    case GX_EV_REVEAL:
        return sealed_decode(&out->u.sealed, &r, ev->type);
    }
    return GX_E_VERSION;
}

const struct gx_body_sealed *gx_body_sealed(const struct gx_body *body)
{
    GX_ASSERT(gx_event_is_sealed(body->type));
    return body->type == GX_EV_TOKEN ? &body->u.token.sealed : &body->u.sealed;
}

enum gx_err gx_plain_decode(struct gx_body *out, uint8_t type, struct gx_span plain)
{
    struct gx_rd r = gx_rd(plain);

    GX_ASSERT(gx_event_is_sealed(type));
    memset(out, 0, sizeof *out);
    out->type = type;
    switch (type) {
    case GX_EV_ALIAS:
        return name_decode(&out->u.alias.name, &r, 0);
    case GX_EV_META:
        return name_decode(&out->u.meta.name, &r, 1);
    case GX_EV_TEXT:
        return text_decode(&out->u.text, &r);
    case GX_EV_INVITE:
        return invite_decode(&out->u.invite, &r);
    case GX_EV_REVEAL:
        return reveal_decode(&out->u.reveal, &r);
    default:            /* TOKEN */
        gx_rd_bytes(&r, out->u.token.lan.b, sizeof out->u.token.lan.b);
        return gx_rd_finish(&r);
    }
}

static void create_encode(struct gx_wr *w, const struct gx_body_create *create)
{
    gx_wr_u8(w, create->rules.rule_version);
    gx_wr_u8(w, create->rules.kind);
    gx_wr_u16(w, create->rules.cap);
    gx_wr_u16(w, create->rules.qr_max);
    gx_wr_u16(w, create->rules.history);
    gx_intro_write(w, &create->founder);
}

static void cuts_encode(struct gx_wr *w, uint16_t n_cuts, struct gx_span cuts)
{
    GX_ASSERT(cuts.n == GX_CUT_BYTES * (size_t)n_cuts);
    gx_wr_u16(w, n_cuts);
    gx_wr_bytes(w, cuts.p, cuts.n);
}

static void revoke_encode(struct gx_wr *w, const struct gx_body_revoke *revoke)
{
    GX_ASSERT(revoke->what == GX_REVOKE_TOKEN || revoke->what == GX_REVOKE_MEMBER);
    gx_wr_u8(w, revoke->what);
    if (revoke->what == GX_REVOKE_TOKEN)
        gx_wr_bytes(w, revoke->token.b, sizeof revoke->token.b);
    else
        gx_wr_bytes(w, revoke->member.b, sizeof revoke->member.b);
}

static void transfer_encode(struct gx_wr *w, const struct gx_body_transfer *transfer)
{
    gx_wr_bytes(w, transfer->target.b, sizeof transfer->target.b);
    gx_wr_bytes(w, transfer->device.b, sizeof transfer->device.b);
    gx_wr_bytes(w, transfer->offer.b, sizeof transfer->offer.b);
    gx_wr_bytes(w, transfer->sig.b, sizeof transfer->sig.b);
}

static void accept_encode(struct gx_wr *w, const struct gx_body_accept *accept)
{
    GX_ASSERT(accept->answer <= GX_ACCEPT_YES);
    gx_wr_u8(w, accept->answer);
    gx_wr_bytes(w, accept->offer.b, sizeof accept->offer.b);
    if (accept->answer == GX_ACCEPT_YES)
        gx_wr_bytes(w, accept->sig.b, sizeof accept->sig.b);
}

static void name_encode(struct gx_wr *w, struct gx_span name)
{
    GX_ASSERT(name.n <= GX_NAME_BYTES_MAX);
    gx_wr_u16(w, (uint16_t)name.n);
    gx_wr_bytes(w, name.p, name.n);
}

static void field_encode(struct gx_wr *w, uint8_t tag, struct gx_span value)
{
    gx_wr_u8(w, tag);
    gx_wr_u16(w, (uint16_t)value.n);
    gx_wr_bytes(w, value.p, value.n);
}

static void text_encode(struct gx_wr *w, const struct gx_body_text *text)
{
    GX_ASSERT(text->text.n >= 1 && text->text.n <= GX_TEXT_BYTES_MAX);
    gx_wr_u64(w, text->wall_ms);
    field_encode(w, TEXT_FIELD_TEXT, text->text);
    if (text->has_reply)
        field_encode(w, TEXT_FIELD_REPLY, gx_span(text->reply.b, sizeof text->reply.b));
}

static void invite_encode(struct gx_wr *w, const struct gx_body_invite *invite)
{
    GX_ASSERT(invite->create.n == GX_CREATE_EVENT_BYTES);
    gx_wr_u64(w, invite->wall_ms);
    gx_wr_bytes(w, invite->inviter.b, sizeof invite->inviter.b);
    field_encode(w, INVITE_FIELD_CREATE, invite->create);
    if (invite->title.p != NULL) {
        GX_ASSERT(invite->title.n >= 1 && invite->title.n <= GX_NAME_BYTES_MAX);
        field_encode(w, INVITE_FIELD_TITLE, invite->title);
    }
}

static void reveal_encode(struct gx_wr *w, const struct gx_body_reveal *reveal)
{
    gx_wr_u64(w, reveal->wall_ms);
    gx_wr_bytes(w, reveal->group.b, sizeof reveal->group.b);
    gx_wr_bytes(w, reveal->member.b, sizeof reveal->member.b);
    gx_wr_bytes(w, reveal->mac.b, sizeof reveal->mac.b);
}

void gx_body_encode(struct gx_wr *w, const struct gx_body *body)
{
    switch ((enum gx_event_type)body->type) {
    case GX_EV_CREATE:
        create_encode(w, &body->u.create);
        return;
    case GX_EV_ADMIT:
        gx_wr_bytes(w, body->u.admit.request_bytes.p, body->u.admit.request_bytes.n);
        return;
    case GX_EV_LEAVE:
        cuts_encode(w, body->u.leave.n_cuts, body->u.leave.cuts);
        return;
    case GX_EV_REMOVE:
    case GX_EV_BAN:
        gx_wr_bytes(w, body->u.removal.target.b, sizeof body->u.removal.target.b);
        cuts_encode(w, body->u.removal.n_cuts, body->u.removal.cuts);
        return;
    case GX_EV_UNBAN:
    case GX_EV_PROMOTE:
    case GX_EV_DEMOTE:
    case GX_EV_OFFER:
        gx_wr_bytes(w, body->u.target.target.b, sizeof body->u.target.target.b);
        return;
    case GX_EV_TOKEN:
        gx_wr_bytes(w, body->u.token.token_pk.b, sizeof body->u.token.token_pk.b);
        gx_wr_u24(w, body->u.token.expires_min);
        gx_wr_u8(w, body->u.token.uses);
        sealed_encode(w, &body->u.token.sealed);
        return;
    case GX_EV_REVOKE:
        revoke_encode(w, &body->u.revoke);
        return;
    case GX_EV_TRANSFER:
        transfer_encode(w, &body->u.transfer);
        return;
    case GX_EV_CHECKPOINT:
        return;
    case GX_EV_ACCEPT:
        accept_encode(w, &body->u.accept);
        return;
    case GX_EV_EPOCH:
        epoch_encode(w, &body->u.epoch);
        return;
    case GX_EV_PREKEY:
        gx_wr_bytes(w, body->u.prekey.prekey.b, sizeof body->u.prekey.prekey.b);
        gx_wr_bytes(w, body->u.prekey.epoch.b, sizeof body->u.prekey.epoch.b);
        return;
    case GX_EV_ALIAS:
    case GX_EV_META:
    case GX_EV_TEXT:
    case GX_EV_INVITE:
    case GX_EV_REVEAL:
        sealed_encode(w, &body->u.sealed);
        return;
    case GX_EV_INCARNATION:
        gx_wr_bytes(w, body->u.incarnation.member.b, sizeof body->u.incarnation.member.b);
        gx_wr_bytes(w, body->u.incarnation.device.b, sizeof body->u.incarnation.device.b);
        gx_wr_bytes(w, body->u.incarnation.incarnation.b, sizeof body->u.incarnation.incarnation.b);
        return;
    }
    GX_ASSERT(!"a type of body that is not in the list");
}

void gx_plain_encode(struct gx_wr *w, const struct gx_body *body)
{
    GX_ASSERT(gx_event_is_sealed(body->type));
    switch (body->type) {
    case GX_EV_ALIAS:
        name_encode(w, body->u.alias.name);
        return;
    case GX_EV_META:
        name_encode(w, body->u.meta.name);
        return;
    case GX_EV_TEXT:
        text_encode(w, &body->u.text);
        return;
    case GX_EV_INVITE:
        invite_encode(w, &body->u.invite);
        return;
    case GX_EV_REVEAL:
        reveal_encode(w, &body->u.reveal);
        return;
    default:            /* TOKEN */
        gx_wr_bytes(w, body->u.token.lan.b, sizeof body->u.token.lan.b);
    }
}
