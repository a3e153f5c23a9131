/* What is sealed to the members: who can read what, and members that lie about it.  KEYS §5 to §7, WIRE §4.16 to §4.18, §6.27, §6.28. */
#include "node/engine/sealing.h"
#include "crypto/member.h"
#include "store/schema.h"
#define tell tell_by_command
#include "tests/unit/engine/people.h"
#undef tell
#include "tests/unit/engine/attack.h"

#define YEAR_MS (365ull * 24 * 3600 * 1000)
#define DAY_MS (24ull * 3600 * 1000)

static struct gx_engine *eng(struct net *net, int i)
{
    return net->node[i].engine;
}

static bool reads_in(struct net *net, int i, const char *group, const char *text)
{
    struct gx_command cmd = {.method = GX_CMD_READ, .group = group, .given = 1u << GX_PARAM_GROUP};
    char line[200];

    snprintf(line, sizeof line, "text=%s\n", text);
    assert_true(net_ask(net, i, cmd, "text", 0));
    return strstr(net->node[i].all, line) != NULL;
}

static bool reads(struct net *net, int i, const char *text)
{
    return reads_in(net, i, "tea", text);
}

static void restart(struct net *net, int i)
{
    net_stop(net, i);
    net_start(net, i);
}

static uint64_t rows(struct net *net, int i, enum gx_table t)
{
    struct gx_txn *txn = NULL;
    uint64_t n = 0;

    assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
    n = gx_table_rows(txn, t);
    gx_txn_abort(&txn);
    return n;
}

static uint32_t ops_of(struct net *net, int i, uint8_t type)
{
    const struct gx_group *g = tea(net, i);
    uint32_t n = 0;

    for (uint32_t op = 0; op < g->law.n_ops; op++)
        n += g->ops[op].type == type;
    return n;
}

static struct gx_epoch *newest_epoch(struct net *net, int i)
{
    assert_true(tea(net, i)->n_epochs > 0);
    return &tea(net, i)->epochs[tea(net, i)->n_epochs - 1];
}

static uint32_t person_of(struct net *net, int i, int of)
{
    const struct gx_sign_pk *member = &tea(net, of)->row.intro.member;

    for (uint32_t p = 0; p < tea(net, i)->law.n_persons; p++)
        if (gx_sign_pk_equal(&tea(net, i)->law.persons[p].member, member))
            return p;
    return GX_NONE;
}

static bool lists(struct net *net, int i, uint32_t op, int of)
{
    bool is = gx_epoch_lists_person(eng(net, i), tea(net, i), op, person_of(net, i, of));

    gx_arena_reset(&eng(net, i)->arena);
    return is;
}

/* The head of what node i said last. */
static struct gx_sealed_head last_head(struct net *net, int i)
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

static uint32_t last_epoch(struct net *net, int i)
{
    struct gx_sealed_head head = last_head(net, i);
    struct gx_event_id id;

    memcpy(id.b, head.epoch, sizeof id.b);
    return gx_group_op(tea(net, i), &id);
}

/* Write what no command would, as node i's engine does. */
static enum gx_err writes(struct net *net, int i, const struct gx_body *body)
{
    struct gx_engine *e = eng(net, i);
    enum gx_err err = GX_OK;

    e->now = net->now;
    gx_arena_reset(&e->arena);
    err = gx_author_write(e, tea(net, i), body, NULL, NULL);
    gx_author_sign(e);
    return err;
}

static void keep(struct net *net, int i)
{
    gx_groups_flush(eng(net, i));
    assert_int_equal(eng(net, i)->fault, GX_OK);
    assert_int_equal(gx_txn_commit(&eng(net, i)->txn), GX_OK);
    restart(net, i);
}

/* --- epochs by hand ---------------------------------------------------------------------------------------------------------------------- */

static int by_log(const void *a, const void *b)
{
    return memcmp(((const struct gx_epoch_to *)a)->log, ((const struct gx_epoch_to *)b)->log, GX_EPOCH_LOG_BYTES);
}

static struct gx_epoch_to slot_of(struct net *net, int i)
{
    const struct gx_group *g = tea(net, i);
    struct gx_epoch_to to;

    memcpy(to.log, g->logs[g->own_messages].row.id.b, sizeof to.log);
    to.prekey = *gx_epoch_prekey(g, &g->row.intro.device);
    return to;
}

/* An EPOCH of node i's for `to`, in which the slot of log `cheated` opens for somebody else. */
static void hand_epoch(struct net *net, int i, struct hand *h, struct gx_epoch_to *to, uint32_t n, const uint8_t *cheated)
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

/* --- what is promised --------------------------------------------------------------------------------------------------------------------- */

static const char *const canaries[] = {"canary-title", "canary-alias", "canary-text"};
static unsigned frames_seen, canaries_seen;

static bool holds(struct gx_span bytes, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= bytes.n; i++)
        if (memcmp(bytes.p + i, word, n) == 0)
            return true;
    return false;
}

static bool watches(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)net;
    (void)from;
    (void)to;
    frames_seen++;
    for (size_t i = 0; i < 3; i++)
        canaries_seen += holds(bytes, canaries[i]);
    return true;
}

static void test_no_text_no_name_and_no_title_is_in_a_frame_or_in_the_events_of_a_store(void **state)
{
    static const enum gx_table events[] = {GX_TABLE_JOURNAL, GX_TABLE_SEGMENT, GX_TABLE_OP};
    struct net *net = net_new(3);
    struct gx_command alias = {.method = GX_CMD_GROUP_ALIAS, .group = "canary-title", .name = "canary-alias",
                               .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_NAME)};
    char token[600];

    (void)state;
    frames_seen = canaries_seen = 0;
    net->pass = watches;
    net_group(net, 0, "canary-title");
    net_invite(net, 0, "canary-title", token, 0);
    assert_true(net_ask(net, 0, alias, "alias", 0));
    assert_true(net_join(net, 1, token, NULL));
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    for (int k = 0; k < 40; k++)
        net_send(net, 1, "canary-title", "canary-text");
    net_run(net, 5000);
    restart(net, 2);
    net_run(net, 20000);
    assert_true(frames_seen > 50);
    assert_int_equal(canaries_seen, 0);
    for (int i = 0; i < 3; i++) {
        assert_true(reads_in(net, i, "canary-title", "canary-text"));
        assert_string_equal(net_get(net, i, GX_CMD_GROUP_SHOW, "canary-title", "name"), "canary-title");
        for (size_t t = 0; t < sizeof events / sizeof events[0]; t++) {
            struct gx_txn *txn = NULL;
            struct gx_scan scan;
            struct gx_span key, value;
            unsigned n = 0;

            assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
            assert_int_equal(gx_scan_begin(&scan, txn, events[t]), GX_OK);
            for (; gx_scan_next(&scan, &key, &value) == GX_OK; n++)
                for (size_t c = 0; c < 3; c++)
                    assert_false(holds(value, canaries[c]));
            gx_scan_end(&scan);
            gx_txn_abort(&txn);
            assert_true(n > 0 || events[t] == GX_TABLE_SEGMENT);
        }
    }
    net_free(net);
}

