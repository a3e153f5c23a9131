/* Figures of a world against what is counted another way, and reports of it. */
#include "tests/unit/sim/world.h"

#include "tests/sim/measure.h"
#include "tests/sim/report/report.h"
#include <jansson.h>
#include <unistd.h>

#define NODES 3u
#define DELAY_MS 50u
#define MESSAGES 8u

static char folder[] = "/tmp/gx-report-XXXXXX";

static int make_folder(void **s)
{
    (void)s;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **s)
{
    char command[100];

    (void)s;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char paths[2][200];
    static int next;

    next = !next;
    snprintf(paths[next], sizeof paths[0], "%s/%s", folder, name);
    return paths[next];
}

/* What it answers with is the id. */
static bool write_event(struct gx_sim *sim, uint32_t node, char event[80])
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = "tea", .text = "word", .given = GIVEN_GROUP | 1u << GX_PARAM_TEXT};
    struct gx_sim_reply reply;

    return gx_sim_ask(sim, &reply, node, cmd, 0) && gx_sim_value(&reply, event, 80, "event");
}

/* Three nodes in one group, 50 ms from each other, the last of them on an island of its own; nothing else moves.  names: of 4 bytes each, or NULL. */
static struct gx_sim *world_of(uint64_t seed, bool measure, const char *names)
{
    struct gx_sim_link link = {.delay_ms = DELAY_MS};
    char token[600];
    struct gx_sim *sim = tea_in(&(struct gx_sim_options){.seed = seed, .n_nodes = NODES, .measure = measure, .names = names, .name_bytes = 4}, NODES, 10, 10, token);

    gx_sim_island(sim, NODES - 1, 1);
    for (uint32_t a = 0; a < 2; a++)
        for (uint32_t b = 0; b < 2; b++)
            gx_sim_link(sim, a, b, &link);
    gx_sim_run(sim, 30000);
    return sim;
}

static struct gx_sim *world(uint64_t seed, bool measure)
{
    return world_of(seed, measure, NULL);
}

static void cut(struct gx_sim *sim)
{
    gx_sim_cut(sim, 0, 1, true);
    gx_sim_cut(sim, 1, 0, true);
}

static bool can_read(struct gx_sim *sim, uint32_t node, const char *event)
{
    struct gx_command cmd = {.method = GX_CMD_READ, .given = 1u << GX_PARAM_LIMIT};
    struct gx_sim_reply reply;

    (void)gx_sim_ask(sim, &reply, node, cmd, 0);
    return strstr(reply.values, event) != NULL;
}

/* --- figures ---------------------------------------------------------------------------------------------------------------------------------- */

/* The clock goes on by one ms, and everybody is asked what they can read: the figures say the same. */
static void test_latency_is_when_a_message_can_first_be_read(void **s)
{
    struct gx_sim *sim = world(1, true);
    struct gx_sim_figures g;
    uint32_t counted[MESSAGES * (NODES - 1)] = {0}, n = 0;

    (void)s;
    for (uint32_t k = 0; k < MESSAGES; k++) {
        uint32_t author = k % NODES;
        char event[80];

        assert_true(write_event(sim, author, event));
        for (uint32_t ms = 1, left = NODES - 1; left > 0; ms++) {
            assert_true(ms < 1000);
            gx_sim_run(sim, 1);
            for (uint32_t i = 0, at = n; i < NODES; i++) {
                at += i > 0 && i - 1 != author;
                if (i == author || counted[at] != 0 || !can_read(sim, i, event))
                    continue;
                counted[at] = ms;
                left--;
            }
        }
        n += NODES - 1;
        gx_sim_run(sim, 1000);
    }
    assert_true(gx_sim_figures(&g, sim));
    assert_int_equal(g.n_pairs, n);
    assert_int_equal(g.never, 0);
    for (uint32_t i = 0; i < n; i++) {
        assert_in_range(g.pairs[i].latency_ms, DELAY_MS, 3 * DELAY_MS);
        assert_int_equal(g.pairs[i].latency_ms, counted[i]);
    }
    gx_sim_figures_free(&g);
    gx_sim_free(sim);
}

