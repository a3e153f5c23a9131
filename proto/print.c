#include "proto/print.h"

#include "proto/utf8.h"

#include <stdarg.h>
#include <stdio.h>

/* A line that grows at its end and is cut where it does not fit. */
struct line {
    char *p;
    size_t cap, n;
};

static struct line line_begin(char *out, size_t cap)
{
    GX_ASSERT(cap >= 1);
    out[0] = 0;
    return (struct line){.p = out, .cap = cap};
}

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(l->p + l->n, l->cap - l->n, format, args);
    va_end(args);
    GX_ASSERT(n >= 0);
    l->n = (size_t)n < l->cap - l->n ? l->n + (size_t)n : l->cap - 1;
}

/* " name=0123456789abcdef": 8 bytes tell things apart. */
static void add_id(struct line *l, const char *name, const uint8_t *p)
{
    char hex[GX_HEX_BYTES(8)];

    gx_hex(hex, p, 8);
    add(l, " %s=%s", name, hex);
}

static void add_text(struct line *l, const char *name, struct gx_span text)
{
    add(l, " %s=\"", name);
    l->n += gx_utf8_show(l->p + l->n, l->cap - l->n, text, false);
    add(l, "\"");
}

static void add_sealed(struct line *l, const struct gx_body_sealed *sealed)
{
    add_id(l, "epoch", sealed->head.epoch);
    add(l, " n=%u sealed=%zu", sealed->head.n, sealed->sealed.n);
}

static void add_body(struct line *l, const struct gx_body *b)
{
    switch ((enum gx_event_type)b->type) {
    case GX_EV_CREATE:
        add(l, "%s cap=%u qr_max=%u history=%u", b->u.create.rules.kind == GX_GROUP_DIRECT ? " direct" : "", b->u.create.rules.cap, b->u.create.rules.qr_max,
            b->u.create.rules.history);
        add_id(l, "device", b->u.create.founder.device.b);
        return;
    case GX_EV_ADMIT:
        add(l, " via=%u", b->u.admit.request.via);
        if (b->u.admit.request.via == GX_VIA_INV)
            add_id(l, "inviter", b->u.admit.request.inviter.b);
        else
            add_id(l, "token", b->u.admit.request.token.b);
        add_id(l, "device", b->u.admit.request.joiner.device.b);
        return;
    case GX_EV_LEAVE:
        add(l, " cuts=%u", b->u.leave.n_cuts);
        return;
    case GX_EV_REMOVE:
    case GX_EV_BAN:
        add_id(l, "target", b->u.removal.target.b);
        add(l, " cuts=%u", b->u.removal.n_cuts);
        return;
    case GX_EV_UNBAN:
    case GX_EV_PROMOTE:
    case GX_EV_DEMOTE:
    case GX_EV_OFFER:
        add_id(l, "target", b->u.target.target.b);
        return;
    case GX_EV_TOKEN:
        add(l, " expires_min=%u uses=%u", b->u.token.expires_min, b->u.token.uses);
        add_id(l, "token_pk", b->u.token.token_pk.b);
        add_sealed(l, &b->u.token.sealed);
        return;
    case GX_EV_REVOKE:
        if (b->u.revoke.what == GX_REVOKE_MEMBER)
            add_id(l, "member", b->u.revoke.member.b);
        else
            add_id(l, "token", b->u.revoke.token.b);
        return;
    case GX_EV_TRANSFER:
        add_id(l, "target", b->u.transfer.target.b);
        add_id(l, "device", b->u.transfer.device.b);
        add_id(l, "offer", b->u.transfer.offer.b);
        return;
    case GX_EV_CHECKPOINT:
        return;
    case GX_EV_ACCEPT:
        add(l, " answer=%s", b->u.accept.answer == GX_ACCEPT_YES ? "yes" : "no");
        add_id(l, "offer", b->u.accept.offer.b);
        return;
    case GX_EV_EPOCH:
        add(l, " devices=%u", b->u.epoch.n);
        return;
    case GX_EV_PREKEY:
        add_id(l, "prekey", b->u.prekey.prekey.b);
        add_id(l, "instead_of", b->u.prekey.epoch.b);
        return;
    case GX_EV_ALIAS:
    case GX_EV_META:
    case GX_EV_TEXT:
    case GX_EV_INVITE:
    case GX_EV_REVEAL:
        add_sealed(l, &b->u.sealed);
        return;
    case GX_EV_INCARNATION:
        add_id(l, "member", b->u.incarnation.member.b);
        add_id(l, "device", b->u.incarnation.device.b);
        add_id(l, "incarnation", b->u.incarnation.incarnation.b);
        return;
    }
}