static void test_the_epoch_without_the_removed_is_written_in_the_step_of_the_removal(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    struct gx_command cmd = {.method = GX_CMD_GROUP_REMOVE, .group = "tea", .who = "n2", .given = GIVEN_WHO, .request = 1};
    uint32_t before = ops_of(net, 0, GX_EV_EPOCH), op = 0;

    (void)state;
    net_step(net, 0, (struct gx_input){.kind = GX_IN_COMMAND, .client = 900, .command = &cmd});
    restart(net, 0);            /* at once, as by kill -9 */
    assert_int_equal(ops_of(net, 0, GX_EV_REMOVE), 1);
    assert_int_equal(ops_of(net, 0, GX_EV_EPOCH), before + 1);
    op = newest_epoch(net, 0)->op;
    for (int i = 0; i < 4; i++)
        assert_int_equal(lists(net, 0, op, i), i != 2);
    net_run(net, 20000);
    net_send(net, 0, "tea", "of him");
    assert_int_equal(last_epoch(net, 0), op);
    net_send(net, 3, "tea", "of him, too");
    net_run(net, 5000);
    assert_int_equal(ops_of(net, 0, GX_EV_EPOCH), before + 1);      /* which is for everybody */
    assert_true(reads(net, 1, "of him") && reads(net, 1, "of him, too"));
    assert_false(reads(net, 2, "of him"));
    assert_false(lists(net, 3, last_epoch(net, 3), 2));
    net_free(net);
}

static void test_of_several_who_are_removed_in_one_step_none_is_listed(void **state)
{
    char token[600];
    struct net *net = tea_of(5, 5, token);
    struct gx_input in[3];
    struct gx_command cmd[3];
    static const char *const who[] = {"n1", "n2", "n3"};
    uint32_t before = ops_of(net, 0, GX_EV_EPOCH);

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        cmd[k] = (struct gx_command){.method = k == 1 ? GX_CMD_GROUP_BAN : GX_CMD_GROUP_REMOVE, .group = "tea", .who = who[k], .given = GIVEN_WHO, .request = 1 + k};
        in[k] = (struct gx_input){.kind = GX_IN_COMMAND, .client = 900 + k, .command = &cmd[k]};
    }
    net_steps(net, 0, in, 3);
    restart(net, 0);
    assert_int_equal(ops_of(net, 0, GX_EV_EPOCH), before + 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(lists(net, 0, newest_epoch(net, 0)->op, i), i == 0 || i == 4);
    net_free(net);
}

static void test_a_newcomer_reads_title_names_and_what_is_said_from_then_on_and_nothing_from_before(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 2, token);

    (void)state;
    assert_true(name_self(net, 1, "one"));
    for (int k = 0; k < 30; k++)
        net_send(net, 1, "tea", "before");
    net_run(net, 5000);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    net_send(net, 1, "tea", "after");
    net_send(net, 0, "tea", "after, too");
    net_run(net, 200000);
    assert_string_equal(show(net, 2, "name"), "tea");
    assert_true(reads(net, 2, "after") && reads(net, 2, "after, too"));
    assert_false(reads(net, 2, "before"));
    net_get(net, 2, GX_CMD_GROUP_MEMBERS, "tea", "name");
    assert_non_null(strstr(net->node[2].all, "one"));
    net_free(net);
}

static struct gx_chain_row *chain_of(struct net *net, int i, struct gx_epoch *epoch, int of)
{
    assert_true(gx_epoch_read_chains(eng(net, i), tea(net, i), epoch));
    for (uint32_t k = 0; k < epoch->row.n_chains; k++)
        if (memcmp(epoch->chains[k].log.b, slot_of(net, of).log, sizeof(struct gx_log_tag)) == 0)
            return &epoch->chains[k];
    return NULL;
}

static void test_a_key_of_a_chain_is_used_once_and_the_chain_moves_on(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    for (uint32_t k = 0; k < 5; k++) {
        struct gx_epoch *epoch = NULL;
        struct gx_chain_key key;
        uint32_t at = 0;

        net_send(net, 0, "tea", "on it goes");
        net_run(net, 1000);
        epoch = newest_epoch(net, 0);
        assert_int_equal(last_epoch(net, 0), epoch->op);
        at = last_head(net, 0).n;
        for (int i = 0; i < 2; i++) {
            struct gx_chain_row *chain = chain_of(net, i, newest_epoch(net, i), 0);

            assert_non_null(chain);
            assert_int_equal(chain->next, at + 1);
            if (i == 0)
                key = chain->key;
            else
                assert_memory_equal(&key, &chain->key, sizeof key);
        }
        restart(net, (int)(k % 2));
        net_run(net, 5000);
    }
    net_free(net);
}

static bool texts_lost;

static bool loses_texts(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;
    struct gx_rd rd;

    (void)net;
    if (!texts_lost || from != 1 || to != 0 || gx_frame_decode(&f, bytes) != GX_OK || f.kind != GX_FRAME_CHUNKS)
        return true;
    rd = gx_rd(f.list);
    for (size_t i = 0; i < f.n; i++) {
        struct gx_span chunk = gx_frame_chunk_next(&rd);

        if (chunk.n > GX_CHUNK_HEADER_BYTES + 5u && chunk.p[GX_CHUNK_HEADER_BYTES + 5u] == GX_EV_TEXT)
            return false;
    }
    return true;
}

static void test_keys_that_are_passed_over_are_kept_and_then_gone(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    net->pass = loses_texts;
    texts_lost = true;
    net_send(net, 1, "tea", "first");
    net_send(net, 1, "tea", "second");
    assert_true(name_self(net, 1, "third"));
    net_run(net, 500);
    assert_int_equal(rows(net, 0, GX_TABLE_KEPT), 2);
    assert_false(reads(net, 0, "first"));
    restart(net, 0);
    texts_lost = false;
    net_run(net, 70000);
    assert_true(reads(net, 0, "first") && reads(net, 0, "second"));
    assert_int_equal(rows(net, 0, GX_TABLE_KEPT), 0);
    net_free(net);
}

static void test_what_was_sealed_is_read_again_after_a_restart(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net_send(net, 0, "tea", "one");
    restart(net, 0);
    net_run(net, 20000);
    net_send(net, 0, "tea", "two");
    restart(net, 1);
    net_run(net, 20000);
    net_send(net, 1, "tea", "three");
    net_run(net, 20000);
    for (int i = 0; i < 3; i++) {
        restart(net, i);
        assert_true(reads(net, i, "one") && reads(net, i, "two") && reads(net, i, "three"));
        assert_string_equal(show(net, i, "name"), "tea");
    }
    net_free(net);
}

/* --- epochs that lie ------------------------------------------------------------------------------------------------------------------------ */

static void test_an_epoch_that_cheats_one_is_complained_of_and_used_no_more_and_its_texts_are_read(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    struct gx_epoch_to to[3];
    uint32_t prekeys = ops_of(net, 0, GX_EV_PREKEY), op = 0;

    (void)state;
    for (int i = 0; i < 3; i++)
        to[i] = slot_of(net, i);
    hand_epoch(net, 2, h, to, 3, slot_of(net, 1).log);
    net_stop(net, 1);
    net_settle(net);
    tell(net, 2, 0, h);
    net_run(net, 3000);
    op = newest_epoch(net, 0)->op;
    assert_memory_equal(&tea(net, 0)->law.nodes[op].op.id, &h->ev.id, 32);
    net_send(net, 0, "tea", "to two of three");
    assert_int_equal(last_epoch(net, 0), op);
    net_start(net, 1);
    net_run(net, 70000);
    assert_true(reads(net, 1, "to two of three"));
    assert_int_equal(ops_of(net, 0, GX_EV_PREKEY), prekeys + 1);
    assert_true(gx_epoch_by_op(tea(net, 0), op)->row.instead);
    net_send(net, 0, "tea", "to all");
    assert_true(last_epoch(net, 0) != op);
    net_run(net, 3000);
    assert_true(reads(net, 1, "to all") && reads(net, 2, "to all"));
    restart(net, 0);
    restart(net, 1);
    net_run(net, 70000);
    assert_true(reads(net, 1, "to two of three"));
    assert_int_equal(ops_of(net, 0, GX_EV_PREKEY), prekeys + 1);        /* said once */
    net_send(net, 1, "tea", "heard");
    net_run(net, 3000);
    assert_true(reads(net, 0, "heard"));
    free(h);
    net_free(net);
}