/* Each node has every event of the group in its store, and got all but its own from others: what the oracle counts in the stores is what was received. */
static void test_each_event_is_received_once_by_each_node_and_then_again(void **s)
{
    struct gx_sim *sim = world(2, true);
    struct gx_sim_figures g;
    char event[80];
    uint64_t received = 0, bytes = 0;

    (void)s;
    for (uint32_t k = 0; k < MESSAGES; k++)
        assert_true(write_event(sim, k % NODES, event));
    gx_sim_run(sim, 60000);
    assert_true(gx_sim_check(sim));
    assert_true(gx_sim_figures(&g, sim));
    assert_int_equal(gx_sim_counts(sim)->events_checked % NODES, 0);
    assert_int_equal(g.all.received, gx_sim_counts(sim)->events_checked / NODES * (NODES - 1));
    for (uint32_t i = 0; i < NODES; i++) {
        assert_true(g.nodes[i].received > 0);
        assert_true(g.nodes[i].store_bytes > 0);
        received += g.nodes[i].received;
        bytes += g.nodes[i].bytes;
    }
    assert_int_equal(received, g.all.received);
    assert_int_equal(bytes, g.all.bytes);
    assert_true(bytes <= gx_sim_counts(sim)->bytes);        /* what was on the way when a connection ended came to nobody */
    assert_true(bytes > gx_sim_counts(sim)->bytes * 9 / 10);
    gx_sim_figures_free(&g);
    gx_sim_free(sim);
}

static bool agree(struct gx_sim *sim)
{
    char state[NODES][80];

    for (uint32_t i = 0; i < NODES; i++) {
        struct gx_sim_reply reply;
        struct gx_command cmd = {.method = GX_CMD_GROUP_SHOW, .group = "tea", .given = GIVEN_GROUP};

        if (!gx_sim_ask(sim, &reply, i, cmd, 0) || !gx_sim_value(&reply, state[i], sizeof state[i], "state_hash") || strcmp(state[0], state[i]) != 0)
            return false;
    }
    return true;
}

/* What the founder decides while one is cut off comes to that one after healing; everybody is asked for the state every ms until it did. */
static void test_convergence_is_from_healing_until_all_show_the_same_state(void **s)
{
    struct gx_sim *sim = world(3, true);
    struct gx_sim_figures g;
    uint64_t ms = 0;

    (void)s;
    cut(sim);
    gx_sim_run(sim, 10000);
    assert_true(act(sim, 0, GX_CMD_GROUP_PROMOTE, "@n1"));
    gx_sim_run(sim, 10000);
    assert_false(agree(sim));
    gx_sim_heal(sim);
    for (; ms < 60000 && !agree(sim); ms++)
        gx_sim_run(sim, 1);
    assert_in_range(ms, 1, 59999);
    gx_sim_run(sim, 60000);
    /* What is decided later, by whom all see, takes nothing back. */
    assert_true(act(sim, 0, GX_CMD_GROUP_DEMOTE, "@n1"));
    gx_sim_run(sim, 60000);
    assert_true(gx_sim_figures(&g, sim));
    assert_true(g.healed && g.converged);
    assert_in_range(g.converge_ms, ms, ms + 10 + ms / 50);
    assert_true(g.n_healing >= 2);
    assert_int_equal(g.healing[0].groups[0].states, 2);
    assert_int_equal(g.healing[g.n_healing - 1].groups[0].states, 1);
    gx_sim_figures_free(&g);
    gx_sim_free(sim);
}

