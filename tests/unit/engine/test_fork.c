/* Homes that were copied: both branches of a log are kept, shown and proven, and the author's next incarnation ends it. */
#include "node/engine/internal.h"
#include "store/check.h"
#include "tests/unit/engine/net.h"

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t n = 0;

    assert_true(in != NULL && out != NULL);
    while (in != NULL && out != NULL && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    if (in != NULL)
        fclose(in);
    if (out != NULL)
        fclose(out);
}

static void swap_store(struct net *net, int i, const char *keep_as, const char *bring)
{
    char store[128], path[128];

    snprintf(store, sizeof store, "%s/%s", net->node[i].dir, GX_STORE_FILE);
    if (keep_as != NULL) {
        snprintf(path, sizeof path, "%s/%s", net->node[i].dir, keep_as);
        copy_file(store, path);
    }
    if (bring != NULL) {
        snprintf(path, sizeof path, "%s/%s", net->node[i].dir, bring);
        copy_file(path, store);
    }
}

static uint64_t status(struct net *net, int i, const char *key)
{
    struct gx_command cmd = {.method = GX_CMD_STATUS};

    assert_true(net_ask(net, i, cmd, key, 0));
    return net->node[i].number;
}

static void assert_count(struct net *net, int i, uint64_t n)
{
    net_get(net, i, GX_CMD_GROUP_SHOW, "tea", "count");
    assert_int_equal(net->node[i].number, n);
}

static void assert_same(struct net *net, int a, int b)
{
    char hash[65];

    snprintf(hash, sizeof hash, "%.64s", net_get(net, a, GX_CMD_GROUP_SHOW, "tea", "messages_hash"));
    assert_string_equal(hash, net_get(net, b, GX_CMD_GROUP_SHOW, "tea", "messages_hash"));
    snprintf(hash, sizeof hash, "%.64s", net_get(net, a, GX_CMD_GROUP_SHOW, "tea", "state_hash"));
    assert_string_equal(hash, net_get(net, b, GX_CMD_GROUP_SHOW, "tea", "state_hash"));
}

static void assert_sound(struct net *net, int i)
{
    struct gx_check_report report;
    struct gx_txn *txn = NULL;

    net_stop(net, i);
    net_start(net, i);
    assert_int_equal(gx_txn_begin(&txn, net->node[i].store, false), GX_OK);
    assert_int_equal(gx_store_check(txn, &report, NULL, NULL), GX_OK);
    gx_txn_abort(&txn);
    assert_int_equal(report.problems, 0);
}

/* n2's home is copied as it is, its incarnation too, as a clone of the whole machine does.  The copy writes to n0, the original to n1.  n3 sleeps.
 * n1 alone is up in the end. */
static struct net *two_lives_apart(unsigned common, unsigned copy, unsigned original)
{
    struct net *net = net_new(4);
    char token[600];

    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    assert_true(net_join(net, 1, token, NULL));
    assert_true(net_join(net, 2, token, NULL));
    assert_true(net_join(net, 3, token, NULL));
    net_run(net, 20000);
    net_stop(net, 3);
    for (unsigned i = 0; i < common; i++)
        net_send(net, 2, "tea", "of both");
    net_run(net, 20000);
    net_stop(net, 2);
    swap_store(net, 2, "saved", NULL);
    net_stop(net, 1);
    net_start(net, 2);
    net_run(net, 5000);
    for (unsigned i = 0; i < copy; i++)
        net_send(net, 2, "tea", "of the copy");
    net_run(net, 20000);
    net_stop(net, 2);
    net_stop(net, 0);
    swap_store(net, 2, NULL, "saved");
    net_start(net, 1);
    net_start(net, 2);
    net_run(net, 5000);
    for (unsigned i = 0; i < original; i++)
        net_send(net, 2, "tea", "of the original");
    net_run(net, 20000);
    net_stop(net, 2);
    return net;
}

/* And n0 and n1 tell each other. */
static struct net *two_lives(unsigned common, unsigned copy, unsigned original)
{
    struct net *net = two_lives_apart(common, copy, original);

    net_start(net, 0);
    net_run(net, 400000);
    return net;
}

static void both_are_kept(unsigned common, unsigned copy, unsigned original)
{
    struct net *net = two_lives(common, copy, original);
    uint64_t n = common + copy + original;

    for (int i = 0; i < 2; i++) {
        assert_count(net, i, n);
        assert_int_equal(status(net, i, "forks"), 1);
        assert_int_equal(status(net, i, "at"), common + 1);
        assert_int_equal(status(net, i, "healed"), 0);
        assert_sound(net, i);
    }
    net_run(net, 20000);
    assert_same(net, 0, 1);
    net_free(net);
}

static void test_both_branches_of_a_message_log_reach_everybody(void **state)
{
    (void)state;
    both_are_kept(3, 1, 1);         /* of equal length */
    both_are_kept(0, 2, 5);         /* from the first message on; the longer where the shorter is not */
    both_are_kept(40, 5, 2);
    both_are_kept(300, 30, 500);    /* the fork lies far before what is asked for first */
}