/* Of nobody, of strangers, without a member, with one who left: nobody speaks under them. */
static void test_an_epoch_that_lists_others_than_the_members_is_spoken_under_by_nobody(void **state)
{
    for (int kind = 0; kind < 5; kind++) {
        char token[600];
        struct net *net = tea_of(4, 4, token);
        struct hand *h = hand_new();
        struct gx_epoch_to to[5];
        uint32_t n = 0, op = 0;

        (void)state;
        for (int i = 0; i < 4; i++)
            to[i] = slot_of(net, i);
        if (kind == 4) {
            assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "n3"));
            net_run(net, 5000);
        }
        to[4] = to[0];
        memset(to[4].log, 0x5a, sizeof to[4].log);
        if (kind == 0) {                /* a stranger alone */
            to[0] = to[4];
            n = 1;
        } else {
            n = kind == 1 ? 5           /* all, and a stranger */
                : kind == 2 ? 3         /* all but one */
                : kind == 3 ? 2 : 4;    /* two of four; with the removed */
        }
        hand_epoch(net, 2, h, to, n, NULL);
        tell(net, 2, 0, h);
        net_run(net, 5000);
        op = gx_group_op(tea(net, 0), &h->ev.id);
        assert_true(op != GX_NONE);
        for (int i = 0; i < 2; i++) {
            net_send(net, i, "tea", "not under that");
            assert_true(last_epoch(net, i) != gx_group_op(tea(net, i), &h->ev.id));
        }
        net_run(net, 5000);
        assert_true(reads(net, 2, "not under that"));
        free(h);
        net_free(net);
    }
}

static void test_false_complaints_count_once_a_day_and_stop_nobody(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    uint32_t before = 0;

    (void)state;
    net_send(net, 0, "tea", "at first");
    net_run(net, 2000);
    before = ops_of(net, 0, GX_EV_EPOCH);
    for (int k = 0; k < 5; k++) {
        struct gx_body body = {.type = GX_EV_PREKEY, .u.prekey.prekey = slot_of(net, 2).prekey};
        char text[20];

        body.u.prekey.epoch = tea(net, 2)->law.nodes[newest_epoch(net, 2)->op].op.id;
        assert_int_equal(writes(net, 2, &body), GX_OK);
        keep(net, 2);
        net_run(net, 60000);
        snprintf(text, sizeof text, "still %d", k);
        net_send(net, 0, "tea", text);
        net_run(net, 2000);
        assert_true(reads(net, 1, text));
    }
    assert_int_equal(ops_of(net, 0, GX_EV_EPOCH), before + 1);
    net_free(net);
}

static void test_complaints_about_no_epoch_or_one_of_others_mean_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    struct gx_body body = {.type = GX_EV_PREKEY};
    uint32_t n = 0;

    (void)state;
    net_send(net, 0, "tea", "among three");
    net_run(net, 2000);
    body.u.prekey.prekey = slot_of(net, 2).prekey;
    memset(body.u.prekey.epoch.b, 7, 32);
    assert_int_equal(writes(net, 2, &body), GX_OK);
    body.u.prekey.epoch = tea(net, 2)->law.nodes[0].op.id;      /* CREATE */
    assert_int_equal(writes(net, 2, &body), GX_OK);
    keep(net, 2);
    net_run(net, 5000);
    assert_true(net_join(net, 3, token, NULL));
    net_run(net, 10000);
    body.u.prekey.prekey = slot_of(net, 3).prekey;
    body.u.prekey.epoch = tea(net, 3)->law.nodes[tea(net, 3)->epochs[0].op].op.id;
    assert_false(lists(net, 3, tea(net, 3)->epochs[0].op, 3));
    assert_int_equal(writes(net, 3, &body), GX_OK);
    keep(net, 3);
    net_run(net, 20000);
    for (uint32_t i = 0; i < tea(net, 0)->n_epochs; i++)
        n += tea(net, 0)->epochs[i].row.instead;
    assert_int_equal(n, 0);
    net_free(net);
}

/* --- sealed bodies that lie ------------------------------------------------------------------------------------------------------------------ */

/* A text that is laid out as it has to be, under `epoch` at place n, whose key nobody has. */
static void garbage(struct net *net, int i, struct hand *h, uint32_t ahead, const struct gx_event_id *prev, const uint8_t epoch[32], uint32_t n)
{
    const struct gx_group *g = tea(net, i);
    const struct gx_log_row row = g->logs[g->own_messages].row;
    struct gx_body body = {.type = GX_EV_TEXT};
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;
    uint64_t tick = 0;
    struct gx_event_id dep = newest_op(net, i, &tick);
    struct gx_wr w, c;

    hand_text(net, i, h, "garbage", &row.id, (uint64_t)row.head_seq + 1 + ahead, prev == NULL ? &row.head_id : prev, &dep, 1, g->max_tick + 1 + ahead);
    assert_int_equal(gx_body_decode(&body, &h->ev), GX_OK);
    memcpy(body.u.sealed.head.epoch, epoch, 32);
    body.u.sealed.head.n = n;
    memcpy(h->blind, body.u.sealed.sealed.p, body.u.sealed.sealed.n);
    body.u.sealed.sealed.p = h->blind;
    w = gx_wr(h->body, sizeof h->body);
    gx_body_encode(&w, &body);
    h->ev.body = gx_wr_span(&w);
    gx_device_key(&pk, &sk, &net->node[i].config.device_seed, &g->row.intro.e);
    gx_event_seal(&h->ev, &sk);
    c = gx_wr(h->bytes, sizeof h->bytes);
    gx_chunk_write_header(&c, &row.id, (uint32_t)h->ev.seq, &h->ev.prev, 1);
    gx_record_encode(&c, &h->ev);
    h->n = c.n;
}

static void test_texts_far_ahead_at_a_place_twice_and_under_what_is_no_epoch_hurt_their_author_alone(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    struct gx_event_id prev, dep;
    uint8_t under[5][32];
    static const uint32_t places[] = {GX_CHAIN_SKIP_MAX + 100, 4095, 200, 200, 0, 0, 3, 3, 3};
    uint32_t ahead = 0;

    (void)state;
    net_send(net, 0, "tea", "at first");
    net_send(net, 2, "tea", "at first, too");
    net_run(net, 2000);
    dep = tea(net, 0)->law.nodes[newest_epoch(net, 0)->op].op.id;
    memcpy(under[0], dep.b, 32);
    memset(under[1], 0, 32);
    memset(under[2], 9, 32);
    memcpy(under[3], tea(net, 0)->row.id.b, 32);                /* CREATE, as an epoch */
    memcpy(under[4], last_head(net, 0).epoch, 32);
    under[4][31] ^= 1;
    for (size_t u = 0; u < 5; u++)
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            garbage(net, 2, h, ahead, ahead == 0 ? NULL : &prev, under[u], places[k]);
            prev = h->ev.id;
            ahead++;
            tell(net, 2, 0, h);
            net_settle(net);
        }
    net_run(net, 20000);
    net_send(net, 0, "tea", "and go on");
    net_send(net, 1, "tea", "and go on, too");
    net_run(net, 5000);
    assert_true(reads(net, 1, "and go on") && reads(net, 0, "and go on, too"));
    restart(net, 0);
    net_run(net, 20000);
    assert_true(reads(net, 0, "and go on, too") && reads(net, 0, "at first, too"));
    free(h);
    net_free(net);
}

/* --- keys that are asked for and told --------------------------------------------------------------------------------------------------------- */

static struct {
    unsigned asked, told, told_keys;
    int liar, victim;
    bool wrong, other, twice;
} spy;

