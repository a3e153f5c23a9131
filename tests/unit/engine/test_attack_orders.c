/* A member, an admin, who writes whatever its keys can sign: control events of every kind in any of its logs and incarnations, forked, with odd targets,
 * cuts and pasts, and forked messages.  Two honest nodes get all of it in different orders, again and again until nothing is missing: they come to
 * the same group and the same messages, also after a start.  GX_SEEDS=N runs seeds 1 to N, GX_SEED=N that one alone. */
#include "store/check.h"
#include "tests/unit/engine/attack.h"

#define LIAR 2
#define EVENTS 60

static uint64_t rng_state;
static uint32_t pick(uint32_t n)
{
    rng_state = rng_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(rng_state >> 33) % n;
}

struct world {
    struct net *net;
    struct hand *made[EVENTS];
    uint32_t n;
    struct gx_event_id known[EVENTS + 64];      /* control events that may be named, and their ticks */
    uint64_t ticks[EVENTS + 64];
    uint32_t n_known;
    struct gx_sign_pk members[4];
    struct gx_join_request request;             /* the liar's own, which it may say again */
    struct gx_span request_bytes;
    struct gx_event_id tokens[8];
    uint32_t n_tokens, n_texts;
};

static unsigned n_effective, n_void, n_refused, n_forks, n_out;

/* The liar's engine keeps its sessions and says nothing of the group. */
static bool liar_is_quiet(struct net *net, int from, int to, struct gx_span bytes)
{
    if (net->cut[from][to])
        return false;
    return from != LIAR || bytes.n == 0 || (bytes.p[0] != GX_FRAME_CHUNKS && bytes.p[0] != GX_FRAME_FRONTIER && bytes.p[0] != GX_FRAME_WANT);
}

static size_t pick_deps(struct world *w, struct gx_event_id out[4], uint64_t *tick)
{
    size_t n = 1 + pick(4), kept = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t k = pick(2) ? pick(w->n_known) : w->n_known - 1 - pick(w->n_known < 6 ? w->n_known : 6);
        size_t at = 0;

        while (at < kept && gx_event_id_cmp(&out[at], &w->known[k]) < 0)
            at++;
        if (at < kept && gx_event_id_equal(&out[at], &w->known[k]))
            continue;
        memmove(&out[at + 1], &out[at], (kept - at) * sizeof *out);
        out[at] = w->known[k];
        kept++;
        *tick = w->ticks[k] > *tick ? w->ticks[k] : *tick;
    }
    return kept;
}

static struct gx_sign_pk pick_member(const struct world *w)
{
    struct gx_sign_pk odd;

    memset(odd.b, 0x66, sizeof odd.b);
    return pick(10) == 0 ? odd : w->members[pick(3)];
}

static const uint8_t kinds[] = {GX_EV_ADMIT, GX_EV_LEAVE, GX_EV_REMOVE, GX_EV_BAN, GX_EV_UNBAN, GX_EV_TOKEN, GX_EV_REVOKE, GX_EV_PROMOTE, GX_EV_DEMOTE,
                                GX_EV_TRANSFER, GX_EV_CHECKPOINT, GX_EV_ALIAS, GX_EV_META, GX_EV_INCARNATION, GX_EV_OFFER, GX_EV_ACCEPT};

