/* Removals: when members hear of them, and what is sealed meanwhile to who is out.  With GX_MUTANTS: that a planted bug shows in these figures. */
#include "tests/unit/sim/world.h"

#include "crypto/mutant.h"

#define NODES 6u
#define OUT 4u                      /* who is removed */
#define APART 5u                    /* who is on the island of that one; came in last, so that all others speak under its epoch before */

/* The last two are on an island of their own, 10 ms from the others. */
static struct gx_sim *world(uint64_t seed, char token[600])
{
    static const struct gx_sim_link link = {.delay_ms = 10};
    struct gx_sim *sim = tea_of(seed, NODES, NODES, 10, 10, token);

    for (uint32_t i = OUT; i < NODES; i++)
        gx_sim_island(sim, i, 1);
    for (uint32_t a = 0; a < 2; a++)
        for (uint32_t b = 0; b < 2; b++)
            gx_sim_link(sim, a, b, &link);
    assert_true(act(sim, 0, GX_CMD_GROUP_PROMOTE, "@n5"));
    gx_sim_run(sim, 30000);
    return sim;
}

static void cut(struct gx_sim *sim)
{
    gx_sim_cut(sim, 0, 1, true);
    gx_sim_cut(sim, 1, 0, true);
    gx_sim_run(sim, 1000);
}

static void removes(struct gx_sim *sim, uint32_t node)
{
    assert_true(act(sim, node, GX_CMD_GROUP_REMOVE, "@n4"));
    gx_sim_removed(sim, OUT, node);
}

/* While cut off, n0 removes n4.  n1 hears of it and speaks once a second for 4 s, and so does n5, who does not hear until all is healed at 10 s. */
static struct gx_sim *removed_apart(uint64_t seed)
{
    char token[600];
    struct gx_sim *sim = world(seed, token);

    cut(sim);
    removes(sim, 0);
    for (uint32_t k = 0; k < 4; k++) {
        gx_sim_run(sim, 1000);
        assert_true(say(sim, 1, "word"));
        assert_true(say(sim, APART, "word"));
    }
    gx_sim_run(sim, 6000);
    gx_sim_heal(sim);
    gx_sim_run(sim, 900000);
    (void)gx_sim_check(sim);
    return sim;
}

#ifdef GX_MUTANTS

int gx_mutant = GX_MUTANT_NONE;

static void knowing(int mutant, uint64_t n)
{
    size_t violations = 0;
    struct gx_sim *sim = NULL;

    gx_mutant = mutant;
    sim = removed_apart(1);
    assert_int_equal(gx_sim_removals(sim)->behind, 4);
    assert_int_equal(gx_sim_removals(sim)->knowing, n);

    const struct gx_sim_violation *v = gx_sim_violations(sim, &violations);
    uint64_t said = 0;

    for (size_t i = 0; i < violations; i++)
        said += v[i].oracle == GX_SIM_SECRETS && v[i].node == 1 && strstr(v[i].text, "to n4, of whose removal it had heard") != NULL;
    assert_int_equal(said, n);
    gx_sim_free(sim);
}

static void test_who_speaks_under_the_old_epoch_though_they_heard_is_found(void **state)
{
    (void)state;
    knowing(GX_MUTANT_EPOCH_KEPT, 4);
    knowing(GX_MUTANT_REMOVED_LISTED, 4);
    knowing(GX_MUTANT_NONE, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_who_speaks_under_the_old_epoch_though_they_heard_is_found)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_what_who_has_not_heard_says_is_sealed_to_who_is_out_and_timed(void **state)
{
    struct gx_sim *sim = removed_apart(1);
    const struct gx_sim_removals *r = gx_sim_removals(sim);

    (void)state;
    assert_held(sim);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->apart, 1);
    assert_int_equal(r->behind, 4);
    assert_int_equal(r->knowing, 0);
    assert_int_equal(r->window.n, 4);
    assert_int_equal(r->read, 4);           /* n5 gave it to n4, who was beside it */
    assert_in_range(gx_sim_spread_quantile(&r->window, .25), 1000, 1032);
    assert_in_range(gx_sim_spread_quantile(&r->window, .5), 2000, 2063);
    assert_int_equal(r->window.most_ms, 4000);
    gx_sim_free(sim);
}