static bool spies(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (gx_frame_decode(&f, bytes) != GX_OK)
        return true;
    if (f.kind == GX_FRAME_KEYS && to == spy.victim) {
        spy.told++;
        spy.told_keys += (unsigned)f.n;
    }
    if (f.kind != GX_FRAME_ASK_KEYS || from != spy.victim)
        return true;
    spy.asked++;
    if (to != spy.liar || !(spy.wrong || spy.other))
        return true;

    static uint8_t out[GX_FRAME_BYTES_MAX], entry_bytes[GX_KEYS_MAX * GX_KEY_ENTRY_BYTES], sealed[GX_KEYS_MAX * 32 + GX_AEAD_TAG_BYTES];
    static struct gx_message_key keys[GX_KEYS_MAX];
    struct gx_wr w = gx_wr(out, sizeof out), entries = gx_wr(entry_bytes, sizeof entry_bytes);
    struct gx_frame_list list = {.n = 0};
    struct gx_dh_pk x;

    for (size_t i = 0; i < f.n; i++) {
        struct gx_key_entry entry = gx_frame_key_at(&f, i);

        if (spy.other)
            entry.seq += 1000;
        memset(keys[i].b, 0x77, sizeof keys[i].b);
        gx_frame_put_key(&entries, &list, &entry);
    }
    assert_true(gx_keys_seal(sealed, &x, net->node[from].config.rng, tea(net, from)->row.id.b, &f.key, gx_wr_span(&entries), keys, f.n));
    list = gx_frame_begin_keys(&w, channel_number(net, to, from), &x);
    for (size_t i = 0; i < f.n; i++) {
        struct gx_key_entry entry = gx_frame_key_at(&f, i);

        if (spy.other)
            entry.seq += 1000;
        gx_frame_put_key(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    gx_wr_bytes(&w, sealed, f.n * 32 + GX_AEAD_TAG_BYTES);
    for (int k = 0; k < (spy.twice ? 5 : 1); k++)
        inject(net, to, from, gx_wr_span(&w));
    return false;
}

/* n2 made an epoch that n1 cannot open, and n0 says something under it while n1 is away. */
static struct net *one_is_cheated(const char *text, unsigned times)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    struct hand *h = hand_new();
    struct gx_epoch_to to[3];

    for (int i = 0; i < 3; i++)
        to[i] = slot_of(net, i);
    hand_epoch(net, 2, h, to, 3, slot_of(net, 1).log);
    net_stop(net, 1);
    net_settle(net);
    tell(net, 2, 0, h);
    net_run(net, 3000);
    for (unsigned k = 0; k < times; k++)
        net_send(net, 0, "tea", text);
    assert_memory_equal(last_head(net, 0).epoch, h->ev.id.b, 32);
    net_run(net, 3000);
    memset(&spy, 0, sizeof spy);
    spy.victim = 1;
    spy.liar = 2;
    net->pass = spies;
    free(h);
    return net;
}

static void test_a_key_that_does_not_fit_or_was_not_asked_for_is_struck_and_another_is_asked(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct net *net = one_is_cheated("under it", 3);

        spy.wrong = kind == 0;
        spy.other = kind == 1;
        spy.twice = spy.wrong = spy.wrong || kind == 2;
        net_start(net, 1);
        net_run(net, 100000);
        assert_true(reads(net, 1, "under it"));
        assert_true(spy.asked >= 1);
        net_free(net);
    }
}

static void test_keys_that_nobody_asked_for_are_dropped(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint8_t out[1000], sealed[32 + GX_AEAD_TAG_BYTES], entry_bytes[GX_KEY_ENTRY_BYTES];
    struct gx_message_key key = {{3}};
    struct gx_key_entry entry = {.seq = 1};
    struct gx_dh_pk x, to = slot_of(net, 0).prekey;

    (void)state;
    for (int k = 0; k < 20; k++) {
        struct gx_wr w = gx_wr(out, sizeof out), e = gx_wr(entry_bytes, sizeof entry_bytes);
        struct gx_frame_list list = {.n = 0};

        gx_frame_put_key(&e, &list, &entry);
        assert_true(gx_keys_seal(sealed, &x, net->node[1].config.rng, tea(net, 0)->row.id.b, &to, gx_wr_span(&e), &key, 1));
        list = gx_frame_begin_keys(&w, channel_number(net, 1, 0), &x);
        gx_frame_put_key(&w, &list, &entry);
        gx_frame_end(&w, &list);
        gx_wr_bytes(&w, sealed, sizeof sealed);
        inject(net, 1, 0, gx_wr_span(&w));
        net_settle(net);
    }
    assert_int_equal(gx_engine_dropped(eng(net, 0), "keys"), 20);
    net_send(net, 0, "tea", "still here");
    net_run(net, 2000);
    assert_true(reads(net, 1, "still here"));
    net_free(net);
}

/* Ask `of` as node `from` for the events seq 1 to n of that log. */
static void ask_for(struct net *net, int from, int of, struct gx_log *log, uint32_t first, uint32_t n)
{
    static uint8_t out[GX_FRAME_BYTES_MAX];
    struct gx_wr w = gx_wr(out, sizeof out);
    struct gx_dh_sk sk = {{5}};
    struct gx_dh_pk p;
    struct gx_frame_list list = {.n = 0};

    gx_dh_public(&p, &sk);
    list = gx_frame_begin_ask_keys(&w, channel_number(net, from, of), &p);
    for (uint32_t k = 0; k < n; k++) {
        struct gx_key_entry entry = {.seq = first + k};
        struct gx_event ev;
        struct gx_body body;

        memcpy(entry.tag.b, log->row.id.b, sizeof entry.tag.b);
        assert_true(gx_group_read(eng(net, of), tea(net, of), log, entry.seq, &ev, &body));
        memcpy(entry.check, ev.id.b, sizeof entry.check);
        gx_frame_put_key(&w, &list, &entry);
    }
    gx_frame_end(&w, &list);
    inject(net, from, of, gx_wr_span(&w));
    net_settle(net);
}

static void test_a_newcomer_who_asks_for_what_was_said_before_is_told_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 2, token);
    struct gx_log *log = NULL;

    (void)state;
    for (int k = 0; k < 10; k++)
        net_send(net, 0, "tea", "before");
    net_run(net, 2000);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    memset(&spy, 0, sizeof spy);
    spy.victim = 2;
    spy.liar = -1;
    net->pass = spies;
    log = &tea(net, 0)->logs[tea(net, 0)->own_messages];
    ask_for(net, 2, 0, log, 1, 10);
    assert_int_equal(spy.told, 0);
    net_send(net, 0, "tea", "after");
    net_run(net, 2000);
    ask_for(net, 2, 0, &tea(net, 0)->logs[tea(net, 0)->own_messages], 1, 11);
    assert_int_equal(spy.told_keys, 1);
    for (int k = 0; k < 10; k++)
        ask_for(net, 2, 0, &tea(net, 0)->logs[tea(net, 0)->own_messages], 1, 11);
    assert_int_equal(spy.told_keys, 1);         /* once a second */
    net_free(net);
}

/* A name of somebody who was gone when the newcomer came: WIRE §6.28 has only members' names. */
static void test_a_newcomer_is_not_told_the_name_of_who_was_gone_before(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 2, token);
    struct gx_log *log = NULL;
    uint32_t op = 0;

    (void)state;
    assert_true(name_self(net, 1, "gone"));
    net_run(net, 2000);
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "gone"));
    net_run(net, 2000);
    assert_true(net_join(net, 2, token, NULL));
    net_run(net, 20000);
    memset(&spy, 0, sizeof spy);
    spy.victim = 2;
    spy.liar = -1;
    net->pass = spies;
    op = tea(net, 0)->law.persons[person_of(net, 0, 1)].last_alias;
    log = &tea(net, 0)->logs[tea(net, 0)->ops[op].log];
    ask_for(net, 2, 0, log, tea(net, 0)->ops[op].seq, 1);
    assert_int_equal(spy.told, 0);
    net_free(net);
}

