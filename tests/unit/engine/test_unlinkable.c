/* Nothing in the events of two groups, nor in a card, shows that they are one person's.  KEYS §2, "What this protects". */
#include "node/engine/sealing.h"
#include "tests/unit/engine/people.h"

#define WINDOW 8u                   /* bytes that two things have in common only if one made both */
#define COLLECTED (1u << 18)
#define WALL_AT 104u                /* of wall_ms in an event: WIRE §3.1 */

struct bytes {
    uint8_t *p;
    size_t n;
};

static void add(struct bytes *b, const void *p, size_t n)
{
    assert_true(b->n + n <= COLLECTED);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

/* Every event of a group as node i holds it, whole: header, signature, body.  Each time stamp is a whole minute. */
static unsigned collect(struct net *net, int i, struct gx_group *g, struct bytes *out)
{
    static uint8_t buffer[GX_RECORD_BYTES_MAX + 512];
    struct gx_engine *e = net->node[i].engine;
    unsigned n = 0;

    for (uint32_t k = 0; k < g->n_logs; k++) {
        for (uint32_t seq = g->logs[k].row.base_seq + 1; seq <= g->logs[k].row.head_seq; seq++) {
            struct gx_wr w = gx_wr(buffer, sizeof buffer);
            struct gx_event ev;
            struct gx_body body;

            gx_arena_reset(&e->arena);
            assert_true(gx_group_read(e, g, &g->logs[k], seq, &ev, &body));
            assert_int_equal(ev.wall_ms % 60000, 0);
            if (gx_event_is_message(ev.type)) {
                struct gx_body plain;

                assert_true(gx_message_open_at(e, g, &g->logs[k], &ev, &plain));
                assert_int_equal(ev.type == GX_EV_TEXT     ? plain.u.text.wall_ms % 60000
                                 : ev.type == GX_EV_INVITE ? plain.u.invite.wall_ms % 60000
                                                           : plain.u.reveal.wall_ms % 60000,
                                 0);
            }
            gx_event_encode(&w, &ev);
            assert_false(w.failed);
            memset(buffer + WALL_AT, 0, 8);             /* looked at above: a minute is everybody's */
            add(out, buffer, w.n);
            n++;
        }
    }
    gx_txn_abort(&e->txn);
    return n;
}

/* Windows with few different bytes are numbers, zeroes and rules, which all have. */
static bool is_random(const uint8_t *p)
{
    unsigned different = 0;

    for (unsigned i = 0; i < WINDOW; i++) {
        bool seen = false;

        for (unsigned k = 0; k < i && !seen; k++)
            seen = p[k] == p[i];
        different += !seen;
    }
    return different >= 7;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, WINDOW);
}

/* How many windows of a, at any place, stand somewhere in b too. */
static unsigned in_common(const struct bytes *a, const struct bytes *b)
{
    const uint8_t **all = malloc(b->n * sizeof *all);
    size_t n = 0;
    unsigned found = 0;

    assert_non_null(all);
    for (size_t i = 0; i + WINDOW <= b->n; i++)
        if (is_random(b->p + i))
            all[n++] = b->p + i;
    qsort(all, n, sizeof *all, by_bytes);
    for (size_t i = 0; i + WINDOW <= a->n; i++) {
        const uint8_t *p = a->p + i;

        found += is_random(p) && bsearch(&p, all, n, sizeof *all, by_bytes) != NULL;
    }
    free(all);
    return found;
}

static struct bytes empty(void)
{
    return (struct bytes){.p = malloc(COLLECTED)};
}

/* The secrets and public keys of a person that stand in their card. */
static void add_card(struct net *net, int i, struct bytes *out)
{
    char text[600];
    struct gx_card_code code;

    card_of(net, i, text);
    assert_int_equal(gx_card_parse(&code, text), GX_OK);
    add(out, code.card.id.b, sizeof code.card.id.b);
    add(out, code.card.key.b, sizeof code.card.key.b);
    add(out, code.card.sig.b, sizeof code.card.sig.b);
    add(out, code.seed.b, sizeof code.seed.b);
}

/* n0 is in tea with n1, in cake with n2, is a contact of n3, and invites n3 into tea; it does in each what people do. */
static void test_no_key_id_or_nonce_of_a_person_is_in_two_groups_or_in_a_card_and_a_group(void **s)
{
    struct net *net = net_new(4);
    static const char *const names[] = {"tea", "cake"};
    struct bytes of[4] = {empty(), empty(), empty(), empty()};      /* tea, cake, the direct chat, the card */
    char token[600];
    unsigned events = 0;

    (void)s;
    /* Who calls themself the same everywhere says so themself. */
    for (int k = 0; k < 2; k++) {
        snprintf(net->node[0].engine->config.name, sizeof net->node[0].engine->config.name, k == 0 ? "Mei of the tea" : "baker");
        net_group(net, 0, names[k]);
        net_invite(net, 0, names[k], token, 0);
        assert_true(net_join(net, k + 1, token, NULL));
        net_run(net, 3000);
        for (int i = 0; i < 5; i++)
            net_send(net, 0, names[k], k == 0 ? "about tea" : "cakes, mostly");
    }
    snprintf(net->node[0].engine->config.name, sizeof net->node[0].engine->config.name, "n0");
    befriend(net, 0, 3);
    net_send(net, 0, "@n3", "between us");
    assert_true(invite_contact(net, 0, "tea", "@n3"));
    net_run(net, 3000);
    assert_true(tell(net, 3, GX_CMD_ACCEPT, "tea", "state"));
    net_run(net, 10000);

    struct gx_engine *e = net->node[0].engine;

    assert_int_equal(e->n_groups, 3);
    for (uint32_t i = 0; i < 3; i++)
        events += collect(net, 0, e->groups[i], &of[gx_group_is_direct(e->groups[i]) ? 2 : i]);
    add_card(net, 0, &of[3]);
    print_message("%u events, %zu, %zu, %zu and %zu bytes\n", events, of[0].n, of[1].n, of[2].n, of[3].n);
    assert_true(events > 25 && of[2].n > 1000);
    assert_int_equal(in_common(&of[0], &of[1]), 0);
    assert_int_equal(in_common(&of[1], &of[2]), 0);
    for (int k = 0; k < 3; k++)
        assert_int_equal(in_common(&of[3], &of[k]), 0);
    /* The invitation holds the group's CREATE, and is sealed: it is found in what lies open alone, which is what finding something looks like. */
    assert_int_equal(in_common(&of[0], &of[2]), 0);
    add(&of[3], of[0].p, GX_CREATE_EVENT_BYTES);
    assert_true(in_common(&of[0], &of[3]) > 100);
    for (int k = 0; k < 4; k++)
        free(of[k].p);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_key_id_or_nonce_of_a_person_is_in_two_groups_or_in_a_card_and_a_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