static void test_faults_are_marked_with_their_time_and_members_and_states_are_seen(void **s)
{
    static const char *const said[] = {"cut 0 | 1", "crash", "restart with its own store", "clock off by +3600 s", "crash between commit and effects", "heal"};
    struct gx_sim *sim = world(4, true);
    struct gx_sim_figures g;
    uint64_t at[GX_ARRAY_LEN(said)], down = 0;
    char event[80];

    (void)s;
    at[0] = gx_sim_now_ms(sim);
    cut(sim);
    gx_sim_run(sim, 5000);
    at[1] = gx_sim_now_ms(sim);
    gx_sim_crash(sim, 1);
    gx_sim_crash(sim, 2);
    gx_sim_run(sim, 5000);
    at[2] = gx_sim_now_ms(sim);
    gx_sim_start(sim, 1, GX_SIM_SAME);
    gx_sim_start(sim, 2, GX_SIM_SAME);
    gx_sim_run(sim, 5000);
    at[3] = at[4] = gx_sim_now_ms(sim);
    gx_sim_skew(sim, 1, 3600000);
    gx_sim_crash_at(sim, 0, 1);
    (void)write_event(sim, 0, event);
    gx_sim_run(sim, 5000);
    at[5] = gx_sim_now_ms(sim);
    gx_sim_heal(sim);
    gx_sim_run(sim, 60000);
    assert_true(gx_sim_figures(&g, sim));
    assert_int_equal(g.n_marks, GX_ARRAY_LEN(said));
    for (uint32_t i = 0; i < g.n_marks; i++) {
        assert_string_equal(g.marks[i].text, said[i]);
        assert_int_equal(g.marks[i].at_ms, at[i]);
    }
    assert_int_equal(g.marks[1].n, 2);
    assert_int_equal(g.marks[1].first[0], 1);
    assert_int_equal(g.marks[1].first[1], 2);
    assert_int_equal(g.n_groups, 1);
    assert_string_equal(g.groups[0].name, "tea");
    assert_int_equal(g.groups[0].members, NODES);
    assert_true(g.groups[0].agreed);
    for (uint32_t i = 0; i < g.n_samples; i++)
        down += g.samples[i].at_ms >= at[1] && g.samples[i].at_ms < at[2] && g.samples[i].up == 1 && g.samples[i].groups[0].members == 1 &&
                g.samples[i].groups[0].most == NODES;
    assert_true(down > 0);
    assert_int_equal(g.samples[g.n_samples - 1].groups[0].members, NODES);
    gx_sim_figures_free(&g);
    gx_sim_free(sim);
}

/* Measuring looks, and changes nothing. */
static void test_a_world_that_measures_is_the_same_world(void **s)
{
    uint8_t traces[2][32];

    (void)s;
    for (uint32_t k = 0; k < 2; k++) {
        struct gx_sim *sim = world(5, k == 1);
        struct gx_sim_figures g;
        char event[80];

        cut(sim);
        for (uint32_t i = 0; i < MESSAGES; i++)
            assert_true(write_event(sim, i % NODES, event));
        gx_sim_crash(sim, 1);
        gx_sim_run(sim, 5000);
        gx_sim_heal(sim);
        gx_sim_run(sim, 60000);
        assert_true(gx_sim_figures(&g, sim) == (k == 1));
        gx_sim_figures_free(&g);
        assert_true(gx_sim_check(sim));
        gx_sim_trace(sim, traces[k]);
        gx_sim_free(sim);
    }
    assert_memory_equal(traces[0], traces[1], sizeof traces[0]);
}

/* --- reports ----------------------------------------------------------------------------------------------------------------------------------- */

static json_t *read_report(const char *dir)
{
    char path[250];
    json_t *all = NULL;

    snprintf(path, sizeof path, "%s/report.json", dir);
    all = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(all);
    return all;
}

static char *text_of(const char *dir, const char *name)
{
    static char text[1u << 20];
    char path[250];
    FILE *f = NULL;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    return text;
}

static void fields(const json_t *object, const char *names)
{
    char found[300] = "";
    const char *key = NULL;
    json_t *value = NULL, *all = json_deep_copy(object);

    json_object_foreach(all, key, value)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", found[0] == 0 ? "" : " ", key);
    json_decref(all);
    assert_string_equal(found, names);
}

/* A world with seven messages; with `cut_off`, the last one was written when its author could not reach anybody, and nobody healed that. */
static void report(uint64_t seed, bool cut_off, const char *dir)
{
    struct gx_sim *sim = world(seed, true);
    struct gx_report about = {.title = "Three nodes & <one> \"delay\"", .again = "again & again"};
    char event[80];

    for (uint32_t i = 0; i < 6; i++) {
        assert_true(write_event(sim, i % 2, event));
        gx_sim_run(sim, 1000);
    }
    if (cut_off)
        cut(sim);
    assert_true(write_event(sim, 2, event));
    gx_sim_run(sim, 60000);
    assert_int_equal(gx_sim_check(sim), !cut_off);
    assert_int_equal(gx_report_write(sim, &about, dir), 0);
    gx_sim_free(sim);
}