static void fill(struct world *w, struct gx_body *body, uint8_t cuts[GX_CUT_BYTES])
{
    struct gx_wr c = gx_wr(cuts, GX_CUT_BYTES);
    struct gx_cut cut = {.seq = 1 + pick(4)};

    gx_log_id_make(&cut.log, &w->members[LIAR], &tea(w->net, LIAR)->row.intro.device, &tea(w->net, LIAR)->row.intro.incarnation, GX_LOG_MESSAGES);
    memset(cut.id.b, (int)pick(256), sizeof cut.id.b);
    gx_cut_write(&c, &cut);
    switch (body->type) {
    case GX_EV_ADMIT:
        body->u.admit.request = w->request;
        body->u.admit.request_bytes = w->request_bytes;
        break;
    case GX_EV_LEAVE:
        body->u.leave.n_cuts = (uint16_t)pick(2);
        body->u.leave.cuts = gx_span(cuts, body->u.leave.n_cuts * GX_CUT_BYTES);
        break;
    case GX_EV_REMOVE:
    case GX_EV_BAN:
        body->u.removal.target = pick(3) ? w->members[LIAR] : pick_member(w);
        body->u.removal.n_cuts = (uint16_t)pick(2);
        body->u.removal.cuts = gx_span(cuts, body->u.removal.n_cuts * GX_CUT_BYTES);
        break;
    case GX_EV_TOKEN:
        memset(body->u.token.token_pk.b, (int)pick(256), 32);
        body->u.token.expires_min = 0xffffff;
        break;
    case GX_EV_REVOKE:
        body->u.revoke.what = (uint8_t)(1 + pick(2));
        if (body->u.revoke.what == GX_REVOKE_TOKEN)
            body->u.revoke.token = pick(2) ? w->tokens[pick(w->n_tokens)] : w->known[pick(w->n_known)];
        else
            body->u.revoke.member = pick_member(w);
        break;
    case GX_EV_UNBAN:
    case GX_EV_PROMOTE:
    case GX_EV_DEMOTE:
    case GX_EV_OFFER:
        body->u.target.target = pick_member(w);
        break;
    case GX_EV_TRANSFER:
    case GX_EV_ACCEPT: {
        uint8_t bytes[GX_ACCEPT_SIGNED_BYTES];
        struct gx_sign_pk pk;
        struct gx_sign_sk sk;
        struct gx_event_id offer = w->known[pick(w->n_known)];

        gx_device_key(&pk, &sk, &w->net->node[LIAR].config.device_seed, &tea(w->net, LIAR)->row.intro.e);
        gx_accept_signed_bytes(bytes, &tea(w->net, LIAR)->row.id, &offer, &w->members[LIAR], &pk);
        if (body->type == GX_EV_TRANSFER) {
            body->u.transfer = (struct gx_body_transfer){.target = w->members[LIAR], .device = pk, .offer = offer};
            gx_sign(&body->u.transfer.sig, &sk, GX_DOMAIN_ACCEPT, gx_span(bytes, sizeof bytes));
        } else {
            body->u.accept = (struct gx_body_accept){.answer = GX_ACCEPT_YES, .offer = offer};
            gx_sign(&body->u.accept.sig, &sk, GX_DOMAIN_ACCEPT, gx_span(bytes, sizeof bytes));
        }
        break;
    }
    case GX_EV_ALIAS:
        body->u.alias.name = gx_span("liar", 1 + pick(4));
        break;
    case GX_EV_META:
        body->u.meta.name = gx_span("tea", 3);
        break;
    default:
        break;
    }
}

static void make_control(struct world *w, struct hand *h)
{
    struct gx_group *g = tea(w->net, LIAR);
    struct gx_body body = {.type = kinds[pick(sizeof kinds)]};
    uint8_t cuts[GX_CUT_BYTES];
    struct gx_event_id deps[4];
    uint64_t tick = 0;
    size_t n = pick_deps(w, deps, &tick);

    if (body.type == GX_EV_INCARNATION) {
        hand_incarnation(w->net, LIAR, h, pick(6), deps, n, tick + 1);
    } else {
        const struct gx_log_row *own = &g->logs[g->own_control].row;
        struct gx_log_id log = own->id;
        struct gx_event_id prev = own->head_id;
        uint64_t seq = own->head_seq + 1;

        fill(w, &body, cuts);
        if (w->n > 0 && pick(4) != 0) {             /* behind anything made before, or beside it */
            const struct hand *before = w->made[pick(4) ? w->n - 1 : pick(w->n)];

            if (before->ev.type != GX_EV_TEXT) {
                log = before->ev.log;
                prev = before->ev.id;
                seq = before->ev.seq + 1;
                tick = before->ev.tick > tick ? before->ev.tick : tick;
                if (before->ev.seq == 1 && pick(3) == 0) {
                    seq = 1;
                    memset(prev.b, 0, sizeof prev.b);
                }
            }
        } else if (own->head_tick > tick) {
            tick = own->head_tick;
        }
        hand_make(w->net, LIAR, h, &body, &log, seq, &prev, deps, n, tick + 1 + pick(3));
    }
    w->known[w->n_known] = h->ev.id;
    w->ticks[w->n_known++] = h->ev.tick;
}

