/* Members who promote, demote, remove, ban, pardon, hand over and rename as they please, each as far as its own node lets it, while connections and
 * nodes come and go: in the end whoever is in has the same group and the same messages as all others who are in, and whoever is out knows it.
 * GX_SEEDS=N runs seeds 1 to N, GX_SEED=N that one alone. */
#include "store/check.h"
#include "tests/unit/engine/attack.h"

#define NODES 5

static uint64_t rng_state;
static uint32_t pick(uint32_t n)
{
    rng_state = rng_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(rng_state >> 33) % n;
}

static bool is_open(struct net *net, int from, int to, struct gx_span bytes)
{
    (void)bytes;
    return !net->cut[from][to];
}

static unsigned n_done, n_denied, n_out, n_changed_hands;

static void quarrel(struct net *net, int i)
{
    static const enum gx_method methods[] = {GX_CMD_GROUP_PROMOTE, GX_CMD_GROUP_PROMOTE, GX_CMD_GROUP_DEMOTE, GX_CMD_GROUP_REMOVE, GX_CMD_GROUP_BAN,
                                             GX_CMD_GROUP_UNBAN, GX_CMD_GROUP_TRANSFER};
    static const char *const who[NODES] = {"@n0", "@n1", "@n2", "@n3", "@n4"};
    struct gx_command answer = {.method = GX_CMD_ACCEPT, .who = "tea", .given = 1u << GX_PARAM_WHO};
    struct gx_command leave = {.method = GX_CMD_GROUP_LEAVE, .group = "tea", .given = 1u << GX_PARAM_GROUP};
    struct gx_command send = {.method = GX_CMD_SEND, .group = "tea", .text = "word", .given = NET_TEXT_GIVEN};
    bool done = false;

    switch (pick(8)) {
    case 0:
        done = net_ask(net, i, answer, NULL, 0);
        break;
    case 1:
        done = pick(10) == 0 && net_ask(net, i, leave, NULL, 0);
        break;
    case 2:
    case 3:
    case 4:
        done = net_ask(net, i, send, NULL, 0);
        break;
    default:
        done = act(net, i, methods[pick(sizeof methods / sizeof methods[0])], who[pick(NODES)]);
        break;
    }
    n_done += done;
    n_denied += !done;
}

static void settle_and_check(struct net *net, uint64_t seed)
{
    int first = -1;

    memset(net->cut, 0, sizeof net->cut);
    for (int i = 0; i < NODES; i++)
        if (!net->node[i].up)
            net_start(net, i);
    net_run(net, 1200000);
    for (int i = 0; i < NODES; i++) {
        struct gx_group *g = tea(net, i);
        struct gx_check_report report;
        struct gx_txn *txn = NULL;

        assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
        assert_int_equal(gx_store_check(txn, &report, NULL, NULL), GX_OK);
        gx_txn_abort(&txn);
        assert_int_equal(report.problems, 0);
        if (!gx_group_is_member(g)) {
            n_out++;
            continue;
        }
        for (int k = 0; k < NODES; k++)         /* each who is in thinks so of each other who thinks so */
            if (gx_group_is_member(tea(net, k)) && !gx_group_live(g, &tea(net, k)->row.intro.device))
                fail_msg("seed %llu: n%d is out for n%d and does not know it", (unsigned long long)seed, k, i);
        n_changed_hands += g->law.now.n_stages > 1;
        if (first < 0) {
            first = i;
            continue;
        }
        if (tea(net, first)->law.n_ops != g->law.n_ops)
            fail_msg("seed %llu: n%d has %u operations, n%d %u", (unsigned long long)seed, first, tea(net, first)->law.n_ops, i, g->law.n_ops);
        for (int k = 0; k < 2; k++) {
            char hash[65];

            snprintf(hash, sizeof hash, "%.64s", show(net, first, k ? "messages_hash" : "state_hash"));
            if (strcmp(hash, show(net, i, k ? "messages_hash" : "state_hash")) != 0)
                fail_msg("seed %llu: n%d and n%d have another %s", (unsigned long long)seed, first, i, k ? "messages_hash" : "state_hash");
        }
    }
}

static void run(uint64_t seed)
{
    char token[600];
    struct net *net = tea_of(NODES, NODES, token);

    rng_state = seed * 0x9e3779b97f4a7c15ull + 1;
    net->pass = is_open;
    for (int round = 0; round < 60; round++) {
        int i = (int)pick(NODES), k = (int)pick(NODES);

        if (net->node[i].up)
            quarrel(net, i);
        if (pick(6) == 0)
            net->cut[i][k] = net->cut[k][i] = !net->cut[i][k];
        if (pick(8) == 0) {
            if (net->node[k].up)
                net_stop(net, k);
            else
                net_start(net, k);
        }
        if (pick(3) == 0)
            net_run(net, pick(8000));
    }
    settle_and_check(net, seed);
    net_free(net);
}

static void test_a_quarrel_ends_with_one_group_whoever_is_in_it(void **state)
{
    const char *one = getenv("GX_SEED"), *many = getenv("GX_SEEDS");
    uint64_t n = many == NULL ? 10 : strtoull(many, NULL, 10);

    (void)state;
    for (uint64_t seed = 1; seed <= n; seed++)
        run(one == NULL ? seed : strtoull(one, NULL, 10));
    print_message("done %u denied %u out %u changed hands %u\n", n_done, n_denied, n_out, n_changed_hands);
    assert_true(n_done > 0 && n_denied > 0 && n_out > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quarrel_ends_with_one_group_whoever_is_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