static void test_a_removed_member_that_holds_its_session_open_is_told_no_key(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    uint16_t channel = 0;
    gx_session_id session = 0;

    (void)state;
    net_send(net, 0, "tea", "while in");
    net_run(net, 2000);
    channel = channel_number(net, 2, 0);
    session = session_with(net, 2, 0);
    memset(&spy, 0, sizeof spy);
    spy.victim = 2;
    spy.liar = -1;
    net->pass = spies;

    /* In the step of the removal itself, and behind it. */
    uint8_t out[400];
    struct gx_wr w = gx_wr(out, sizeof out);
    struct gx_dh_sk sk = {{5}};
    struct gx_dh_pk p;
    struct gx_log *log = &tea(net, 0)->logs[tea(net, 0)->own_messages];
    struct gx_key_entry entry = {.seq = log->row.head_seq};
    struct gx_command cmd = {.method = GX_CMD_GROUP_REMOVE, .group = "tea", .who = "n2", .given = GIVEN_WHO, .request = 1};
    struct gx_input in[2] = {{.kind = GX_IN_COMMAND, .client = 900, .command = &cmd}, {.kind = GX_IN_FRAME, .session = session}};

    gx_dh_public(&p, &sk);
    memcpy(entry.tag.b, log->row.id.b, sizeof entry.tag.b);
    memcpy(entry.check, log->row.head_id.b, sizeof entry.check);

    struct gx_frame_list list = gx_frame_begin_ask_keys(&w, channel, &p);

    gx_frame_put_key(&w, &list, &entry);
    gx_frame_end(&w, &list);
    in[1].bytes = gx_wr_span(&w);
    net_steps(net, 0, in, 2);
    net_settle(net);
    net_push(net, 0, (struct gx_input){.kind = GX_IN_FRAME, .session = session}, gx_wr_span(&w));
    net_run(net, 3000);
    assert_int_equal(spy.told, 0);
    net_free(net);
}

/* n0's log, the first of all, is full of what nobody has keys of.  What n2 said is asked for all the same. */
static void test_who_fills_its_log_with_what_nobody_can_open_keeps_nobody_from_the_keys_of_others(void **state)
{
    struct net *net = one_is_cheated("under it", 1);
    struct hand *h = hand_new();
    struct gx_sealed_head head = last_head(net, 0);
    struct gx_event_id prev;
    const struct gx_group *g = NULL;
    unsigned open = 0, shut = 0;

    (void)state;
    net_send(net, 2, "tea", "under it");
    assert_memory_equal(last_head(net, 2).epoch, head.epoch, 32);
    for (uint32_t k = 0; k < 400; k++) {
        garbage(net, 0, h, k, k == 0 ? NULL : &prev, head.epoch, 4000);
        prev = h->ev.id;
        tell(net, 0, 2, h);
    }
    net_run(net, 3000);
    net_start(net, 1);
    net_run(net, 60000);
    g = tea(net, 1);
    for (uint32_t i = 0; i < g->n_logs; i++) {
        if (g->logs[i].row.cls != GX_LOG_MESSAGES || g->logs[i].row.head_seq == 0)
            continue;
        open += g->logs[i].locked.first == 0;
        shut += g->logs[i].row.head_seq > 400 && g->logs[i].locked.first > 0;
    }
    assert_int_equal(open, 1);
    assert_int_equal(shut, 1);
    free(h);
    net_free(net);
}

static void test_who_lacks_many_keys_is_told_all_of_them_by_one_alone(void **state)
{
    struct net *net = one_is_cheated("under it", 700);
    const struct gx_group *g = NULL;
    unsigned n = 0;

    (void)state;
    net_stop(net, 2);
    net_start(net, 1);
    net_run(net, 30000);
    g = tea(net, 1);
    for (uint32_t i = 0; i < g->n_logs; i++) {
        n += g->logs[i].row.n_messages;
        assert_int_equal(g->logs[i].locked.first, 0);
    }
    assert_int_equal(n, 700);
    assert_true(reads(net, 1, "under it"));
    net_free(net);
}

/* As after somebody was away for long: far more lies between the first and the last event without a key than is looked at at once. */
static void test_what_has_its_key_is_looked_at_once_and_hides_nothing_behind_it(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = NULL;

    (void)state;
    for (unsigned k = 0; k < 1500; k++) {
        struct gx_body body = {.type = GX_EV_TEXT, .u.text = {.wall_ms = 60000, .text = gx_span("many", 4)}};

        assert_int_equal(writes(net, 0, &body), GX_OK);
    }
    keep(net, 0);
    net_run(net, 60000);

    struct hand *h = hand_new();
    struct gx_epoch_to to[3];

    for (int i = 0; i < 3; i++)
        to[i] = slot_of(net, i);
    hand_epoch(net, 2, h, to, 3, slot_of(net, 1).log);
    net_stop(net, 1);
    net_settle(net);
    tell(net, 2, 0, h);
    net_run(net, 3000);
    net_send(net, 0, "tea", "behind all that");
    assert_memory_equal(last_head(net, 0).epoch, h->ev.id.b, 32);
    net_start(net, 1);
    g = tea(net, 1);
    for (uint32_t i = 0; i < g->n_logs; i++)
        if (g->logs[i].row.n_messages == 1500)
            g->logs[i].locked = (struct gx_locked_row){.first = 1, .last = 1500};
    net_run(net, 60000);
    assert_true(reads(net, 1, "behind all that"));
    for (uint32_t i = 0; i < g->n_logs; i++)
        assert_int_equal(g->logs[i].locked.first, 0);
    free(h);
    net_free(net);
}

static void test_invitations_that_nobody_can_open_keep_nobody_from_the_keys_of_texts(void **state)
{
    struct net *net = one_is_cheated("under it", 2);
    struct hand *h = hand_new();
    struct gx_body body = {.type = GX_EV_TOKEN, .u.token = {.expires_min = 0xffffff}};

    (void)state;
    for (uint32_t k = 0; k < 300; k++) {
        const struct gx_log_row own = tea(net, 2)->logs[tea(net, 2)->own_control].row;
        uint64_t tick = 0;
        struct gx_event_id dep = newest_op(net, 2, &tick);

        body.u.token.token_pk.b[0] = (uint8_t)k;
        body.u.token.token_pk.b[1] = (uint8_t)(k >> 8);
        hand_make(net, 2, h, &body, &own.id, (uint64_t)own.head_seq + 1, &own.head_id, &dep, 1, tea(net, 2)->max_tick + 1);
        tell(net, 2, 0, h);
        net_run(net, 200);              /* and comes back to n2 */
    }
    net_start(net, 1);
    net_run(net, 60000);
    assert_true(reads(net, 1, "under it"));
    free(h);
    net_free(net);
}

/* --- chains that are used up ------------------------------------------------------------------------------------------------------------------- */

static void test_after_a_thousand_messages_another_epoch_is_made(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_body body = {.type = GX_EV_TEXT, .u.text = {.wall_ms = 60000, .text = gx_span("many", 4)}};
    uint32_t before = 0;

    (void)state;
    net_send(net, 0, "tea", "at first");
    before = ops_of(net, 0, GX_EV_EPOCH);
    for (unsigned k = 0; k < GX_EPOCH_MESSAGES_MAX + 5; k++)
        assert_int_equal(writes(net, 0, &body), GX_OK);
    keep(net, 0);
    assert_int_equal(ops_of(net, 0, GX_EV_EPOCH), before + 1);
    net_send(net, 0, "tea", "at last");
    net_run(net, 20000);
    assert_true(reads(net, 1, "at last"));
    net_send(net, 1, "tea", "yes");
    net_run(net, 2000);
    assert_true(reads(net, 0, "yes"));
    assert_int_equal(ops_of(net, 0, GX_EV_EPOCH), before + 1);
    net_free(net);
}