static void make_text(struct world *w, struct hand *h)
{
    struct gx_group *g = tea(w->net, LIAR);
    struct gx_event_id deps[4];
    uint64_t tick = 0;
    size_t n = pick_deps(w, deps, &tick);
    const struct hand *before = NULL;

    if (w->n_texts++ == 0) {                        /* the first knows that its author is in */
        deps[0] = g->law.nodes[gx_law_seat(&g->law, g->me)].op.id;
        n = 1;
        tick = g->ops[gx_law_seat(&g->law, g->me)].tick;
    } else {
        for (uint32_t i = w->n, back = w->n_texts < 6 ? pick(3) : 0; i-- > 0 && (before == NULL || back-- > 0);)
            if (w->made[i]->ev.type == GX_EV_TEXT)
                before = w->made[i];
    }
    hand_text(w->net, LIAR, h, "word", &g->logs[g->own_messages].row.id, before == NULL ? 1 : before->ev.seq + 1, before == NULL ? NULL : &before->ev.id,
              deps, n, (before != NULL && before->ev.tick > tick ? before->ev.tick : tick) + 1);
}

/* By the liar; or, when it removed itself and the session ended, by the other honest node. */
static void give(struct world *w, int to, const struct hand *h)
{
    int from = channel_with(w->net, LIAR, to) == NULL ? 1 - to : LIAR, side = 0;
    struct net_link *l = link_between(w->net, from, to, &side);

    if (l == NULL || channel_with(w->net, from, to) == NULL)
        return;                     /* the liar removed n1 */
    gx_session_find(w->net->node[to].engine, l->session[side])->strikes = 0;
    tell(w->net, from, to, h);
    net_settle(w->net);
}

static void begin(struct world *w)
{
    char token[600];
    struct gx_group *g = NULL;

    w->net = tea_of(3, 3, token);
    assert_true(act(w->net, 0, GX_CMD_GROUP_PROMOTE, "@n2"));
    net_run(w->net, 20000);
    g = tea(w->net, LIAR);
    for (int i = 0; i < 3; i++)
        w->members[i] = tea(w->net, i)->row.intro.member;
    for (uint32_t op = 0; op < g->law.n_ops; op++) {
        w->known[w->n_known] = g->law.nodes[op].op.id;
        w->ticks[w->n_known++] = g->ops[op].tick;
        if (g->ops[op].type == GX_EV_TOKEN)
            w->tokens[w->n_tokens++] = g->law.nodes[op].op.id;
    }

    static uint8_t bytes[GX_JOIN_REQUEST_MAX];
    uint32_t seat = gx_law_seat(&g->law, g->me);
    struct gx_event ev;
    struct gx_body body;

    assert_true(gx_group_read(w->net->node[LIAR].engine, g, &g->logs[g->ops[seat].log], g->ops[seat].seq, &ev, &body));
    gx_txn_abort(&w->net->node[LIAR].engine->txn);
    memcpy(bytes, ev.body.p, ev.body.n);
    w->request_bytes = gx_span(bytes, ev.body.n);
    assert_int_equal(gx_join_request_decode(&w->request, w->request_bytes), GX_OK);
    w->net->pass = liar_is_quiet;
}

/* Everything that can be asked is answered. */
static void ask_all(struct net *net, int i)
{
    static const enum gx_method methods[] = {GX_CMD_STATUS, GX_CMD_GROUP_SHOW, GX_CMD_GROUP_MEMBERS, GX_CMD_REQUESTS, GX_CMD_INVITES,
                                             GX_CMD_READ, GX_CMD_PEERS};
    static const char *const who[] = {"@n0", "@n1", "@n2", "@liar", "@li"};

    for (size_t k = 0; k < sizeof methods / sizeof methods[0]; k++) {
        struct gx_command cmd = {.method = methods[k], .group = "tea", .given = 1u << GX_PARAM_GROUP};

        net_ask(net, i, cmd, NULL, 0);
        assert_true(net->node[i].answered);
    }
    for (size_t k = 0; k < sizeof who / sizeof who[0]; k++) {
        act(net, i, GX_CMD_GROUP_WHY, who[k]);
        assert_true(net->node[i].answered);
    }
}

