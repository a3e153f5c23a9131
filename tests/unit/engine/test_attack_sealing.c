/* Epochs, sealed bodies and questions that lie: whom do they hurt?  WIRE §4.16 to §4.18, §6.27, §6.28 */
#include "tests/unit/engine/sealing.h"

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

static bool tells_n1_no_keys(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    (void)net;
    (void)from;
    return to != 1 || gx_frame_decode(&f, bytes) != GX_OK || f.kind != GX_FRAME_KEYS;
}

/* Nothing is kept of such an epoch when it is long over; but who was listed in it is told all the same, by whoever comes so late. */
static void test_what_one_was_cheated_of_is_read_after_months_too(void **state)
{
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct hand *h = hand_new();
    struct gx_epoch_to to[3];
    uint32_t op = 0;

    (void)state;
    for (int i = 0; i < 3; i++)
        to[i] = slot_of(net, i);
    hand_epoch(net, 2, h, to, 3, slot_of(net, 1).log);
    tell(net, 2, 0, h);
    net_settle(net);
    net->pass = tells_n1_no_keys;
    net_send(net, 0, "tea", "to two of three");
    op = last_epoch(net, 0);
    assert_memory_equal(&tea(net, 0)->law.nodes[op].op.id, &h->ev.id, 32);
    net_run(net, 3000);
    op = gx_group_op(tea(net, 1), &h->ev.id);
    assert_int_equal(gx_epoch_by_op(tea(net, 1), op)->row.state, GX_EPOCH_SHUT);
    for (int week = 0; week < 9; week++) {
        net->now.wall_ms += 7 * DAY_MS + 3600000;
        net_send(net, 1, "tea", "this week");
        net_run(net, 2 * 3600000);
    }
    assert_int_equal(gx_epoch_by_op(tea(net, 1), op)->row.state, 0);
    assert_false(reads(net, 1, "to two of three"));
    net->pass = NULL;
    net_run(net, 2 * 3600000);
    assert_true(reads(net, 1, "to two of three"));
    free(h);
    net_free(net);
}

/* Two members who choose their incarnations until the first 8 bytes of their logs are one: some 2^32 tries, of which here are the last two. */
static void test_of_two_logs_that_were_made_to_begin_alike_one_is_listed(void **state)
{
    static const struct gx_incarnation chosen[2] = {{{0x88, 0x0a, 0x27, 0x2a, 0x6a, 0xa5, 0xd0, 0x66}}, {{0x59, 0xff, 0x56, 0x57, 0x46, 0x9d, 0xa8, 0xdb}}};
    char token[600];
    struct net *net = tea_of(3, 3, token);
    struct gx_group *g = tea(net, 0);
    struct gx_log_id id[2];
    struct gx_event ev;
    struct gx_body body;

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct gx_log *log = &g->logs[gx_idmap_get(&g->log_by_device, tea(net, k + 1)->row.intro.device.b)];

        memset(&log->row.member, 0x61 + 2 * k, sizeof log->row.member);
        memset(&log->row.device, 0x62 + 2 * k, sizeof log->row.device);
        log->now = chosen[k];
        gx_log_id_make(&id[k], &log->row.member, &log->row.device, &log->now, GX_LOG_MESSAGES);
    }
    assert_memory_equal(id[0].b, id[1].b, GX_EPOCH_LOG_BYTES);
    assert_memory_not_equal(id[0].b, id[1].b, sizeof id[0].b);
    g->live_known = false;
    net_send(net, 0, "tea", "said all the same");
    assert_true(gx_group_read(eng(net, 0), g, &g->logs[g->ops[last_epoch(net, 0)].log], g->ops[last_epoch(net, 0)].seq, &ev, &body));
    assert_int_equal(body.u.epoch.n, 2);
    assert_true(gx_epoch_lists(body.u.epoch.slots, id[0].b) && gx_epoch_lists(body.u.epoch.slots, slot_of(net, 0).log));
    net_send(net, 0, "tea", "and under the same epoch");
    assert_int_equal(newest_epoch(net, 0)->op, last_epoch(net, 0));
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

/* Three wrong keys end the session, and it comes back at once: it would be asked again for ever. */
static void test_who_told_wrong_keys_is_not_asked_again_within_the_hour(void **state)
{
    struct net *net = one_is_cheated("under it", 3);

    (void)state;
    spy.wrong = true;
    net_stop(net, 0);
    net_start(net, 1);
    net_run(net, 3000000);
    assert_int_equal(spy.asked, 1);
    net_run(net, 3 * 3600000);
    assert_true(spy.asked >= 2);
    assert_true(spy.asked <= 5);
    net_start(net, 0);
    net_run(net, 100000);
    assert_true(reads(net, 1, "under it"));
    net_free(net);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_epoch_that_cheats_one_is_complained_of_and_used_no_more_and_its_texts_are_read),
        cmocka_unit_test(test_what_one_was_cheated_of_is_read_after_months_too),
        cmocka_unit_test(test_of_two_logs_that_were_made_to_begin_alike_one_is_listed),
        cmocka_unit_test(test_an_epoch_that_lists_others_than_the_members_is_spoken_under_by_nobody),
        cmocka_unit_test(test_false_complaints_count_once_a_day_and_stop_nobody),
        cmocka_unit_test(test_complaints_about_no_epoch_or_one_of_others_mean_nothing),
        cmocka_unit_test(test_texts_far_ahead_at_a_place_twice_and_under_what_is_no_epoch_hurt_their_author_alone),
        cmocka_unit_test(test_a_key_that_does_not_fit_or_was_not_asked_for_is_struck_and_another_is_asked),
        cmocka_unit_test(test_who_told_wrong_keys_is_not_asked_again_within_the_hour),
        cmocka_unit_test(test_keys_that_nobody_asked_for_are_dropped),
        cmocka_unit_test(test_a_newcomer_who_asks_for_what_was_said_before_is_told_nothing),
        cmocka_unit_test(test_a_newcomer_is_not_told_the_name_of_who_was_gone_before),
        cmocka_unit_test(test_a_removed_member_that_holds_its_session_open_is_told_no_key),
        cmocka_unit_test(test_who_fills_its_log_with_what_nobody_can_open_keeps_nobody_from_the_keys_of_others),
        cmocka_unit_test(test_who_lacks_many_keys_is_told_all_of_them_by_one_alone),
        cmocka_unit_test(test_what_has_its_key_is_looked_at_once_and_hides_nothing_behind_it),
        cmocka_unit_test(test_invitations_that_nobody_can_open_keep_nobody_from_the_keys_of_texts),
        cmocka_unit_test(test_a_text_that_opens_and_makes_no_sense_is_not_asked_for_again),
    };
    return cmocka_run_group_tests_name("engine/attack_sealing", tests, NULL, NULL);
}