static void test_each_member_but_the_remover_hears_once_and_how_long_that_took_is_timed(void **state)
{
    struct gx_sim *sim = removed_apart(2);
    const struct gx_sim_removals *r = gx_sim_removals(sim);

    (void)state;
    assert_int_equal(r->heard.n, NODES - 2);
    assert_int_equal(r->unheard, 0);
    assert_in_range(gx_sim_spread_quantile(&r->heard, .75), 10, 30);        /* n1 to n3 */
    assert_in_range(r->heard.most_ms, 10000, 12000);                        /* n5 */
    gx_sim_free(sim);
}

static void test_where_nobody_is_cut_off_nothing_is_sealed_to_who_is_out(void **state)
{
    char token[600];
    struct gx_sim *sim = world(3, token);

    (void)state;
    removes(sim, 0);
    gx_sim_run(sim, 1000);
    talk(sim, 0, OUT, 2);
    talk(sim, APART, NODES, 2);
    assert_heals(sim);
    assert_int_equal(gx_sim_removals(sim)->n, 1);
    assert_int_equal(gx_sim_removals(sim)->apart, 0);
    assert_int_equal(gx_sim_removals(sim)->behind, 2 * (NODES - 1));
    assert_int_equal(gx_sim_removals(sim)->window.n, 0);
    gx_sim_free(sim);
}

/* The word is on its way when n5 removes them, too: from then on it is said by who knows. */
static void test_of_two_removals_of_one_the_first_counts_and_who_made_the_other_has_heard(void **state)
{
    char token[600];
    struct gx_sim *sim = world(4, token);
    const struct gx_sim_removals *r = gx_sim_removals(sim);

    (void)state;
    cut(sim);
    removes(sim, 0);
    gx_sim_run(sim, 2000);
    assert_true(say(sim, APART, "before"));
    removes(sim, APART);
    gx_sim_run(sim, 3000);
    assert_true(say(sim, APART, "behind"));
    assert_heals(sim);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->behind, 1);
    assert_int_equal(r->knowing, 0);
    assert_int_equal(r->window.n, 1);
    assert_int_equal(r->window.most_ms, 2000);
    assert_int_equal(r->heard.n, NODES - 2);
    assert_int_equal(r->heard.most_ms, 2000);
    gx_sim_free(sim);
}

/* They are another member then, and what is said to that one is said to a member. */
static void test_what_is_said_to_who_was_let_in_again_does_not_count(void **state)
{
    char token[600];
    struct gx_sim *sim = world(5, token);

    (void)state;
    cut(sim);
    removes(sim, 0);
    assert_true(say(sim, APART, "word"));
    gx_sim_heal(sim);
    gx_sim_run(sim, 60000);
    assert_true(join(sim, OUT, token));
    gx_sim_run(sim, 20000);
    talk(sim, 0, NODES, 1);
    assert_heals(sim);
    assert_int_equal(gx_sim_removals(sim)->n, 1);
    assert_int_equal(gx_sim_removals(sim)->window.n, 1);
    assert_int_equal(gx_sim_removals(sim)->behind, NODES - 1);
    gx_sim_free(sim);
}

static void test_the_same_seed_gives_the_same_figures(void **state)
{
    struct gx_sim *first = removed_apart(6), *again = removed_apart(6);

    (void)state;
    assert_memory_equal(gx_sim_removals(first), gx_sim_removals(again), sizeof *gx_sim_removals(first));
    gx_sim_free(first);
    gx_sim_free(again);
}

static void test_removals_of_two_worlds_are_put_together(void **state)
{
    static struct gx_sim_removals sum;
    struct gx_sim *sim = removed_apart(7);

    (void)state;
    gx_sim_removals_add(&sum, gx_sim_removals(sim));
    gx_sim_removals_add(&sum, gx_sim_removals(sim));
    assert_int_equal(sum.n, 2);
    assert_int_equal(sum.read, 8);
    assert_int_equal(sum.window.n, 8);
    assert_int_equal(sum.heard.n, 2 * (NODES - 2));
    assert_int_equal(sum.heard.most_ms, gx_sim_removals(sim)->heard.most_ms);
    gx_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_who_has_not_heard_says_is_sealed_to_who_is_out_and_timed),
        cmocka_unit_test(test_each_member_but_the_remover_hears_once_and_how_long_that_took_is_timed),
        cmocka_unit_test(test_where_nobody_is_cut_off_nothing_is_sealed_to_who_is_out),
        cmocka_unit_test(test_of_two_removals_of_one_the_first_counts_and_who_made_the_other_has_heard),
        cmocka_unit_test(test_what_is_said_to_who_was_let_in_again_does_not_count),
        cmocka_unit_test(test_the_same_seed_gives_the_same_figures),
        cmocka_unit_test(test_removals_of_two_worlds_are_put_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