/* Names take places of the chain and are no messages. */
static void test_who_used_up_its_chain_with_names_speaks_under_another_epoch(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_group *g = tea(net, 0);
    struct gx_body body = {.type = GX_EV_ALIAS, .u.alias.name = gx_span("me", 2)};
    struct gx_chain_row *chain = NULL;
    struct gx_message_key key;

    (void)state;
    net_send(net, 0, "tea", "at first");
    chain = chain_of(net, 0, newest_epoch(net, 0), 0);
    assert_non_null(chain);
    while (chain->next < GX_CHAIN_MAX - 1) {            /* as if so many had been written */
        gx_chain_step(&key, &chain->key);
        chain->next++;
    }
    assert_int_equal(writes(net, 0, &body), GX_OK);
    assert_int_equal(chain_of(net, 0, gx_epoch_by_op(g, last_epoch(net, 0)), 0)->next, GX_CHAIN_MAX);
    body.u.alias.name = gx_span("myself", 6);
    assert_int_equal(writes(net, 0, &body), GX_OK);
    keep(net, 0);
    net_send(net, 0, "tea", "at last");
    net_run(net, 5000);
    assert_true(reads(net, 1, "at last"));
    net_free(net);
}

/* --- clocks -------------------------------------------------------------------------------------------------------------------------------------- */

static void test_a_clock_that_was_a_year_ahead_leaves_no_epoch_in_use_for_a_year(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    uint32_t op = 0;

    (void)state;
    net->now.wall_ms += YEAR_MS;
    net_send(net, 0, "tea", "of next year");
    net_run(net, 5000);
    op = last_epoch(net, 0);
    net->now.wall_ms -= YEAR_MS;
    net_run(net, 5000);
    net->now.wall_ms += 8 * DAY_MS;
    net_send(net, 0, "tea", "of next week");
    assert_true(last_epoch(net, 0) != op);
    net_run(net, 5000);
    assert_true(reads(net, 1, "of next week") && reads(net, 2, "of next year"));
    net_free(net);
}

/* A complaint that was heard while the clock was ahead is no reason to be deaf when it is right again. */
static void test_a_clock_that_was_a_year_ahead_does_not_silence_complaints(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net->now.wall_ms += YEAR_MS;
    for (int k = 0; k < 2; k++) {
        struct gx_body body = {.type = GX_EV_PREKEY, .u.prekey.prekey = slot_of(net, 2).prekey};
        uint32_t op = 0;

        net_send(net, 0, "tea", "under it");
        net_run(net, 2000);
        op = last_epoch(net, 0);
        body.u.prekey.epoch = tea(net, 0)->law.nodes[op].op.id;
        assert_int_equal(writes(net, 2, &body), GX_OK);
        keep(net, 2);
        net_run(net, 20000);
        assert_true(gx_epoch_by_op(tea(net, 0), op)->row.instead);
        net->now.wall_ms -= YEAR_MS;
        net->now.wall_ms += 2 * DAY_MS;
        net_run(net, 20000);
    }
    net_free(net);
}

/* A prekey counts until another is told, and is needed for two weeks from then on: not from when it was made. */
static void test_what_was_sealed_to_a_prekey_a_day_before_its_successor_is_opened(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);
    struct hand *h = hand_new();
    struct gx_epoch_to to[3];

    (void)state;
    net->now.wall_ms += 8 * DAY_MS;
    net_send(net, 1, "tea", "told a prekey");           /* n1's epoch is old: it makes one */
    net_run(net, 5000);
    assert_int_equal(rows(net, 1, GX_TABLE_PREKEY) > 0, 1);
    net->now.wall_ms += 20 * DAY_MS;
    net_run(net, 5000);
    for (int i = 0; i < 3; i++)
        to[i] = slot_of(net, i);
    hand_epoch(net, 2, h, to, 3, NULL);                 /* made now, heard of later */
    net_send(net, 1, "tea", "its successor");
    net_run(net, 1000);
    net->now.wall_ms += 8 * DAY_MS;
    net_send(net, 1, "tea", "and the next");
    net_run(net, 1000);
    tell(net, 2, 1, h);
    net_run(net, 5000);
    assert_int_equal(gx_epoch_by_op(tea(net, 1), gx_group_op(tea(net, 1), &h->ev.id))->row.state, GX_EPOCH_OPEN);
    free(h);
    net_free(net);
}

/* A prekey that was made while the clock was ahead looks newer than all that come after it. */
static void test_the_prekey_that_counts_is_kept_whatever_the_clock_was(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    net->now.wall_ms += YEAR_MS;
    net_send(net, 1, "tea", "of next year");
    net_run(net, 2000);
    net->now.wall_ms -= YEAR_MS;
    for (int k = 0; k < 3; k++) {
        net->now.wall_ms += 20 * DAY_MS;
        net_send(net, 1, "tea", "from 1");
        net_run(net, 2000);
        net->now.wall_ms += 20 * DAY_MS;
        net_send(net, 0, "tea", "from 0");
        net_run(net, 2000);
        assert_int_equal(newest_epoch(net, 1)->row.state, GX_EPOCH_OPEN);
        assert_int_equal(gx_engine_dropped(eng(net, 1), "epoch_shut"), 0);
        assert_true(reads(net, 1, "from 0"));
    }
    net_free(net);
}

/* --- homes that come back ------------------------------------------------------------------------------------------------------------------------- */

static void copy_store(const struct net *net, int i, const char *from, const char *to)
{
    char path[2][200], bytes[65536];
    FILE *in = NULL, *out = NULL;
    size_t n = 0;

    snprintf(path[0], sizeof path[0], "%s/%s", net->node[i].dir, from);
    snprintf(path[1], sizeof path[1], "%s/%s", net->node[i].dir, to);
    in = fopen(path[0], "rb");
    out = fopen(path[1], "wb");
    assert_true(in != NULL && out != NULL);
    if (in == NULL || out == NULL)
        abort();
    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(in);
    fclose(out);
}

/* The newest prekey that all have of it is one whose secret the backup has not. */
static void test_a_home_that_was_restored_from_before_its_newest_prekey_speaks_at_once(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 2, token);

    (void)state;
    net_stop(net, 1);
    copy_store(net, 1, GX_STORE_FILE, "saved");
    net_start(net, 1);
    net_run(net, 10000);
    net->now.wall_ms += 8 * DAY_MS;
    net_send(net, 1, "tea", "under its own epoch");
    net_run(net, 10000);
    net_stop(net, 1);
    copy_store(net, 1, "saved", GX_STORE_FILE);
    net->node[1].config.incarnation.b[0] ^= 1;
    net_start(net, 1);
    net_run(net, 20000);
    net_send(net, 1, "tea", "back again");
    net_run(net, 5000);
    assert_true(reads(net, 0, "back again"));
    net_send(net, 0, "tea", "welcome");
    net_run(net, 70000);
    assert_true(reads(net, 1, "welcome"));
    assert_true(reads(net, 1, "under its own epoch"));
    net_free(net);
}

static void copy_between(const struct net *net, int from, int to)
{
    char saved[200], there[200];

    copy_store(net, from, GX_STORE_FILE, "copy");
    snprintf(saved, sizeof saved, "%s/copy", net->node[from].dir);
    snprintf(there, sizeof there, "%s/%s", net->node[to].dir, GX_STORE_FILE);
    assert_int_equal(rename(saved, there), 0);
}

