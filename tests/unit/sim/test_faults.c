/* Processes that are stopped, disks without room, links that come and go: what is lost meanwhile, and that nothing is in the end. */
#include "store/schema.h"
#include "tests/sim/internal.h"
#include "tests/unit/sim/world.h"

static void test_who_is_stopped_does_nothing_and_then_everything_at_once(void **state)
{
    char token[600];
    struct gx_sim *sim = tea_of(1, 4, 4, 10, 10, token);
    struct gx_sim_reply reply;
    struct gx_command status = {.method = GX_CMD_STATUS};

    (void)state;
    gx_sim_pause(sim, 2, true);
    assert_false(gx_sim_ask(sim, &reply, 2, status, 5000));
    assert_false(reply.done);
    talk(sim, 0, 2, 5);
    assert_int_equal(shows(sim, 3, "count"), 10);
    gx_sim_pause(sim, 2, false);
    gx_sim_run(sim, 1000);
    assert_int_equal(shows(sim, 2, "count"), 10);
    assert_heals(sim);
    gx_sim_free(sim);
}

/* The others give its connections up, its own kernel does not know; it dials and is dialed when it goes on. */
static void test_who_was_stopped_for_an_hour_comes_back(void **state)
{
    char token[600];
    struct gx_sim *sim = tea_of(1, 4, 4, 10, 10, token);

    (void)state;
    gx_sim_pause(sim, 2, true);
    for (int i = 0; i < 12; i++) {
        assert_true(say(sim, 1, "meanwhile"));
        gx_sim_run(sim, 300000);
    }
    gx_sim_pause(sim, 2, false);
    gx_sim_run(sim, 60000);
    assert_int_equal(shows(sim, 2, "count"), 12);
    assert_heals(sim);
    gx_sim_free(sim);
}

static void test_who_is_stopped_when_it_crashes_starts_anew(void **state)
{
    char token[600];
    struct gx_sim *sim = tea_of(1, 3, 3, 10, 10, token);

    (void)state;
    gx_sim_pause(sim, 2, true);
    assert_true(say(sim, 1, "meanwhile"));
    gx_sim_run(sim, 2000);
    gx_sim_crash(sim, 2);
    gx_sim_start(sim, 2, GX_SIM_SAME);
    gx_sim_run(sim, 20000);
    assert_int_equal(shows(sim, 2, "count"), 1);
    assert_heals(sim);
    gx_sim_free(sim);
}

/* Until it is full own messages are taken, each for good; then they are refused.  Others go on without it. */
static void test_on_a_full_disk_what_was_acknowledged_stays_and_nothing_more_is(void **state)
{
    char token[600], text[4000];
    struct gx_sim *sim = tea_of(1, 4, 4, 10, 10, token);
    uint32_t taken = 0, refused = 0;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    gx_sim_disk_full(sim, 1, true);
    for (int i = 0; i < 40; i++) {
        bool ok = say(sim, 1, text);

        taken += ok;
        refused += !ok;
        assert_true(say(sim, 2, "beside it"));
        gx_sim_run(sim, 1000);
    }
    print_message("taken %u refused %u steps undone %llu\n", taken, refused, (unsigned long long)gx_sim_counts(sim)->full_steps);
    assert_true(refused > 0 && gx_sim_counts(sim)->full_steps > 0);
    assert_int_equal(shows(sim, 3, "count"), 40 + taken);
    gx_sim_crash(sim, 1);               /* what it acknowledged is looked for when it starts; and it starts without room too */
    gx_sim_start(sim, 1, GX_SIM_SAME);
    gx_sim_run(sim, 20000);
    assert_held(sim);
    gx_sim_disk_full(sim, 1, false);
    gx_sim_run(sim, 120000);
    assert_true(say(sim, 1, text));     /* it goes on by itself */
    assert_int_equal(shows(sim, 1, "count"), 40 + taken + 1);
    assert_heals(sim);
    gx_sim_free(sim);
}

/* What a door could not write it did not promise: the guest finds another. */
static void test_a_door_without_room_admits_nobody_and_another_does(void **state)
{
    char token[600];
    struct gx_sim *sim = tea_of(1, 8, 4, 10, 10, token);

    (void)state;
    gx_sim_disk_full(sim, 0, true);
    for (uint32_t i = 4; i < 8; i++)
        (void)join(sim, i, token);
    gx_sim_run(sim, 20000);
    assert_heals(sim);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(shows(sim, i, "members"), 8);
    gx_sim_free(sim);
}