static void test_the_author_heals_its_log_by_new_ones(void **state)
{
    struct net *net = two_lives(3, 2, 4);

    (void)state;
    net_start(net, 2);
    net_run(net, 60000);
    assert_int_equal(status(net, 2, "forks"), 1);
    net_send(net, 2, "tea", "in a new life");
    net_run(net, 60000);
    for (int i = 0; i < 3; i++) {
        assert_count(net, i, 10);
        assert_int_equal(status(net, i, "forks"), 1);
        assert_int_equal(status(net, i, "healed"), 1);
    }
    net_stop(net, 2);               /* a start finds the new incarnation again, and does not fork it */
    net_start(net, 2);
    net_send(net, 2, "tea", "and after a start");
    net_run(net, 60000);
    for (int i = 0; i < 3; i++) {
        assert_count(net, i, 11);
        assert_int_equal(status(net, i, "forks"), 1);
        assert_same(net, 0, i);
        assert_sound(net, i);
    }
    net_free(net);
}

/* n1 keeps the copy's branch beside the original's, from the fork on only: who asks by what lies before the fork is given it all the same. */
static void test_a_branch_is_given_by_who_has_it_as_the_second_one(void **state)
{
    (void)state;
    for (unsigned common = 0; common < 9; common++) {
        struct net *net = two_lives(common, 2, 6);

        net_stop(net, 0);
        net_start(net, 2);
        net_run(net, 400000);
        assert_count(net, 1, common + 8);
        assert_count(net, 2, common + 8);
        assert_same(net, 1, 2);
        net_free(net);
    }
}

/* A second branch is kept from the fork on, and yet who has it has what lies before. */
static void test_who_slept_through_a_fork_is_given_all_branches_from_the_start(void **state)
{
    struct net *net = two_lives(3, 2, 6);

    (void)state;
    net_start(net, 3);
    net_run(net, 400000);
    assert_count(net, 3, 11);
    assert_same(net, 0, 3);
    net_free(net);
}

static uint32_t branches(struct net *net, int i)
{
    const struct gx_group *g = net->node[i].engine->groups[0];
    uint32_t most = 0;

    for (uint32_t k = 0; k < g->n_logs; k++)
        if (gx_group_branches(g, &g->logs[k].row.id) > most)
            most = gx_group_branches(g, &g->logs[k].row.id);
    return most;
}

/* n0 removes the author, and knows the copy's branch alone: nothing follows it.  n1 has the original's, of which the same number of messages counts. */
static void test_a_fork_that_comes_to_light_when_its_author_is_out_reaches_everybody(void **state)
{
    struct net *net = two_lives_apart(3, 2, 4);
    struct gx_command cmd = {.method = GX_CMD_GROUP_REMOVE, .group = "tea", .who = "@n2", .given = GX_P(GROUP) | GX_P(WHO)};

    (void)state;
    net_stop(net, 1);
    net_start(net, 0);
    net_run(net, 5000);
    assert_true(net_ask(net, 0, cmd, NULL, 0));
    net_run(net, 400000);
    net_start(net, 1);
    net_run(net, 400000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(branches(net, i), 2);
        assert_count(net, i, 3 + 2 + 2);        /* 5 are named: two behind the fork on each branch */
    }
    assert_same(net, 0, 1);
    net_free(net);
}

/* Two headers with one log and one number, both signed by the device: what shows it to anybody. */
static void test_a_fork_is_proven_by_two_signed_headers(void **state)
{
    struct net *net = two_lives(3, 1, 1);
    struct gx_command cmd = {.method = GX_CMD_STATUS};
    struct gx_group *g = net->node[0].engine->groups[0];
    uint8_t bytes[2][600];
    const char *at = NULL;

    (void)state;
    assert_true(net_ask(net, 0, cmd, NULL, 0));
    at = strstr(net->node[0].all, "proof=");
    assert_non_null(at);
    for (int i = 0; i < 2 && at != NULL; i++) {
        const struct gx_log *log = NULL;
        struct gx_sig sig;
        size_t n = 0;

        at = strchr(at, '\n') + 2;                  /* values of a list have no name */
        n = strcspn(at, "\n") / 2;
        assert_true(n > 64 && n < sizeof bytes[i]);
        char *digits = strndup(at, 2 * n);
        assert_true(gx_unhex(bytes[i], n, digits));
        free(digits);
        memcpy(sig.b, bytes[i] + n - 64, 64);
        for (uint32_t k = 0; k < g->n_logs; k++)
            if (memcmp(g->logs[k].row.id.b, bytes[i] + 40, 16) == 0)       /* log_id: WIRE §3.1 */
                log = &g->logs[k];
        assert_non_null(log);
        assert_true(gx_verify(&log->row.device, GX_DOMAIN_EVENT, gx_span(bytes[i], n - 64), &sig));
    }
    assert_memory_equal(bytes[0] + 40, bytes[1] + 40, 16 + 8);              /* the same log, the same number */
    assert_memory_not_equal(bytes[0], bytes[1], 145 + 32);                 /* body_hash tells them apart */
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_branches_of_a_message_log_reach_everybody),
        cmocka_unit_test(test_the_author_heals_its_log_by_new_ones),
        cmocka_unit_test(test_a_branch_is_given_by_who_has_it_as_the_second_one),
        cmocka_unit_test(test_who_slept_through_a_fork_is_given_all_branches_from_the_start),
        cmocka_unit_test(test_a_fork_that_comes_to_light_when_its_author_is_out_reaches_everybody),
        cmocka_unit_test(test_a_fork_is_proven_by_two_signed_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
