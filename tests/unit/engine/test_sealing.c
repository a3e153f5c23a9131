/* What is sealed to the members: who can read what, and members that lie about it.  KEYS §5 to §7, WIRE §4.16 to §4.18, §6.27, §6.28. */
#include "tests/unit/engine/sealing.h"

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

/* --- prekeys and epochs that age ------------------------------------------------------------------------------------------------------------------- */

/* PREKEYs of one node. */
static uint32_t told_by(struct net *net, int i, int of)
{
    const struct gx_group *g = tea(net, i);
    uint32_t n = 0;

    for (uint32_t op = 0; op < g->law.n_ops; op++)
        n += g->ops[op].type == GX_EV_PREKEY && g->law.nodes[op].op.author == person_of(net, i, of);
    return n;
}

/* n1 says nothing: what is sealed to it is sealed to the prekey that it told last. */
static void test_who_only_listens_tells_another_prekey_a_week_after_one_that_was_used(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    struct gx_dh_pk stolen = slot_of(net, 1).prekey;
    uint32_t told = 0;

    (void)state;
    net_send(net, 0, "tea", "to who listens");
    net_run(net, 2 * 3600000);
    told = told_by(net, 0, 1);
    net->now.wall_ms += 6 * DAY_MS;
    net_run(net, 2 * 3600000);
    assert_int_equal(told_by(net, 0, 1), told);
    for (int week = 1; week <= 3; week++) {
        net->now.wall_ms += 8 * DAY_MS;
        net_run(net, 2 * 3600000);
        assert_int_equal(told_by(net, 0, 1), told + (uint32_t)week);
        assert_memory_not_equal(gx_epoch_prekey(tea(net, 0), &tea(net, 1)->row.intro.device), &stolen, sizeof stolen);
        stolen = slot_of(net, 1).prekey;
        net->now.wall_ms += 30 * DAY_MS;            /* nothing was sealed to it yet: it stays */
        net_run(net, 2 * 3600000);
        assert_int_equal(told_by(net, 0, 1), told + (uint32_t)week);
        net_send(net, 0, "tea", "this week");
        net_run(net, 5000);
        assert_true(reads(net, 1, "this week"));
    }
    net_free(net);
}

static void test_restarts_neither_bring_the_next_prekey_forward_nor_put_it_off(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint32_t told = 0;

    (void)state;
    net_send(net, 0, "tea", "to who listens");
    net_run(net, 5000);
    told = told_by(net, 1, 1);
    for (int k = 0; k < 6; k++) {                   /* each day, and never for an hour */
        net->now.wall_ms += DAY_MS;
        restart(net, 1);
        net_run(net, 5000);
        assert_int_equal(told_by(net, 1, 1), told);
    }
    net->now.wall_ms += 2 * DAY_MS;
    for (int k = 0; k < 5; k++) {
        restart(net, 1);
        net_run(net, 5000);
        assert_int_equal(told_by(net, 1, 1), told + 1);
    }
    net_free(net);
}

/* As if there were more: n1's view alone is looked at. */
static void test_in_a_large_group_each_tells_prekeys_less_often(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint32_t told = 0;

    (void)state;
    net_send(net, 0, "tea", "to who listens");
    net_run(net, 5000);
    told = told_by(net, 1, 1);
    tea(net, 1)->law.now.n_members = 60;
    net->now.wall_ms += 13 * DAY_MS;
    net_run(net, 2 * 3600000);
    assert_int_equal(told_by(net, 1, 1), told);
    assert_int_equal(tea(net, 1)->law.now.n_members, 60);
    net->now.wall_ms += 2 * DAY_MS;
    net_run(net, 2 * 3600000);
    assert_int_equal(told_by(net, 1, 1), told + 1);
    net_free(net);
}

static void test_a_restart_is_no_reason_to_complain_again_within_the_day(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    uint32_t prekeys = ops_of(net, 0, GX_EV_PREKEY);

    (void)state;
    for (int k = 0; k < 4; k++) {
        struct gx_epoch_to to[3];

        for (int i = 0; i < 3; i++)
            to[i] = slot_of(net, i);
        hand_epoch(net, 2, h, to, 3, slot_of(net, 1).log);
        tell(net, 2, 0, h);
        net_run(net, 10000);
        restart(net, 1);
        net_run(net, 10000);
        assert_int_equal(ops_of(net, 0, GX_EV_PREKEY), prekeys + 1);
    }
    free(h);
    net_free(net);
}

/* n2 complains of whatever n0 speaks under, and n0 starts anew each time. */
static void test_a_restart_is_no_reason_to_heed_another_complaint_within_the_day(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);

    (void)state;
    for (int k = 0; k < 3; k++) {
        struct gx_body body = {.type = GX_EV_PREKEY, .u.prekey.prekey = slot_of(net, 2).prekey};
        uint32_t op = 0;

        net_send(net, 0, "tea", "under it");
        net_run(net, 2000);
        op = last_epoch(net, 0);
        body.u.prekey.epoch = tea(net, 0)->law.nodes[op].op.id;
        assert_int_equal(writes(net, 2, &body), GX_OK);
        keep(net, 2);
        net_run(net, 20000);
        assert_int_equal(gx_epoch_by_op(tea(net, 0), op)->row.instead, k == 0);
        net_send(net, 0, "tea", "and go on");
        net_run(net, 70000);                        /* times of events are whole minutes */
        restart(net, 0);
        net_run(net, 20000);
    }
    net_free(net);
}

