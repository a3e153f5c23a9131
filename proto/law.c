#include "proto/law.h"
#include "crypto/hash.h"

/* Sort by a scalar that grows along edges, then by id: a total order, the same everywhere. */
static int op_cmp(const struct gx_law *law, uint32_t a, uint32_t b)
{
    const struct gx_law_op *x = &law->ops[a], *y = &law->ops[b];

    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return gx_event_id_cmp(&x->id, &y->id);
}

void gx_law_reset(struct gx_law *law)
{
    for (uint32_t i = 0; i < law->n_ops; i++) {
        struct gx_law_op *op = &law->ops[i];

        op->effective = false;
        op->deny = GX_DENY_NONE;
        op->used = 0;
        op->revoked = false;
    }
    for (uint32_t i = 0; i < law->n_persons; i++) {
        struct gx_law_person *p = &law->persons[i];

        p->rank = GX_RANK_NONE;
        p->was_member = false;
        p->admit = p->voucher = p->alias = GX_LAW_NONE;
    }
    law->n_members = 0;
    law->meta = GX_LAW_NONE;
    law->last = GX_LAW_NONE;
}

/* Order of the questions = order of the answers' weight: who may act at all, then the invitation, then the seats. */
enum gx_deny gx_law_may_admit(const struct gx_law *law, uint32_t author, uint32_t token, bool is_member)
{
    if (author >= law->n_persons || law->persons[author].rank == GX_RANK_NONE)
        return GX_DENY_NOT_MEMBER;
    if (token >= law->n_ops || law->ops[token].type != GX_EV_TOKEN || !law->ops[token].effective)
        return GX_DENY_TOKEN_UNKNOWN;

    const struct gx_law_op *t = &law->ops[token];

    if (law->persons[t->author].rank == GX_RANK_NONE)
        return GX_DENY_TOKEN_REVOKED;       /* an invitation ends with the membership of who made it */
    if (t->revoked)
        return GX_DENY_TOKEN_REVOKED;
    if (is_member)
        return GX_DENY_NONE;                /* a copy or a retry takes no seat and harms nobody */
    if (t->uses != 0 && t->used >= t->uses)
        return GX_DENY_TOKEN_USED_UP;
    if (law->n_members >= law->rules.cap)
        return GX_DENY_FULL;
    if (law->n_members >= law->rules.qr_max)
        return GX_DENY_QR_CLOSED;
    return GX_DENY_NONE;
}

static enum gx_deny apply_admit(struct gx_law *law, uint32_t index)
{
    struct gx_law_op *op = &law->ops[index];
    struct gx_law_person *joiner = &law->persons[op->target];
    bool is_member = joiner->rank != GX_RANK_NONE;
    enum gx_deny deny = gx_law_may_admit(law, op->author, op->token, is_member);

    if (deny != GX_DENY_NONE || is_member)
        return deny;
    joiner->rank = GX_RANK_MEMBER;
    joiner->was_member = true;
    joiner->admit = index;
    joiner->voucher = op->author;
    law->ops[op->token].used++;
    law->n_members++;
    return GX_DENY_NONE;
}

static enum gx_deny apply_revoke(struct gx_law *law, const struct gx_law_op *op)
{
    if (op->token == GX_LAW_NONE || law->ops[op->token].type != GX_EV_TOKEN)
        return GX_DENY_TOKEN_UNKNOWN;

    struct gx_law_op *t = &law->ops[op->token];
    enum gx_rank mine = law->persons[op->author].rank, theirs = law->persons[t->author].rank;

    if (op->author != t->author && (mine < GX_RANK_ADMIN || mine <= theirs))
        return GX_DENY_NO_RANK;
    t->revoked = true;
    return GX_DENY_NONE;
}

static enum gx_deny apply_leave(struct gx_law *law, const struct gx_law_op *op)
{
    struct gx_law_person *p = &law->persons[op->author];

    if (p->rank == GX_RANK_OWNER)
        return GX_DENY_OWNER;
    if (p->rank == GX_RANK_NONE)
        return GX_DENY_NOT_MEMBER;
    p->rank = GX_RANK_NONE;
    law->n_members--;
    return GX_DENY_NONE;
}

static enum gx_deny apply_create(struct gx_law *law, uint32_t index)
{
    struct gx_law_person *p = &law->persons[law->ops[index].author];

    p->rank = GX_RANK_OWNER;
    p->was_member = true;
    p->admit = index;
    law->n_members = 1;
    return GX_DENY_NONE;
}