static void test_json_has_its_fields_and_no_others(void **s)
{
    const char *dir = in_folder("deeper/fields");
    json_t *all = NULL, *cdf = NULL;

    (void)s;
    report(7, false, dir);
    all = read_report(dir);
    fields(all, "seed commit trace_hash ok violations expects nodes groups delivery latency_ms per_event converge_ms removals store_bytes");
    fields(json_object_get(all, "delivery"), "due done ratio");
    fields(json_object_get(all, "latency_ms"), "p50 p95 p99 max cdf");
    fields(json_object_get(all, "per_event"), "duplicates bytes");
    fields(json_object_get(all, "removals"), "count apart unheard behind knowing read window_ms heard_ms");
    fields(json_object_get(json_object_get(all, "removals"), "window_ms"), "count p50 p90 p99 max steps");
    fields(json_array_get(json_object_get(all, "groups"), 0), "name members state_hash");
    assert_int_equal(json_integer_value(json_object_get(all, "seed")), 7);
    assert_int_equal(json_integer_value(json_object_get(all, "nodes")), NODES);
    assert_true(json_is_true(json_object_get(all, "ok")));
    assert_int_equal(json_array_size(json_object_get(all, "violations")), 0);
    /* Seven messages at three members each, their authors among these. */
    assert_int_equal(json_integer_value(json_object_get(json_object_get(all, "delivery"), "due")), 7 * NODES);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(all, "delivery"), "done")), 7 * NODES);
    assert_true(json_is_null(json_object_get(all, "converge_ms")));
    cdf = json_object_get(json_object_get(all, "latency_ms"), "cdf");
    assert_int_equal(json_array_size(cdf), 100);
    for (size_t i = 1; i < 100; i++)
        assert_true(json_integer_value(json_array_get(cdf, i - 1)) <= json_integer_value(json_array_get(cdf, i)));
    assert_int_equal(json_integer_value(json_array_get(cdf, 99)), json_integer_value(json_object_get(json_object_get(all, "latency_ms"), "max")));
    assert_non_null(strstr(text_of(dir, "report.txt"), "all holds"));
    json_decref(all);
}

/* One is removed while the other is cut off, who speaks to them 20 ms later and hears 10 s later: in all three forms. */
static void test_a_removal_is_reported_with_what_was_sealed_meanwhile_to_who_is_out(void **s)
{
    const char *dir = in_folder("removal");
    struct gx_sim *sim = world(16, true);
    struct gx_report about = {.title = "One is removed"};
    char event[80];
    json_t *all = NULL, *of = NULL, *window = NULL, *heard = NULL;

    (void)s;
    cut(sim);
    assert_true(act(sim, 0, GX_CMD_GROUP_REMOVE, "@n1"));
    gx_sim_removed(sim, 1, 0);
    gx_sim_run(sim, 20);
    assert_true(write_event(sim, 2, event));
    gx_sim_run(sim, 9980);
    gx_sim_heal(sim);
    gx_sim_run(sim, 900000);
    assert_true(gx_sim_check(sim));
    assert_int_equal(gx_report_write(sim, &about, dir), 0);
    gx_sim_free(sim);
    all = read_report(dir);
    of = json_object_get(all, "removals");
    window = json_object_get(of, "window_ms");
    heard = json_object_get(of, "heard_ms");
    assert_int_equal(json_integer_value(json_object_get(of, "count")), 1);
    assert_int_equal(json_integer_value(json_object_get(of, "apart")), 1);
    assert_int_equal(json_integer_value(json_object_get(of, "knowing")), 0);
    assert_int_equal(json_integer_value(json_object_get(window, "count")), 1);
    assert_int_equal(json_integer_value(json_object_get(window, "p50")), 20);
    assert_int_equal(json_integer_value(json_object_get(window, "max")), 20);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(json_object_get(window, "steps"), 0), 0)), 20);
    assert_int_equal(json_integer_value(json_object_get(heard, "count")), 1);
    assert_in_range(json_integer_value(json_object_get(heard, "max")), 10000, 12000);
    assert_non_null(strstr(text_of(dir, "report.txt"), "1 messages by who had not heard are sealed to who is out"));
    assert_non_null(strstr(text_of(dir, "report.html"), "<tr><td>sealed after</td><td class=\"n\">1</td><td class=\"n\">20 ms</td>"));
    json_decref(all);
}