/* Both lives of a cloned home go on: each opens a log of its own, of which one alone is the newest of that device. */
static void test_both_lives_of_a_cloned_home_can_speak_once_the_fork_was_found(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 3, token);

    (void)state;
    net_send(net, 1, "tea", "of one life");
    net_run(net, 5000);
    /* n3 becomes a copy of n1, with its keys, its incarnation and its store. */
    net_stop(net, 1);
    net_stop(net, 3);
    copy_between(net, 1, 3);
    net->node[3].config.person = net->node[1].config.person;
    net->node[3].config.card_sk = net->node[1].config.card_sk;
    net->node[3].config.device_seed = net->node[1].config.device_seed;
    net->node[3].config.incarnation = net->node[1].config.incarnation;
    net_start(net, 1);
    net_start(net, 3);
    net_run(net, 20000);
    net_send(net, 1, "tea", "of the first");
    net_send(net, 3, "tea", "of the second");
    net_run(net, 60000);
    for (int k = 0; k < 3; k++) {
        char text[2][30];

        for (int i = 0; i < 2; i++) {
            snprintf(text[i], sizeof text[i], "on %d of %d", k, i);
            net_send(net, i == 0 ? 1 : 3, "tea", text[i]);
            net_run(net, 20000);
        }
        for (int i = 0; i < 2; i++)
            assert_true(reads(net, 0, text[i]) && reads(net, 2, text[i]));
    }
    net_free(net);
}

/* At whatever write of the step the store is full: there is both, or nothing. */
static void test_a_store_that_is_full_removes_nobody_without_an_epoch(void **state)
{
    unsigned n_full = 0;

    (void)state;
    for (unsigned pages = 0; pages < 24; pages += 1 + pages / 8) {
        char token[600];
        struct net *net = tea_of(3, 3, token);
        struct gx_command cmd = {.method = GX_CMD_GROUP_REMOVE, .group = "tea", .who = "n1", .given = GIVEN_WHO, .request = 1};
        struct gx_txn *reader = NULL;
        MDB_env *env = net->node[0].store->env;
        MDB_envinfo info;
        MDB_stat stat;
        uint32_t epochs = ops_of(net, 0, GX_EV_EPOCH);

        assert_int_equal(gx_txn_begin(&reader, net->node[0].store, false), GX_OK);
        assert_int_equal(mdb_env_info(env, &info), 0);
        assert_int_equal(mdb_env_stat(env, &stat), 0);
        assert_int_equal(mdb_env_set_mapsize(env, (info.me_last_pgno + 1 + pages) * stat.ms_psize), 0);
        net->node[0].full = true;
        net->node[0].n_full = 0;
        net_step(net, 0, (struct gx_input){.kind = GX_IN_COMMAND, .client = 900, .command = &cmd});
        n_full += net->node[0].n_full > 0;
        gx_txn_abort(&reader);
        restart(net, 0);
        assert_int_equal(ops_of(net, 0, GX_EV_EPOCH), epochs + ops_of(net, 0, GX_EV_REMOVE));
        net->node[0].full = false;
        net_run(net, 20000);
        net_send(net, 0, "tea", "go on");
        net_run(net, 3000);
        assert_true(reads(net, 2, "go on"));
        net_free(net);
    }
    assert_in_range(n_full, 3, 20);
}

/* Who came last may go: there is an epoch of those who stay, under which nothing was ever sealed to who goes. */
static void test_who_came_last_and_is_removed_is_not_listed_in_what_is_spoken_under(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    net_send(net, 0, "tea", "to all");
    assert_true(lists(net, 0, last_epoch(net, 0), 2));
    assert_true(act(net, 0, GX_CMD_GROUP_REMOVE, "n2"));
    net_send(net, 0, "tea", "to those who stay");
    assert_false(lists(net, 0, last_epoch(net, 0), 2));
    net_run(net, 5000);
    assert_true(reads(net, 1, "to those who stay"));
    assert_false(reads(net, 2, "to those who stay"));
    net_free(net);
}

/* Its author sealed it well, and what it says makes no sense: it is shown to nobody, and asked for by nobody for ever. */
static void test_a_text_that_opens_and_makes_no_sense_is_not_asked_for_again(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    struct gx_group *g = NULL;
    struct gx_body body;
    struct gx_epoch *epoch = NULL;
    struct gx_chain_key ck;
    struct gx_message_key key;
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;
    uint8_t hdr0[GX_EVENT_HDR_MAX];
    struct gx_wr w;

    (void)state;
    net_send(net, 2, "tea", "at first");
    net_run(net, 2000);
    g = tea(net, 2);
    epoch = gx_epoch_by_op(g, last_epoch(net, 2));
    ck = chain_of(net, 2, epoch, 2)->key;
    gx_chain_step(&key, &ck);
    garbage(net, 2, h, 0, NULL, last_head(net, 2).epoch, chain_of(net, 2, epoch, 2)->next);
    assert_int_equal(gx_body_decode(&body, &h->ev), GX_OK);
    w = gx_wr(hdr0, sizeof hdr0);
    gx_event_write_header0(&w, &h->ev);
    gx_message_seal(h->blind, &body.u.sealed.head, &key, net->node[2].config.rng, gx_wr_span(&w), gx_span("\x01nonsense", 9));
    body.u.sealed.sealed.p = h->blind;
    w = gx_wr(h->body, sizeof h->body);
    gx_body_encode(&w, &body);
    h->ev.body = gx_wr_span(&w);
    gx_device_key(&pk, &sk, &net->node[2].config.device_seed, &g->row.intro.e);
    gx_event_seal(&h->ev, &sk);
    w = gx_wr(h->bytes, sizeof h->bytes);
    gx_chunk_write_header(&w, &h->ev.log, (uint32_t)h->ev.seq, &h->ev.prev, 1);
    gx_record_encode(&w, &h->ev);
    h->n = w.n;
    memset(&spy, 0, sizeof spy);
    spy.victim = 0;
    spy.liar = -1;
    net->pass = spies;
    tell(net, 2, 0, h);
    net_run(net, 200000);
    assert_int_equal(spy.asked, 0);
    assert_true(reads(net, 0, "at first"));
    restart(net, 0);
    net_run(net, 20000);
    assert_int_equal(spy.asked, 0);
    net_send(net, 2, "tea", "and then");
    net_run(net, 5000);
    assert_true(reads(net, 0, "and then") && reads(net, 1, "and then"));
    free(h);
    net_free(net);
}

/* An EPOCH that cheats one who is restarted before it could complain, or in whose way the day stands, is complained of later. */
static void test_a_complaint_that_had_to_wait_is_made_after_a_restart(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    uint32_t prekeys = ops_of(net, 0, GX_EV_PREKEY), op = 0;

    (void)state;
    for (int k = 0; k < 2; k++) {       /* the second within the same day */
        struct gx_epoch_to to[3];

        for (int i = 0; i < 3; i++)
            to[i] = slot_of(net, i);
        hand_epoch(net, 2, h, to, 3, slot_of(net, 1).log);
        tell(net, 2, 0, h);
        net_run(net, 10000);
    }
    op = gx_group_op(tea(net, 0), &h->ev.id);
    assert_int_equal(ops_of(net, 0, GX_EV_PREKEY), prekeys + 1);
    net->now.wall_ms += 2 * DAY_MS;
    restart(net, 1);
    net_run(net, 70000);
    assert_int_equal(ops_of(net, 0, GX_EV_PREKEY), prekeys + 2);
    assert_true(gx_epoch_by_op(tea(net, 0), op)->row.instead);
    free(h);
    net_free(net);
}

static int keys_at_the_door;    /* 0: changed on the way, 1: lost */

