/* What the tests of sealing share: reading, looking into epochs, and making them by hand. */
#ifndef GX_TEST_ENGINE_SEALING_H
#define GX_TEST_ENGINE_SEALING_H

#include "node/engine/sealing.h"
#include "crypto/member.h"
#include "store/schema.h"
#define tell tell_by_command
#include "tests/unit/engine/people.h"
#undef tell
#include "tests/unit/engine/attack.h"

#define YEAR_MS (365ull * 24 * 3600 * 1000)
#define DAY_MS (24ull * 3600 * 1000)

static inline struct gx_engine *eng(struct net *net, int i)
{
    return net->node[i].engine;
}

static inline bool reads_in(struct net *net, int i, const char *group, const char *text)
{
    struct gx_command cmd = {.method = GX_CMD_READ, .group = group, .given = 1u << GX_PARAM_GROUP};
    char line[200];

    snprintf(line, sizeof line, "text=%s\n", text);
    assert_true(net_ask(net, i, cmd, "text", 0));
    return strstr(net->node[i].all, line) != NULL;
}

static inline bool reads(struct net *net, int i, const char *text)
{
    return reads_in(net, i, "tea", text);
}

static inline void restart(struct net *net, int i)
{
    net_stop(net, i);
    net_start(net, i);
}

static inline uint64_t rows(struct net *net, int i, enum gx_table t)
{
    struct gx_txn *txn = NULL;
    uint64_t n = 0;

    assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
    n = gx_table_rows(txn, t);
    gx_txn_abort(&txn);
    return n;
}

static inline uint32_t ops_of(struct net *net, int i, uint8_t type)
{
    const struct gx_group *g = tea(net, i);
    uint32_t n = 0;

    for (uint32_t op = 0; op < g->law.n_ops; op++)
        n += g->ops[op].type == type;
    return n;
}

static inline struct gx_epoch *newest_epoch(struct net *net, int i)
{
    assert_true(tea(net, i)->n_epochs > 0);
    return &tea(net, i)->epochs[tea(net, i)->n_epochs - 1];
}

static inline uint32_t person_of(struct net *net, int i, int of)
{
    const struct gx_sign_pk *member = &tea(net, of)->row.intro.member;

    for (uint32_t p = 0; p < tea(net, i)->law.n_persons; p++)
        if (gx_sign_pk_equal(&tea(net, i)->law.persons[p].member, member))
            return p;
    return GX_NONE;
}

static inline bool lists(struct net *net, int i, uint32_t op, int of)
{
    bool is = gx_epoch_lists_person(eng(net, i), tea(net, i), op, person_of(net, i, of));

    gx_arena_reset(&eng(net, i)->arena);
    return is;
}

/* The head of what node i said last. */
static inline struct gx_sealed_head last_head(struct net *net, int i)
{
    struct gx_group *g = tea(net, i);
    struct gx_log *log = &g->logs[g->own_messages];
    struct gx_sealed_head head = {.n = UINT32_MAX};
    struct gx_event ev;
    struct gx_body body;

    assert_true(gx_group_read(eng(net, i), g, log, log->row.head_seq, &ev, &body));
    head = gx_body_sealed(&body)->head;
    return head;
}

static inline uint32_t last_epoch(struct net *net, int i)
{
    struct gx_sealed_head head = last_head(net, i);
    struct gx_event_id id;

    memcpy(id.b, head.epoch, sizeof id.b);
    return gx_group_op(tea(net, i), &id);
}

/* Write what no command would, as node i's engine does. */
static inline enum gx_err writes(struct net *net, int i, const struct gx_body *body)
{
    struct gx_engine *e = eng(net, i);
    enum gx_err err = GX_OK;

    e->now = net->now;
    gx_arena_reset(&e->arena);
    err = gx_author_write(e, tea(net, i), body, NULL, NULL);
    gx_author_sign(e);
    return err;
}

static inline void keep(struct net *net, int i)
{
    gx_groups_flush(eng(net, i));
    assert_int_equal(eng(net, i)->fault, GX_OK);
    assert_int_equal(gx_txn_commit(&eng(net, i)->txn), GX_OK);
    restart(net, i);
}

/* --- epochs by hand ---------------------------------------------------------------------------------------------------------------------- */

static inline int by_log(const void *a, const void *b)
{
    return memcmp(((const struct gx_epoch_to *)a)->log, ((const struct gx_epoch_to *)b)->log, GX_EPOCH_LOG_BYTES);
}

static inline struct gx_epoch_to slot_of(struct net *net, int i)
{
    const struct gx_group *g = tea(net, i);
    struct gx_epoch_to to;

    memcpy(to.log, g->logs[g->own_messages].row.id.b, sizeof to.log);
    to.prekey = *gx_epoch_prekey(g, &g->row.intro.device);
    return to;
}

/* The chain of node `of` in the epoch, as node i holds it; NULL where it has none. */
static inline struct gx_chain_row *chain_of(struct net *net, int i, struct gx_epoch *epoch, int of)
{
    assert_true(gx_epoch_read_chains(eng(net, i), tea(net, i), epoch));
    for (uint32_t k = 0; k < epoch->row.n_chains; k++)
        if (memcmp(epoch->chains[k].log.b, slot_of(net, of).log, sizeof(struct gx_log_tag)) == 0)
            return &epoch->chains[k];
    return NULL;
}

/* An EPOCH of node i's for `to`, in which the slot of log `cheated` opens for somebody else. */
static inline void hand_epoch(struct net *net, int i, struct hand *h, struct gx_epoch_to *to, uint32_t n, const uint8_t *cheated)
{
    struct gx_group *g = tea(net, i);
    const struct gx_log_row own = g->logs[g->own_control].row;
    uint8_t slots[16 * GX_EPOCH_SLOT_BYTES] = {0}, hdr0[GX_EVENT_HDR_MAX];
    struct gx_body body = {.type = GX_EV_EPOCH, .u.epoch = {.n = (uint16_t)n, .slots = gx_span(slots, n * GX_EPOCH_SLOT_BYTES)}};
    struct gx_wr w = gx_wr(hdr0, sizeof hdr0);
    struct gx_context context;
    struct gx_epoch_key key;
    struct gx_dh_pk prekey = slot_of(net, i).prekey;
    struct gx_event_id deps[16];
    uint32_t heads[16], n_deps = gx_group_heads(eng(net, i), g, heads, 16);

    for (uint32_t k = 0; k < n_deps; k++)
        deps[k] = g->law.nodes[heads[k]].op.id;
    for (uint32_t k = 0; k < n && cheated != NULL; k++)
        if (memcmp(to[k].log, cheated, GX_EPOCH_LOG_BYTES) == 0)
            to[k].prekey = prekey;      /* which the other has no secret of */
    qsort(to, n, sizeof *to, by_log);
    hand_make(net, i, h, &body, &own.id, (uint64_t)own.head_seq + 1, &own.head_id, deps, n_deps, g->max_tick + 1);
    gx_event_write_header0(&w, &h->ev);
    gx_context_of(&context, gx_wr_span(&w));
    assert_true(gx_epoch_seal(&key, &body.u.epoch.head, slots, net->node[i].config.rng, &context, &prekey, to, n));
    hand_make(net, i, h, &body, &own.id, (uint64_t)own.head_seq + 1, &own.head_id, deps, n_deps, g->max_tick + 1);
}

#endif