/* 12 of 14 deliveries: the quantiles beyond are null, the curve ends before 100 %, and the words say so. */
static void test_what_did_not_reach_somebody_is_said_to(void **s)
{
    const char *dir = in_folder("never");
    json_t *all = NULL, *latency = NULL, *violation = NULL;

    (void)s;
    report(8, true, dir);
    all = read_report(dir);
    latency = json_object_get(all, "latency_ms");
    assert_true(json_is_false(json_object_get(all, "ok")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(all, "delivery"), "due")), 7 * NODES);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(all, "delivery"), "done")), 7 * NODES - 2);
    assert_int_equal(json_array_size(json_object_get(latency, "cdf")), 1200 / 14);
    assert_true(json_is_null(json_object_get(latency, "p95")));
    assert_true(json_is_null(json_object_get(latency, "max")));
    assert_in_range(json_integer_value(json_object_get(latency, "p50")), DELAY_MS, 3 * DELAY_MS);
    violation = json_array_get(json_object_get(all, "violations"), 0);
    fields(violation, "oracle at_ms node text");
    assert_non_null(strstr(text_of(dir, "report.txt"), "BROKEN"));
    assert_non_null(strstr(text_of(dir, "report.html"), "2 never came"));
    assert_non_null(strstr(text_of(dir, "report.html"), "✗ Broken"));
    json_decref(all);
}

static void test_the_page_fetches_nothing_and_quotes_what_it_is_given(void **s)
{
    static const char *const never[] = {"http:", "https:", "src=", "url(", "<script", "@import", "<link", "<one>"};
    const char *dir = in_folder("page");
    const char *text = NULL;

    (void)s;
    report(9, false, dir);
    text = text_of(dir, "report.html");
    for (size_t i = 0; i < GX_ARRAY_LEN(never); i++)
        assert_null(strstr(text, never[i]));
    assert_non_null(strstr(text, "<h1>Three nodes &amp; &lt;one&gt; &quot;delay&quot;</h1>"));
    assert_non_null(strstr(text, "<pre>again &amp; again</pre>"));
    assert_non_null(strstr(text, "prefers-color-scheme:dark"));
    assert_non_null(strstr(text, "<svg "));
}

static int compare_within(const char *a, const char *b, double within, char **said)
{
    char paths[2][250];
    size_t n = 0;
    FILE *f = open_memstream(said, &n);
    int result = 0;

    snprintf(paths[0], sizeof paths[0], "%s/%s/report.json", folder, a);
    snprintf(paths[1], sizeof paths[1], "%s/%s/report.json", folder, b);
    result = gx_report_compare(paths[0], paths[1], within, f);
    fclose(f);
    return result;
}

static int compare(const char *a, const char *b, char **said)
{
    return compare_within(a, b, 0, said);
}

/* The report in the folder `of`, with one thing changed, is put into the folder `as`. */
static void put_altered(const char *of, const char *as, const char *object, const char *key, json_t *value)
{
    char path[250];
    json_t *all = NULL;

    snprintf(path, sizeof path, "%s/%s", folder, of);
    all = read_report(path);
    json_object_set_new(object == NULL ? all : json_object_get(all, object), key, value);
    snprintf(path, sizeof path, "%s/%s/report.json", folder, as);
    assert_int_equal(json_dump_file(all, path, 0), 0);
    json_decref(all);
}

