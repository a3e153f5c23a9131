/* One liar of each kind among honest nodes: its lies are told, honest nodes get them, and every rule holds for these.  GX_SEEDS=N runs seeds 1 to N of
 * each world. */
#include "tests/unit/sim/world.h"

#define NODES 7u
#define LIAR 3u
#define LATE (NODES - 1)        /* joins while the liar lies */
#define AWAY 4u                 /* misses some of it */

static uint64_t seeds(void)
{
    const char *many = getenv("GX_SEEDS");

#ifdef GX_SLOW
    return many == NULL ? 1 : strtoull(many, NULL, 10);
#else
    return many == NULL ? 3 : strtoull(many, NULL, 10);
#endif
}

/* Everybody but the last is in, and has talked. */
static struct gx_sim *begin(uint64_t seed, uint64_t cap, uint64_t qr_max, char token[600])
{
    struct gx_sim *sim = tea_of(seed, NODES, LATE, cap, qr_max, token);
    struct gx_sim_link wifi = {.delay_ms = 5, .jitter_ms = 20, .loss_ppm = 5000};

    gx_sim_link(sim, 0, 0, &wifi);
    talk(sim, 0, LATE, 2);
    return sim;
}

/* What goes on while lies are told: people talk, somebody comes, somebody is away and comes back. */
static void go_on(struct gx_sim *sim, const char *token)
{
    talk(sim, 0, LATE, 3);
    (void)join(sim, LATE, token);
    gx_sim_crash(sim, AWAY);
    talk(sim, 0, NODES, 3);
    gx_sim_start(sim, AWAY, GX_SIM_SAME);
    gx_sim_run(sim, 2000);
    talk(sim, 0, NODES, 2);
    gx_sim_run(sim, 60000);
}

/* It was told, and came to somebody honest; and who is honest did not notice otherwise. */
static void end(struct gx_sim *sim, enum gx_sim_role role)
{
    const struct gx_sim_counts *c = gx_sim_counts(sim);

    assert_heals(sim);
    print_message("%s: told %llu, %llu at honest nodes, agreed on %llu, late %llu, delivered %llu\n", gx_sim_role_name(role),
                  (unsigned long long)c->told[role], (unsigned long long)c->arrived[role], (unsigned long long)c->agreed, (unsigned long long)c->too_late,
                  (unsigned long long)c->delivered);
    assert_true(c->told[role] > 0 && c->arrived[role] > 0);
    for (int r = 0; r < GX_SIM_ROLE_COUNT; r++)
        assert_true(r == (int)role || c->told[r] == 0);
    assert_true(c->due > 0 && c->delivered == c->due);
}

static void one_of(enum gx_sim_role role, uint64_t cap, uint64_t qr_max)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        char token[600];
        struct gx_sim *sim = begin(seed, cap, qr_max, token);

        gx_sim_turn(sim, LIAR, role, GX_SIM_NOBODY);
        go_on(sim, token);
        end(sim, role);
        gx_sim_free(sim);
    }
}

static void test_what_an_equivocator_says_is_the_same_for_all(void **state)
{
    (void)state;
    one_of(GX_SIM_EQUIVOCATOR, 20, 20);
}

static void test_replayed_frames_and_events_change_nothing(void **state)
{
    (void)state;
    one_of(GX_SIM_REPLAYER, 20, 20);
}

static void test_who_says_nothing_of_what_it_has_keeps_nobody_from_it(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        char token[600];
        struct gx_sim *sim = begin(seed, 20, 20, token);
        uint64_t count = 0;

        gx_sim_turn(sim, LIAR, GX_SIM_OMITTER, GX_SIM_NOBODY);
        gx_sim_crash(sim, AWAY);
        talk(sim, 0, LATE, 3);
        for (uint32_t i = 0; i < LATE; i++)
            if (i != LIAR)
                gx_sim_crash(sim, i);
        count = shows(sim, LIAR, "count");
        gx_sim_start(sim, AWAY, GX_SIM_SAME);           /* and there is nobody else to ask */
        gx_sim_run(sim, 60000);
        assert_true(shows(sim, AWAY, "count") < count);
        for (uint32_t i = 0; i < LATE; i++)
            gx_sim_start(sim, i, GX_SIM_SAME);
        gx_sim_run(sim, 60000);
        assert_int_equal(shows(sim, AWAY, "count"), count);
        go_on(sim, token);
        end(sim, GX_SIM_OMITTER);
        gx_sim_free(sim);
    }
}

static void test_garbage_and_altered_events_are_taken_by_nobody(void **state)
{
    (void)state;
    one_of(GX_SIM_GARBAGE, 20, 20);
}

static void test_what_is_too_long_is_taken_by_nobody(void **state)
{
    (void)state;
    one_of(GX_SIM_OVERSIZE, 20, 20);
}

static void test_a_flood_fills_no_table_and_keeps_nobody_from_talking(void **state)
{
    (void)state;
    one_of(GX_SIM_FLOODER, 20, 20);
}

static void test_made_up_people_take_the_seats_there_are_and_no_more(void **state)
{
    (void)state;
    one_of(GX_SIM_SYBIL, 20, 20);
    one_of(GX_SIM_SYBIL, 8, 7);
}