/* Wherever in a step the room ends, the rest of it looks at nothing half done: a guest that is let in writes its own name at the end of one. */
static void test_room_may_end_at_any_write_of_a_join(void **state)
{
    uint64_t undone = 0;

    (void)state;
    for (uint32_t pages = 0; pages < 30; pages++) {
        char token[600];
        struct gx_sim *sim = tea_of(1, 5, 4, 10, 10, token);
        struct gx_sim_link slow = {.delay_ms = 5, .jitter_ms = 20};
        MDB_env *env = sim->nodes[4].store->env;
        MDB_envinfo info;

        gx_sim_link(sim, 0, 0, &slow);
        gx_sim_disk_full(sim, 4, true);
        assert_int_equal(mdb_env_info(env, &info), 0);
        assert_int_equal(mdb_env_set_mapsize(env, (info.me_last_pgno + 1 + pages) * 4096), 0);
        (void)join(sim, 4, token);
        gx_sim_run(sim, 5000);
        undone += gx_sim_counts(sim)->full_steps;
        assert_heals(sim);
        gx_sim_free(sim);
    }
    print_message("steps undone %llu\n", (unsigned long long)undone);
    assert_true(undone > 50);
}

/* Ten journeys to connect: two of TCP within 4 s, eight of ZMTP and CURVE within 12 s. */
static void test_who_is_a_second_away_comes_in_and_who_is_two_away_does_not(void **state)
{
    (void)state;
    for (uint32_t delay_ms = 1000; delay_ms <= 2000; delay_ms += 500) {
        char token[600];
        struct gx_sim *sim = tea_of(1, 3, 2, 10, 10, token);
        struct gx_sim_link far = {.delay_ms = delay_ms};

        gx_sim_island(sim, 2, 1);
        gx_sim_link(sim, 0, 1, &far);
        (void)join(sim, 2, token);
        gx_sim_run(sim, 10 * delay_ms - 5001);
        assert_int_equal(shows(sim, 0, "members"), 2);
        gx_sim_run(sim, 6 * delay_ms + 1);          /* HELLO each way, GUEST, PATH, JOIN */
        assert_int_equal(shows(sim, 0, "members"), delay_ms < 1500 ? 3 : 2);
        gx_sim_run(sim, 120000);
        assert_int_equal(shows(sim, 0, "members"), delay_ms < 1500 ? 3 : 2);
        gx_sim_free(sim);
    }
}

/* Each step that is undone ends all connections: what is tried again at once fails again at once.  Seven peers, ten minutes. */
static void test_a_full_disk_makes_no_storm_of_connections(void **state)
{
    char token[600], text[4000];
    struct gx_sim *sim = tea_of(1, 8, 4, 10, 10, token);
    uint64_t undone = 0, connects = 0;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    gx_sim_disk_full(sim, 1, true);
    for (uint32_t i = 4; i < 8; i++)
        assert_true(join(sim, i, token));
    for (uint32_t i = 0; i < 8; i++) {
        (void)say(sim, i, text);
        gx_sim_run(sim, 1000);
    }
    gx_sim_run(sim, 60000);
    undone = gx_sim_counts(sim)->full_steps;
    connects = gx_sim_counts(sim)->connects;
    gx_sim_run(sim, 600000);
    undone = gx_sim_counts(sim)->full_steps - undone;
    connects = gx_sim_counts(sim)->connects - connects;
    print_message("in ten minutes %llu steps undone, %llu connections tried\n", (unsigned long long)undone, (unsigned long long)connects);
    /* 480 where nothing finds room meanwhile; a commit that does begins the pauses anew. */
    assert_true(undone > 0 && undone < 100 && connects < 900);
    gx_sim_disk_full(sim, 1, false);
    gx_sim_run(sim, 120000);                /* it comes back by itself */
    assert_int_equal(shows(sim, 1, "members"), 8);
    assert_heals(sim);
    gx_sim_free(sim);
}