/* For one moment n1's clock is a year ahead, and it speaks. */
static void test_one_wrong_reading_of_the_clock_drops_no_epoch_in_use(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_body body = {.type = GX_EV_TEXT, .u.text = {.text = gx_span("of next year", 12)}};
    uint32_t before = 0, used = 0;

    (void)state;
    net_send(net, 0, "tea", "before");
    net_run(net, 2000);
    before = last_epoch(net, 0);
    net->now.wall_ms += 9 * DAY_MS;
    net_send(net, 0, "tea", "in use");
    net_run(net, 2000);
    used = last_epoch(net, 0);
    assert_true(used != before);
    net->now.wall_ms += YEAR_MS;
    assert_int_equal(writes(net, 1, &body), GX_OK);
    net->now.wall_ms -= YEAR_MS;
    assert_int_equal(gx_epoch_by_op(tea(net, 1), used)->row.state, GX_EPOCH_OPEN);
    keep(net, 1);
    net_run(net, 20000);
    assert_int_equal(gx_epoch_by_op(tea(net, 1), used)->row.state, GX_EPOCH_OPEN);
    net_free(net);
}

static void test_epochs_are_dropped_when_they_are_long_over(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);
    uint32_t first = 0;

    (void)state;
    for (int week = 0; week < 9; week++) {
        net_send(net, 0, "tea", "this week");
        net_run(net, 2000);
        first = week == 0 ? last_epoch(net, 0) : first;
        assert_int_equal(gx_epoch_by_op(tea(net, 0), first)->row.state, week <= 5 ? GX_EPOCH_OPEN : GX_EPOCH_SPENT);      /* its gate is still there */
        net->now.wall_ms += 7 * DAY_MS + 3600000;
    }
    uint32_t open = 0;
    for (uint32_t i = 0; i < tea(net, 0)->n_epochs; i++) {
        open += tea(net, 0)->epochs[i].row.state == GX_EPOCH_OPEN;
        assert_true(tea(net, 0)->epochs[i].row.state == GX_EPOCH_OPEN || tea(net, 0)->epochs[i].row.n_chains == 0);
    }
    assert_true(open > 0 && open <= 7);
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
        cmocka_unit_test(test_after_a_thousand_messages_another_epoch_is_made),
        cmocka_unit_test(test_who_used_up_its_chain_with_names_speaks_under_another_epoch),
        cmocka_unit_test(test_a_clock_that_was_a_year_ahead_leaves_no_epoch_in_use_for_a_year),
        cmocka_unit_test(test_a_clock_that_was_a_year_ahead_does_not_silence_complaints),
        cmocka_unit_test(test_what_was_sealed_to_a_prekey_a_day_before_its_successor_is_opened),
        cmocka_unit_test(test_the_prekey_that_counts_is_kept_whatever_the_clock_was),
        cmocka_unit_test(test_who_only_listens_tells_another_prekey_a_week_after_one_that_was_used),
        cmocka_unit_test(test_restarts_neither_bring_the_next_prekey_forward_nor_put_it_off),
        cmocka_unit_test(test_in_a_large_group_each_tells_prekeys_less_often),
        cmocka_unit_test(test_a_restart_is_no_reason_to_complain_again_within_the_day),
        cmocka_unit_test(test_a_restart_is_no_reason_to_heed_another_complaint_within_the_day),
        cmocka_unit_test(test_one_wrong_reading_of_the_clock_drops_no_epoch_in_use),
        cmocka_unit_test(test_epochs_are_dropped_when_they_are_long_over),
        cmocka_unit_test(test_a_home_that_was_restored_from_before_its_newest_prekey_speaks_at_once),
        cmocka_unit_test(test_both_lives_of_a_cloned_home_can_speak_once_the_fork_was_found),
        cmocka_unit_test(test_a_store_that_is_full_removes_nobody_without_an_epoch),
        cmocka_unit_test(test_who_came_last_and_is_removed_is_not_listed_in_what_is_spoken_under),
        cmocka_unit_test(test_a_complaint_that_had_to_wait_is_made_after_a_restart),
        cmocka_unit_test(test_a_newcomer_whom_the_door_told_no_keys_asks_the_members),
        cmocka_unit_test(test_all_who_speak_at_once_without_an_epoch_are_read_and_agree_on_one),
        cmocka_unit_test(test_in_a_direct_chat_what_was_said_before_the_other_came_is_read),
        cmocka_unit_test(test_who_left_is_listed_no_more_by_who_heard_of_it),
    };
    return cmocka_run_group_tests_name("engine/sealing", tests, NULL, NULL);
}
