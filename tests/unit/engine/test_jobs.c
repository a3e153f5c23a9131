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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admissions_are_not_taken_for_more_signatures_than_there_is_room),
        cmocka_unit_test(test_a_path_is_not_taken_when_it_may_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