static struct gx_sim *two_islands(char token[600])
{
    struct gx_sim *sim = tea_of(1, 6, 6, 10, 10, token);

    for (uint32_t i = 3; i < 6; i++)
        gx_sim_island(sim, i, 1);
    return sim;
}

static void test_a_link_that_flaps_delays_and_loses_nothing(void **state)
{
    char token[600];
    struct gx_sim *sim = two_islands(token);

    (void)state;
    gx_sim_flap(sim, 1, 0, 700);
    talk(sim, 0, 6, 5);
    assert_true(gx_sim_counts(sim)->flaps > 15 && gx_sim_counts(sim)->stalled > 0);
    assert_int_equal(gx_sim_counts(sim)->broken, 0);
    gx_sim_flap(sim, 0, 1, 0);
    gx_sim_run(sim, 2000);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(shows(sim, i, "count"), 30);
    assert_heals(sim);
    gx_sim_free(sim);
}

static void test_a_link_that_is_down_for_long_breaks_its_connections_and_they_come_back(void **state)
{
    char token[600];
    struct gx_sim *sim = two_islands(token);

    (void)state;
    gx_sim_flap(sim, 0, 1, 60000);
    for (uint32_t i = 0; i < 59; i++) {
        assert_true(say(sim, i % 6, "word"));
        gx_sim_run(sim, 10000);
    }
    assert_int_equal(gx_sim_counts(sim)->flaps, 5);
    assert_true(gx_sim_counts(sim)->broken >= 5 * 9);
    assert_heals(sim);                  /* which ends it */
    assert_int_equal(gx_sim_counts(sim)->flaps, 5);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(shows(sim, i, "count"), 59);
    gx_sim_free(sim);
}

/* All three, at random nodes, while people talk and join. */
static void test_all_at_once_heal(void **state)
{
    char token[600], text[2000];
    struct gx_sim *sim = tea_of(1, 9, 5, 12, 12, token);

    (void)state;
    for (uint32_t i = 0; i < 9; i++)
        gx_sim_island(sim, i, i % 3);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    gx_sim_flap(sim, 0, 1, 5000);
    gx_sim_flap(sim, 1, 2, 45000);
    for (uint32_t k = 0; k < 300; k++) {
        uint32_t node = gx_sim_pick(sim, 9);

        switch (gx_sim_pick(sim, 6)) {
        case 0:
            gx_sim_pause(sim, node, gx_sim_pick(sim, 3) != 0);
            break;
        case 1:
            gx_sim_disk_full(sim, node, gx_sim_pick(sim, 3) == 0);
            break;
        case 2:
            (void)join(sim, 5 + k % 4, token);
            break;
        default:
            (void)say(sim, node, text);
            break;
        }
        gx_sim_run(sim, gx_sim_pick(sim, 3000));
    }
    print_message("steps undone %llu pauses %llu broken %llu\n", (unsigned long long)gx_sim_counts(sim)->full_steps,
                  (unsigned long long)gx_sim_counts(sim)->pauses, (unsigned long long)gx_sim_counts(sim)->broken);
    assert_true(gx_sim_counts(sim)->full_steps > 0 && gx_sim_counts(sim)->pauses > 10 && gx_sim_counts(sim)->broken > 0);
    assert_heals(sim);
    gx_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_stopped_does_nothing_and_then_everything_at_once),
        cmocka_unit_test(test_who_was_stopped_for_an_hour_comes_back),
        cmocka_unit_test(test_who_is_stopped_when_it_crashes_starts_anew),
        cmocka_unit_test(test_on_a_full_disk_what_was_acknowledged_stays_and_nothing_more_is),
        cmocka_unit_test(test_a_door_without_room_admits_nobody_and_another_does),
        cmocka_unit_test(test_room_may_end_at_any_write_of_a_join),
        cmocka_unit_test(test_who_is_a_second_away_comes_in_and_who_is_two_away_does_not),
        cmocka_unit_test(test_a_full_disk_makes_no_storm_of_connections),
        cmocka_unit_test(test_a_link_that_flaps_delays_and_loses_nothing),
        cmocka_unit_test(test_a_link_that_is_down_for_long_breaks_its_connections_and_they_come_back),
        cmocka_unit_test(test_all_at_once_heal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