static enum gx_deny apply_name(struct gx_law *law, uint32_t index)
{
    const struct gx_law_op *op = &law->ops[index];
    struct gx_law_person *p = &law->persons[op->author];

    if (p->rank == GX_RANK_NONE)
        return GX_DENY_NOT_MEMBER;
    if (op->type == GX_EV_ALIAS) {
        p->alias = index;
        return GX_DENY_NONE;
    }
    if (p->rank < GX_RANK_ADMIN)
        return GX_DENY_NO_RANK;
    law->meta = index;
    return GX_DENY_NONE;
}

bool gx_law_is_next(const struct gx_law *law, uint32_t op)
{
    return law->last == GX_LAW_NONE || op_cmp(law, law->last, op) < 0;
}

void gx_law_apply(struct gx_law *law, uint32_t index)
{
    GX_ASSERT(gx_law_is_next(law, index));

    struct gx_law_op *op = &law->ops[index];
    enum gx_deny deny = GX_DENY_NONE;

    GX_ASSERT(op->author < law->n_persons);
    switch ((enum gx_event_type)op->type) {
    case GX_EV_CREATE:
        deny = apply_create(law, index);
        break;
    case GX_EV_ADMIT:
        deny = apply_admit(law, index);
        break;
    case GX_EV_LEAVE:
        deny = apply_leave(law, op);
        break;
    case GX_EV_TOKEN:
        deny = law->persons[op->author].rank == GX_RANK_NONE ? GX_DENY_NOT_MEMBER : GX_DENY_NONE;
        break;
    case GX_EV_REVOKE:
        deny = apply_revoke(law, op);
        break;
    case GX_EV_ALIAS:
    case GX_EV_META:
        deny = apply_name(law, index);
        break;
    case GX_EV_INCARNATION:
    case GX_EV_TEXT:
        break;
    }
    op->effective = deny == GX_DENY_NONE;
    op->deny = deny;
    law->last = index;
}

/* Heap sort: in place, n log n for any input (hostile ids included), and the order is total, so that no tie is broken by chance. */
static void sift(const struct gx_law *law, uint32_t *order, uint32_t root, uint32_t n)
{
    for (;;) {
        uint32_t child = 2 * root + 1;

        if (child >= n)
            return;
        if (child + 1 < n && op_cmp(law, order[child], order[child + 1]) < 0)
            child++;
        if (op_cmp(law, order[root], order[child]) >= 0)
            return;

        uint32_t swap = order[root];

        order[root] = order[child];
        order[child] = swap;
        root = child;
    }
}

void gx_law_resolve(struct gx_law *law, uint32_t *order)
{
    uint32_t n = law->n_ops;

    gx_law_reset(law);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n / 2; i-- > 0;)
        sift(law, order, i, n);
    for (uint32_t end = n; end-- > 1;) {
        uint32_t swap = order[0];

        order[0] = order[end];
        order[end] = swap;
        sift(law, order, 0, end);
    }
    for (uint32_t i = 0; i < n; i++)
        gx_law_apply(law, order[i]);
}

static void hash_op_id(struct gx_hasher *h, const struct gx_law *law, uint32_t op)
{
    static const struct gx_event_id none;

    gx_hash_add(h, op == GX_LAW_NONE ? none.b : law->ops[op].id.b, 32);
}

void gx_law_state_hash(const struct gx_law *law, uint8_t out[32], uint32_t *scratch)
{
    struct gx_hasher h;
    uint32_t n = 0;

    /* Insertion by member key; persons are few hundred and mostly arrive unsorted. */
    for (uint32_t i = 0; i < law->n_persons; i++) {
        if (law->persons[i].rank == GX_RANK_NONE)
            continue;

        uint32_t at = n++;

        for (; at > 0 && memcmp(law->persons[scratch[at - 1]].member.b, law->persons[i].member.b, 32) > 0; at--)
            scratch[at] = scratch[at - 1];
        scratch[at] = i;
    }
    gx_hash_begin(&h, "gx-state");
    for (uint32_t i = 0; i < n; i++) {
        const struct gx_law_person *p = &law->persons[scratch[i]];
        uint8_t rank = (uint8_t)p->rank;

        gx_hash_add(&h, p->member.b, 32);
        gx_hash_add(&h, &rank, 1);
        hash_op_id(&h, law, p->alias);
    }
    hash_op_id(&h, law, law->meta);
    gx_hash_end(&h, out);
}