static void check(struct world *w, uint64_t seed)
{
    char hash[2][2][65];
    struct gx_group *g = tea(w->net, 0);

    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 2; i++) {
            struct gx_check_report report;
            struct gx_txn *txn = NULL;

            ask_all(w->net, i);
            snprintf(hash[i][0], 65, "%.64s", show(w->net, i, "state_hash"));
            snprintf(hash[i][1], 65, "%.64s", show(w->net, i, "messages_hash"));
            assert_int_equal(gx_txn_begin(&txn, w->net->node[i].store, false), GX_OK);
            assert_int_equal(gx_store_check(txn, &report, NULL, NULL), GX_OK);
            gx_txn_abort(&txn);
            if (report.problems != 0)
                fail_msg("seed %llu: the store of n%d has problems", (unsigned long long)seed, i);
        }
        if (!gx_group_live(g, &tea(w->net, 1)->row.intro.device)) {
            if (gx_group_is_member(tea(w->net, 1)))
                fail_msg("seed %llu: n1 is out and does not know it", (unsigned long long)seed);
            n_out++;
            return;                     /* the liar removed it, as an admin may: it hears nothing more */
        }
        if (tea(w->net, 0)->law.n_ops != tea(w->net, 1)->law.n_ops)
            fail_msg("seed %llu: n0 has %u operations, n1 %u", (unsigned long long)seed, tea(w->net, 0)->law.n_ops, tea(w->net, 1)->law.n_ops);
        for (int k = 0; k < 2; k++)
            if (strcmp(hash[0][k], hash[1][k]) != 0)
                fail_msg("seed %llu: another %s%s", (unsigned long long)seed, k ? "messages_hash" : "state_hash", again ? " after a start" : "");
        for (uint32_t op = 0; op < g->law.n_ops && again == 0; op++) {
            n_effective += gx_law_effective(&g->law, op);
            n_void += !gx_law_effective(&g->law, op);
        }
        n_forks += again == 0 ? (unsigned)gx_engine_dropped(w->net->node[0].engine, "fork") : 0;
        net_stop(w->net, 1);
        net_start(w->net, 1);
    }
    n_refused += w->n + 10 > g->law.n_ops ? w->n + 10 - g->law.n_ops : 0;
}

static void run(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    uint32_t order[EVENTS];

    rng_state = seed * 0x9e3779b97f4a7c15ull + 1;
    begin(w);
    for (; w->n < EVENTS; w->n++) {
        w->made[w->n] = hand_new();
        if (pick(5) == 0)
            make_text(w, w->made[w->n]);
        else
            make_control(w, w->made[w->n]);
    }
    w->net->cut[0][1] = w->net->cut[1][0] = true;   /* each hears it from the liar first */
    for (int i = 0; i < 2; i++) {
        for (uint32_t k = 0; k < w->n; k++) {
            uint32_t at = pick(k + 1);

            order[k] = order[at];
            order[at] = k;
        }
        for (int again = 0; again < 4; again++)
            for (uint32_t k = 0; k < w->n; k++)
                give(w, i, w->made[again == 3 ? k : order[k]]);
    }
    w->net->cut[0][1] = w->net->cut[1][0] = false;
    net_run(w->net, 400000);
    check(w, seed);
    for (uint32_t k = 0; k < w->n; k++)
        free(w->made[k]);
    net_free(w->net);
    free(w);
}

static void test_what_a_liar_signs_is_the_same_on_all_honest_nodes_whatever_its_order(void **state)
{
    const char *one = getenv("GX_SEED"), *many = getenv("GX_SEEDS");
    uint64_t n = many == NULL ? 15 : strtoull(many, NULL, 10);

    (void)state;
    for (uint64_t seed = 1; seed <= n; seed++)
        run(one == NULL ? seed : strtoull(one, NULL, 10));
    print_message("effective %u void %u refused %u forks %u, removed by the liar %u\n", n_effective, n_void, n_refused, n_forks, n_out);
    assert_true(n_effective > 0 && n_void > 0 && n_forks > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_liar_signs_is_the_same_on_all_honest_nodes_whatever_its_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