static void test_a_leaked_code_lets_in_as_many_as_it_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        char token[600];
        struct gx_sim *sim = tea_of(seed, 9, 4, 20, 20, token);

        gx_sim_turn(sim, LIAR, GX_SIM_LEAKER, GX_SIM_NOBODY);
        talk(sim, 0, 4, 3);
        assert_true(shows(sim, 0, "members") >= 6);     /* two of five, by the first one */
        talk(sim, 0, 4, 3);
        end(sim, GX_SIM_LEAKER);
        gx_sim_free(sim);
    }
}

static void test_past_the_cap_and_past_the_number_for_codes_nobody_comes_in(void **state)
{
    (void)state;
    one_of(GX_SIM_OVERCAP, 9, 8);
    one_of(GX_SIM_OVERCAP, 20, 7);
}

static void test_wrong_clocks_decide_nothing(void **state)
{
    (void)state;
    one_of(GX_SIM_CLOCK, 20, 20);
}

static void test_a_slow_reader_slows_nobody_else(void **state)
{
    (void)state;
    one_of(GX_SIM_SLOW, 20, 20);
}

/* --- who is out ------------------------------------------------------------------------------------------------------------------------------------- */

static void out(enum gx_sim_role role)
{
    uint64_t late = 0;

    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        char token[600];
        struct gx_sim *sim = begin(seed, 20, 20, token);

        gx_sim_turn(sim, LIAR, role, GX_SIM_NOBODY);
        talk(sim, 0, LATE, 2);
        assert_true(act(sim, 0, GX_CMD_GROUP_REMOVE, "@n3"));
        gx_sim_removed(sim, LIAR, 0);
        go_on(sim, token);
        assert_true(say(sim, 0, "last"));
        gx_sim_run(sim, 60000);
        gx_sim_check_heard(sim);
        end(sim, role);
        late += gx_sim_counts(sim)->too_late;
        gx_sim_free(sim);
    }
    assert_true(late > 0);
}

static void test_who_goes_on_talking_after_a_removal_is_heard_by_nobody(void **state)
{
    (void)state;
    out(GX_SIM_TALKER);
}

static void test_what_is_written_as_if_before_changes_nothing_that_was_decided(void **state)
{
    (void)state;
    one_of(GX_SIM_BACKDATER, 20, 20);
    out(GX_SIM_BACKDATER);
}

/* n5 leaves, n3 is banned; n2 tells what n3 goes on to write, and lets both in by their old requests. */
static void test_two_in_league_bring_back_nobody(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        char token[600];
        struct gx_sim *sim = begin(seed, 20, 20, token);

        assert_true(act(sim, 0, GX_CMD_GROUP_PROMOTE, "@n3"));
        gx_sim_run(sim, 5000);
        gx_sim_turn(sim, 2, GX_SIM_COLLUDER, LIAR);
        talk(sim, 0, LATE, 2);
        assert_true(act(sim, 5, GX_CMD_GROUP_LEAVE, NULL));
        talk(sim, 0, LATE - 1, 4);
        assert_true(act(sim, 0, GX_CMD_GROUP_BAN, "@n3"));      /* which revokes the code that all came by, too */
        gx_sim_removed(sim, LIAR, 0);
        go_on(sim, token);
        end(sim, GX_SIM_COLLUDER);
        gx_sim_free(sim);
    }
}

/* Leaving the liar out changes nothing that others draw: not the keys of anybody. */
static void test_the_same_seed_is_the_same_run(void **state)
{
    uint8_t trace[2][32];

    (void)state;
    for (int k = 0; k < 2; k++) {
        char token[600];
        struct gx_sim *sim = begin(5, 20, 20, token);

        for (uint32_t i = 0; i < 4; i++)
            gx_sim_turn(sim, 1 + i, (enum gx_sim_role)i, GX_SIM_NOBODY);
        gx_sim_turn(sim, 5, GX_SIM_SYBIL, GX_SIM_NOBODY);
        go_on(sim, token);
        gx_sim_trace(sim, trace[k]);
        assert_true(gx_sim_counts(sim)->lies > 100);
        gx_sim_free(sim);
    }
    assert_memory_equal(trace[0], trace[1], sizeof trace[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_equivocator_says_is_the_same_for_all),
        cmocka_unit_test(test_replayed_frames_and_events_change_nothing),
        cmocka_unit_test(test_who_says_nothing_of_what_it_has_keeps_nobody_from_it),
        cmocka_unit_test(test_garbage_and_altered_events_are_taken_by_nobody),
        cmocka_unit_test(test_what_is_too_long_is_taken_by_nobody),
        cmocka_unit_test(test_a_flood_fills_no_table_and_keeps_nobody_from_talking),
        cmocka_unit_test(test_made_up_people_take_the_seats_there_are_and_no_more),
        cmocka_unit_test(test_a_leaked_code_lets_in_as_many_as_it_says),
        cmocka_unit_test(test_past_the_cap_and_past_the_number_for_codes_nobody_comes_in),
        cmocka_unit_test(test_wrong_clocks_decide_nothing),
        cmocka_unit_test(test_a_slow_reader_slows_nobody_else),
        cmocka_unit_test(test_who_goes_on_talking_after_a_removal_is_heard_by_nobody),
        cmocka_unit_test(test_what_is_written_as_if_before_changes_nothing_that_was_decided),
        cmocka_unit_test(test_two_in_league_bring_back_nobody),
        cmocka_unit_test(test_the_same_seed_is_the_same_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