size_t gx_print_event(char *out, size_t cap, const struct gx_event *ev)
{
    struct line l = line_begin(out, cap);
    struct gx_body body;

    add(&l, "%s", gx_event_type_name(ev->type));
    add_id(&l, "id", ev->id.b);
    add_id(&l, "group", ev->group.b);
    add_id(&l, "log", ev->log.b);
    add(&l, " seq=%llu tick=%llu", (unsigned long long)ev->seq, (unsigned long long)ev->tick);
    if (ev->wall_ms != 0)
        add(&l, " wall_ms=%llu", (unsigned long long)ev->wall_ms);
    add(&l, " deps=%u body=%u", ev->n_deps, ev->body_len);

    enum gx_err err = gx_body_decode(&body, ev);
    if (err == GX_OK)
        add_body(&l, &body);
    else
        add(&l, " (%s)", err == GX_E_ABSENT ? "deleted" : gx_err_name(err));
    return l.n;
}

static const char *bye_name(uint8_t reason)
{
    switch ((enum gx_bye)reason) {
    case GX_BYE_DONE:
        return "done";
    case GX_BYE_MALFORMED:
        return "malformed";
    case GX_BYE_LIMIT:
        return "limit";
    case GX_BYE_DUPLICATE:
        return "duplicate";
    case GX_BYE_STOPPING:
        return "stopping";
    case GX_BYE_IDLE:
        return "idle";
    case GX_BYE_VERSION:
        return "version";
    }
    return "?";
}

size_t gx_print_frame(char *out, size_t cap, const struct gx_frame *frame)
{
    struct line l = line_begin(out, cap);

    add(&l, "%s", gx_frame_kind_name(frame->kind));
    switch ((enum gx_frame_kind)frame->kind) {
    case GX_FRAME_HELLO:
        add(&l, " version=%u", frame->version);
        add_id(&l, "nonce", frame->nonce.b);
        break;
    case GX_FRAME_TAGS:
    case GX_FRAME_PROOF:
    case GX_FRAME_PATH:
        add(&l, " n=%zu", frame->n);
        break;
    case GX_FRAME_BASELINE:
    case GX_FRAME_HEADS:
    case GX_FRAME_ENDED:
    case GX_FRAME_ENDPOINTS:
        add(&l, " channel=%u n=%zu", frame->channel, frame->n);
        break;
    case GX_FRAME_FRONTIER:
    case GX_FRAME_RECORDS:
        add(&l, " channel=%u", frame->channel);
        if (frame->flags & GX_OF_BUCKETS)
            add(&l, " of_buckets=%u", 1u << frame->bits);
        add(&l, " n=%zu", frame->n);
        break;
    case GX_FRAME_SUM:
        add(&l, "%s n=%zu", frame->flags & GX_SUM_ASK ? " ask" : "", frame->n);
        break;
    case GX_FRAME_BUCKETS:
        add(&l, " channel=%u logs=%zu records=%u", frame->channel, frame->n, 1u << frame->record_bits);
        break;
    case GX_FRAME_WANT:
        add(&l, " channel=%u %s credit=%u n=%zu", frame->channel, frame->flags == GX_WANT_CONTROL ? "control" : frame->flags == GX_WANT_MESSAGES ? "messages" : "control_of",
            frame->credit, frame->n);
        break;
    case GX_FRAME_CHUNKS:
        add(&l, " channel=%u%s%s n=%zu bytes=%zu", frame->channel, frame->flags & GX_CHUNKS_PUSH ? " push" : "",
            frame->flags & GX_CHUNKS_LAST ? " last" : "", frame->n, frame->list.n);
        break;
    case GX_FRAME_LINK:
        add(&l, " channel=%u %s", frame->channel, frame->flags == GX_LINK_EAGER ? "eager" : frame->flags == GX_LINK_LAZY ? "lazy" : "apart");
        break;
    case GX_FRAME_JOIN:
        add(&l, " bytes=%zu", frame->bytes.n);
        break;
    case GX_FRAME_ASK:
        add(&l, " channel=%u bytes=%zu", frame->channel, frame->bytes.n);
        break;
    case GX_FRAME_ASK_KEYS:
    case GX_FRAME_KEYS:
        add(&l, " channel=%u n=%zu", frame->channel, frame->n);
        break;
    case GX_FRAME_DENIED:
        add(&l, " channel=%u reason=%s", frame->channel, gx_deny_name((enum gx_deny)frame->reason));
        break;
    case GX_FRAME_CARD:
        add_id(&l, "id", frame->card.id.b);
        add(&l, " serial=%u", frame->card.serial);
        add_id(&l, "device", frame->endpoint.device.b);
        add_text(&l, "name", frame->name);
        break;
    case GX_FRAME_ADMITTED:
        add_id(&l, "event", frame->event.b);
        break;
    case GX_FRAME_REFUSED:
        add(&l, " reason=%s", gx_deny_name((enum gx_deny)frame->reason));
        break;
    case GX_FRAME_BYE:
        add(&l, " reason=%s", bye_name(frame->reason));
        break;
    case GX_FRAME_PING:
    case GX_FRAME_PONG:
        add(&l, " echo=%llu", (unsigned long long)frame->echo);
        break;
    case GX_FRAME_AGAIN:
    case GX_FRAME_GUEST:
        break;
    }
    return l.n;
}
