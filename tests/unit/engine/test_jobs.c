/* What waits for its signatures: never more of them than os has room for. */
#include "node/engine/internal.h"
#include "tests/unit/engine/net.h"

/* As many as are taken, each with so many signatures. */
static uint32_t fill(struct gx_engine *e, enum gx_job_kind kind, uint32_t signatures)
{
    static const struct gx_sign_pk pk;
    static const struct gx_sig sig;
    uint32_t n = 0;

    for (struct gx_job *job = gx_job_new(e, kind, NULL, GX_NONE, gx_span(NULL, 0)); job != NULL; job = gx_job_new(e, kind, NULL, GX_NONE, gx_span(NULL, 0))) {
        for (uint32_t i = 0; i < signatures; i++)
            gx_job_verify(e, job, GX_DOMAIN_EVENT, &pk, gx_span(NULL, 0), &sig);
        gx_job_begin(e, job);
        n++;
    }
    return n;
}

static uint32_t asked(const struct gx_engine *e)
{
    uint32_t n = 0;

    for (size_t i = 0; i < e->n_effects; i++)
        n += e->effects[i].kind == GX_OUT_VERIFY;
    return n;
}

static void test_admissions_are_not_taken_for_more_signatures_than_there_is_room(void **state)
{
    struct net *net = net_new(1);
    struct gx_engine *e = net->node[0].engine;

    (void)state;
    assert_int_equal(fill(e, GX_JOB_CONTROL, 4), GX_VERIFIES_MAX / 4);
    assert_int_equal(asked(e), GX_VERIFIES_MAX);
    net_free(net);
}

static void test_a_path_is_not_taken_when_it_may_not_fit(void **state)
{
    struct net *net = net_new(1);
    struct gx_engine *e = net->node[0].engine;
    uint32_t most = 0;

    (void)state;
    assert_int_equal(fill(e, GX_JOB_PATH, GX_PATH_SIGNATURES_MAX), 2);
    assert_int_equal(fill(e, GX_JOB_CONTROL, 1), 0);
    for (uint64_t ticket = 1; ticket <= 4; ticket++)
        gx_jobs_verified(e, ticket, true);
    most = asked(e);
    assert_int_equal(most, GX_VERIFIES_MAX);
    assert_int_equal(fill(e, GX_JOB_CONTROL, 4), 1);        /* what was answered leaves room */
    assert_int_equal(asked(e), most + 4);
    net_free(net);
}

/* The control of node 0's only group, as a door gives it. */
static struct gx_span control_of(struct net *net, uint8_t *bytes, size_t cap)
{
    const struct gx_group *g = net->node[0].engine->groups[0];
    struct gx_wr w = gx_wr(bytes, cap);
    struct gx_txn *txn = NULL;
    uint32_t next = 0;

    assert_int_equal(gx_txn_begin(&txn, net->node[0].store, false), GX_OK);
    assert_int_equal(gx_events_read_chunk(txn, &w, &next, &g->logs[g->own_control].row, &g->row.id, 1, GX_CHUNK_EVENTS_MAX, cap), GX_OK);
    gx_txn_abort(&txn);
    return gx_wr_span(&w);
}

/* Whoever has its token may answer a joiner for ever. */
static void test_what_waits_with_a_joiner_has_a_limit(void **state)
{
    static uint8_t bytes[GX_CHUNK_BYTES_MAX];
    struct net *net = net_new(2);
    struct gx_engine *e = net->node[1].engine;
    char token[600];

    (void)state;
    net_group(net, 0, "tea");
    net_invite(net, 0, "tea", token, 0);
    struct gx_span chunk = control_of(net, bytes, sizeof bytes);
    net_stop(net, 0);
    assert_false(net_join(net, 1, token, NULL));
    assert_true(gx_group_joining(e->groups[0]));
    assert_true(fill(e, GX_JOB_CONTROL, 1) > 0);
    for (size_t taken = 0; taken < GX_WAITING_BYTES_MAX + 10 * chunk.n; taken += chunk.n)
        gx_jobs_chunk(e, NULL, e->groups[0], chunk);
    assert_true(gx_engine_dropped(e, "jobs_full") > 0);
    assert_in_range(e->groups[0]->n_waiting, GX_WAITING_BYTES_MAX - chunk.n - sizeof(uint32_t), GX_WAITING_BYTES_MAX);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admissions_are_not_taken_for_more_signatures_than_there_is_room),
        cmocka_unit_test(test_a_path_is_not_taken_when_it_may_not_fit),
        cmocka_unit_test(test_what_waits_with_a_joiner_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