/* Half of all messages are there after 50 ms.  A run of processes differs from one of the simulator in all else: that is not asked then. */
static void test_comparing_within_a_factor_asks_for_the_median_and_that_all_holds(void **s)
{
    char *said = NULL;

    (void)s;
    report(10, false, in_folder("sim"));
    report(10, false, in_folder("lab"));
    put_altered("sim", "lab", "latency_ms", "p50", json_integer(90));
    assert_int_equal(compare("sim", "lab", &said), 1);
    assert_non_null(strstr(said, "\nmedian delivery          50 ms, 90 ms: a factor of 1.80\n"));
    free(said);
    assert_int_equal(compare_within("sim", "lab", 1.8, &said), 0);
    free(said);
    assert_int_equal(compare_within("lab", "sim", 1.8, &said), 0);
    free(said);
    assert_int_equal(compare_within("sim", "lab", 1.7, &said), 1);
    free(said);
    put_altered("sim", "lab", "delivery", "ratio", json_real(0.99));
    assert_int_equal(compare_within("sim", "lab", 1000, &said), 1);
    free(said);
    put_altered("sim", "lab", NULL, "ok", json_false());
    assert_int_equal(compare_within("sim", "lab", 1000, &said), 1);
    free(said);
    put_altered("sim", "lab", "latency_ms", "p50", json_null());
    assert_int_equal(compare_within("sim", "lab", 1000, &said), 1);
    free(said);
}

/* What is read from a file comes out act by act, with where it stood. */
static void test_a_scenario_can_be_had_as_json(void **s)
{
    static const char text[] = "nodes ann bob\nisland far bob\nlink all delay 20ms loss 5%\nat 1s ann creates tea cap 5\nat 2s cut far > elsewhere\n"
                               "expect never bob reads what ann sent after 3s\n";
    struct gx_scenario scn;
    char why[300], *out = NULL;
    uint32_t line = 0, column = 0;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    json_t *all = NULL, *act = NULL, *expect = NULL;

    (void)s;
    assert_true(gx_scn_read(&scn, text, sizeof text - 1, why, &line, &column));
    assert_true(gx_report_acts(f, &scn));
    fclose(f);
    all = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(all, "acts")), 5);      /* three links */
    act = json_array_get(json_object_get(all, "acts"), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(act, "link"), "loss_ppm")), 50000);
    act = json_array_get(json_object_get(all, "acts"), 3);
    assert_string_equal(json_string_value(json_object_get(act, "text")), "ann creates tea cap 5");
    assert_string_equal(json_string_value(json_object_get(act, "group")), "tea");
    act = json_array_get(json_object_get(all, "acts"), 4);
    assert_int_equal(json_integer_value(json_object_get(act, "at_ms")), 2000);
    assert_int_equal(json_integer_value(json_object_get(act, "line")), 5);
    assert_int_equal(json_integer_value(json_object_get(act, "a")), 1);
    assert_true(json_is_null(json_object_get(act, "group")));
    expect = json_array_get(json_object_get(all, "expects"), 0);
    assert_string_equal(json_string_value(json_object_get(expect, "when")), "never");
    assert_string_equal(json_string_value(json_object_get(expect, "b")), "ann");
    assert_int_equal(json_integer_value(json_object_get(expect, "after_ms")), 3000);
    json_decref(all);
    free(out);
    gx_scn_free(&scn);
}

static void test_comparing_says_what_differs_and_by_how_much(void **s)
{
    char *said = NULL, path[250];
    json_t *all = NULL;

    (void)s;
    report(10, false, in_folder("a"));
    report(10, false, in_folder("b"));
    assert_int_equal(compare("a", "b", &said), 0);          /* the same seed is the same report, byte for byte */
    assert_non_null(strstr(said, "no difference"));
    free(said);
    report(11, false, in_folder("other"));
    assert_int_equal(compare("a", "other", &said), 1);
    assert_non_null(strstr(said, "\nseed                     10, 11\n"));
    assert_non_null(strstr(said, "\ntrace_hash "));
    free(said);
    all = read_report(in_folder("a"));
    json_object_set_new(all, "commit", json_string("another"));
    json_object_set_new(json_object_get(all, "delivery"), "done", json_integer(20));
    json_object_set_new(json_object_get(all, "per_event"), "bytes", json_null());
    json_object_set_new(json_object_get(all, "latency_ms"), "max", json_integer(5000));
    json_array_set_new(json_object_get(json_object_get(all, "latency_ms"), "cdf"), 49, json_integer(1050));
    json_array_append_new(json_object_get(all, "violations"), json_string("one"));
    json_object_set_new(all, "nodes", json_real(NODES));
    snprintf(path, sizeof path, "%s/b/report.json", folder);
    assert_int_equal(json_dump_file(all, path, 0), 0);
    json_decref(all);
    assert_int_equal(compare("a", "b", &said), 1);
    assert_non_null(strstr(said, "commit another\n"));
    assert_non_null(strstr(said, "\ndelivery.done            21, 20  -4.76 %\n"));
    assert_non_null(strstr(said, "\nlatency_ms.cdf           1 of 100 differ, the most at 50 %: 50, 1050\n"));
    assert_non_null(strstr(said, "\nlatency_ms.max           50, 5000  100 times\n"));
    assert_non_null(strstr(said, "\nper_event.bytes "));
    assert_non_null(strstr(said, "\nviolations[0]            -, \"one\"\n"));
    assert_null(strstr(said, "\ncommit"));
    assert_null(strstr(said, "\nnodes"));                   /* 3.0 is 3 */
    free(said);
}