static size_t spoils_keys(struct net *net, int from, int to, uint8_t *bytes, size_t n)
{
    (void)net;
    (void)from;
    if (to == 2 && n > 40 && bytes[0] == GX_FRAME_KEYS)
        bytes[n - 1] ^= 1;
    return n;
}

static bool loses_keys(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)net;
    (void)from;
    return keys_at_the_door == 0 || to != 2 || bytes.n == 0 || bytes.p[0] != GX_FRAME_KEYS;
}

/* Or the newcomer is stopped as soon as it is in. */
static void test_a_newcomer_whom_the_door_told_no_keys_asks_the_members(void **state)
{
    (void)state;
    for (keys_at_the_door = 0; keys_at_the_door < 2; keys_at_the_door++) {
        char token[600];
        struct net *net = tea_of(3, 2, token);

        assert_true(name_self(net, 1, "one"));
        net_run(net, 2000);
        net->pass = loses_keys;
        net->spoil = spoils_keys;
        assert_true(net_join(net, 2, token, NULL));
        net->pass = NULL;
        net->spoil = NULL;
        restart(net, 2);
        net_run(net, 90000);
        assert_string_equal(show(net, 2, "name"), "tea");
        net_get(net, 2, GX_CMD_GROUP_MEMBERS, "tea", "name");
        assert_non_null(strstr(net->node[2].all, "one"));
        net_send(net, 2, "tea", "here");
        net_run(net, 3000);
        assert_true(reads(net, 0, "here") && reads(net, 1, "here"));
        net_free(net);
    }
}

/* Everybody speaks at once under no epoch: as many are made, all is read, and one is spoken under from then on. */
static void test_all_who_speak_at_once_without_an_epoch_are_read_and_agree_on_one(void **state)
{
    char token[600];
    struct net *net = tea_of(4, 4, token);
    uint32_t n = 0;

    (void)state;
    net->now.wall_ms += 8 * DAY_MS;
    for (int i = 0; i < 4; i++) {
        struct gx_body body = {.type = GX_EV_TEXT, .u.text = {.wall_ms = 60000, .text = gx_span("at once", 7)}};

        assert_int_equal(writes(net, i, &body), GX_OK);
        keep(net, i);
    }
    net_run(net, 60000);
    n = ops_of(net, 0, GX_EV_EPOCH);
    for (int i = 0; i < 4; i++) {
        net_send(net, i, "tea", "as one");
        net_run(net, 3000);
        assert_memory_equal(last_head(net, i).epoch, last_head(net, 0).epoch, 32);
        assert_int_equal(rows(net, i, GX_TABLE_LOCKED), 0);
    }
    assert_int_equal(ops_of(net, 0, GX_EV_EPOCH), n);
    net_free(net);
}

static void test_in_a_direct_chat_what_was_said_before_the_other_came_is_read(void **state)
{
    struct net *net = net_new(2);

    (void)state;
    befriend(net, 0, 1);
    net_send(net, 0, "@n1", "hello");
    net_run(net, 5000);
    assert_true(reads_in(net, 1, "@n0", "hello"));
    restart(net, 1);
    net_send(net, 1, "@n0", "hello yourself");
    net_run(net, 20000);
    assert_true(reads_in(net, 0, "@n1", "hello yourself"));
    net_free(net);
}

static void test_who_left_is_listed_no_more_by_who_heard_of_it(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    uint32_t op = 0;

    (void)state;
    net_send(net, 0, "tea", "all here");
    net_run(net, 2000);
    op = last_epoch(net, 0);
    assert_true(net_ask(net, 2, leave, "state", 0));
    net_run(net, 20000);
    net_send(net, 0, "tea", "one is gone");
    assert_true(last_epoch(net, 0) != op);
    assert_false(lists(net, 0, last_epoch(net, 0), 2));
    net_run(net, 2000);
    assert_true(reads(net, 1, "one is gone"));
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_text_no_name_and_no_title_is_in_a_frame_or_in_the_events_of_a_store),
        cmocka_unit_test(test_the_epoch_without_the_removed_is_written_in_the_step_of_the_removal),
        cmocka_unit_test(test_of_several_who_are_removed_in_one_step_none_is_listed),
        cmocka_unit_test(test_a_newcomer_reads_title_names_and_what_is_said_from_then_on_and_nothing_from_before),
        cmocka_unit_test(test_a_key_of_a_chain_is_used_once_and_the_chain_moves_on),
        cmocka_unit_test(test_keys_that_are_passed_over_are_kept_and_then_gone),
        cmocka_unit_test(test_what_was_sealed_is_read_again_after_a_restart),
        cmocka_unit_test(test_an_epoch_that_cheats_one_is_complained_of_and_used_no_more_and_its_texts_are_read),
        cmocka_unit_test(test_an_epoch_that_lists_others_than_the_members_is_spoken_under_by_nobody),
        cmocka_unit_test(test_false_complaints_count_once_a_day_and_stop_nobody),
        cmocka_unit_test(test_complaints_about_no_epoch_or_one_of_others_mean_nothing),
        cmocka_unit_test(test_texts_far_ahead_at_a_place_twice_and_under_what_is_no_epoch_hurt_their_author_alone),
        cmocka_unit_test(test_a_key_that_does_not_fit_or_was_not_asked_for_is_struck_and_another_is_asked),
        cmocka_unit_test(test_keys_that_nobody_asked_for_are_dropped),
        cmocka_unit_test(test_a_newcomer_who_asks_for_what_was_said_before_is_told_nothing),
        cmocka_unit_test(test_a_newcomer_is_not_told_the_name_of_who_was_gone_before),
        cmocka_unit_test(test_a_removed_member_that_holds_its_session_open_is_told_no_key),
        cmocka_unit_test(test_who_fills_its_log_with_what_nobody_can_open_keeps_nobody_from_the_keys_of_others),
        cmocka_unit_test(test_who_lacks_many_keys_is_told_all_of_them_by_one_alone),
        cmocka_unit_test(test_what_has_its_key_is_looked_at_once_and_hides_nothing_behind_it),
        cmocka_unit_test(test_invitations_that_nobody_can_open_keep_nobody_from_the_keys_of_texts),
        cmocka_unit_test(test_after_a_thousand_messages_another_epoch_is_made),
        cmocka_unit_test(test_who_used_up_its_chain_with_names_speaks_under_another_epoch),
        cmocka_unit_test(test_a_clock_that_was_a_year_ahead_leaves_no_epoch_in_use_for_a_year),
        cmocka_unit_test(test_a_clock_that_was_a_year_ahead_does_not_silence_complaints),
        cmocka_unit_test(test_what_was_sealed_to_a_prekey_a_day_before_its_successor_is_opened),
        cmocka_unit_test(test_the_prekey_that_counts_is_kept_whatever_the_clock_was),
        cmocka_unit_test(test_a_home_that_was_restored_from_before_its_newest_prekey_speaks_at_once),
        cmocka_unit_test(test_both_lives_of_a_cloned_home_can_speak_once_the_fork_was_found),
        cmocka_unit_test(test_a_store_that_is_full_removes_nobody_without_an_epoch),
        cmocka_unit_test(test_who_came_last_and_is_removed_is_not_listed_in_what_is_spoken_under),
        cmocka_unit_test(test_a_text_that_opens_and_makes_no_sense_is_not_asked_for_again),
        cmocka_unit_test(test_a_complaint_that_had_to_wait_is_made_after_a_restart),
        cmocka_unit_test(test_a_newcomer_whom_the_door_told_no_keys_asks_the_members),
        cmocka_unit_test(test_all_who_speak_at_once_without_an_epoch_are_read_and_agree_on_one),
        cmocka_unit_test(test_in_a_direct_chat_what_was_said_before_the_other_came_is_read),
        cmocka_unit_test(test_who_left_is_listed_no_more_by_who_heard_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