static void test_comparing_what_is_no_report_is_refused(void **s)
{
    char *said = NULL, path[250];
    FILE *f = NULL;

    (void)s;
    report(12, false, in_folder("good"));
    report(12, false, in_folder("bad"));
    assert_int_equal(compare("good", "nowhere", &said), 2);
    free(said);
    snprintf(path, sizeof path, "%s/bad/report.json", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("{\"seed\": 1,}", f);
    fclose(f);
    assert_int_equal(compare("bad", "good", &said), 2);
    free(said);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("{\"seed\": 1}", f);
    fclose(f);
    assert_int_equal(compare("good", "bad", &said), 2);
    free(said);
}

static void test_what_is_broken_names_nodes_as_the_world_does(void **s)
{
    struct gx_sim *sim = world_of(14, false, "ann\0bob\0cid");
    char event[80];
    size_t n = 0;

    (void)s;
    cut(sim);
    assert_true(write_event(sim, 2, event));
    gx_sim_run(sim, 60000);
    assert_false(gx_sim_check(sim));

    const struct gx_sim_violation *v = gx_sim_violations(sim, &n);

    assert_true(n > 0 && v[0].oracle == GX_SIM_DELIVERY);
    assert_non_null(strstr(v[0].text, "message 1 of cid"));
    gx_sim_free(sim);
}

static void test_of_many_things_that_are_broken_the_first_are_kept(void **s)
{
    struct gx_sim *sim = world(15, false);
    char text[20];
    size_t n = 0;

    (void)s;
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "thing %d", i);
        gx_sim_expect(sim, false, 0, text);
    }
    assert_string_equal(gx_sim_violations(sim, &n)[63].text, "thing 63");
    assert_int_equal(n, 64);
    gx_sim_free(sim);
}

static void test_a_report_that_cannot_be_written_is_an_error(void **s)
{
    struct gx_sim *sim = world(13, true);
    struct gx_report about = {.title = "nowhere"};

    (void)s;
    assert_int_not_equal(gx_report_write(sim, &about, "/proc/nowhere"), 0);
    assert_int_not_equal(gx_report_write(sim, &about, "/dev/null"), 0);
    gx_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latency_is_when_a_message_can_first_be_read),
        cmocka_unit_test(test_each_event_is_received_once_by_each_node_and_then_again),
        cmocka_unit_test(test_convergence_is_from_healing_until_all_show_the_same_state),
        cmocka_unit_test(test_faults_are_marked_with_their_time_and_members_and_states_are_seen),
        cmocka_unit_test(test_a_world_that_measures_is_the_same_world),
        cmocka_unit_test(test_json_has_its_fields_and_no_others),
        cmocka_unit_test(test_a_removal_is_reported_with_what_was_sealed_meanwhile_to_who_is_out),
        cmocka_unit_test(test_what_did_not_reach_somebody_is_said_to),
        cmocka_unit_test(test_the_page_fetches_nothing_and_quotes_what_it_is_given),
        cmocka_unit_test(test_comparing_says_what_differs_and_by_how_much),
        cmocka_unit_test(test_comparing_within_a_factor_asks_for_the_median_and_that_all_holds),
        cmocka_unit_test(test_a_scenario_can_be_had_as_json),
        cmocka_unit_test(test_comparing_what_is_no_report_is_refused),
        cmocka_unit_test(test_what_is_broken_names_nodes_as_the_world_does),
        cmocka_unit_test(test_of_many_things_that_are_broken_the_first_are_kept),
        cmocka_unit_test(test_a_report_that_cannot_be_written_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
