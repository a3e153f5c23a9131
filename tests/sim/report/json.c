/* report.json: the fields that tests/README.md lists, and no others. */
#include "tests/sim/report/internal.h"

#include <inttypes.h>

static json_t *number(uint64_t n)
{
    char text[24];

    if (n <= INT64_MAX)
        return json_integer((json_int_t)n);
    snprintf(text, sizeof text, "%" PRIu64, n);         /* a seed that JSON has no number for */
    return json_string(text);
}

static json_t *or_null(uint32_t ms)
{
    return ms == GX_SIM_NEVER ? json_null() : json_integer(ms);
}

static json_t *violations(const struct report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_violations; i++) {
        const struct gx_sim_violation *v = &r->violations[i];

        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:s}", "oracle", gx_sim_oracle_name(v->oracle), "at_ms", number(v->at_ms), "node",
                                              v->node == UINT32_MAX ? json_null() : json_string(report_node(r, v->node)), "text", v->text));
    }
    return list;
}

static json_t *expects(const struct gx_scenario *scn)
{
    json_t *list = json_array();

    for (uint32_t i = 0; scn != NULL && i < scn->n_expects; i++)
        json_array_append_new(list, json_pack("{s:i, s:b, s:s}", "line", (int)scn->expects[i].line, "ok", scn->expects[i].ok, "got", scn->expects[i].got));
    return list;
}

static json_t *groups(const struct gx_sim_figures *g)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < g->n_groups; i++) {
        const struct gx_sim_group_figures *of = &g->groups[i];

        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "name", of->name, "members", of->agreed ? json_integer(of->members) : json_null(), "state_hash",
                                              of->agreed ? json_string(of->state_hash) : json_null()));
    }
    return list;
}

/* The k-th number: the time by which k % were there.  Shorter than 100 where some never came. */
static json_t *latency(const struct report *r)
{
    json_t *cdf = json_array();

    for (int k = 1; k <= 100 && report_quantile(r, k / 100.0) != GX_SIM_NEVER; k++)
        json_array_append_new(cdf, json_integer(report_quantile(r, k / 100.0)));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "p50", or_null(report_quantile(r, .5)), "p95", or_null(report_quantile(r, .95)), "p99",
                     or_null(report_quantile(r, .99)), "max", or_null(report_quantile(r, 1)), "cdf", cdf);
}

bool report_json(const struct report *r, FILE *f)
{
    const struct gx_sim_counts *c = r->counts;
    json_t *all = json_object();
    bool ok = json_object_set_new(all, "seed", number(r->figures.seed)) == 0;

    ok = json_object_set_new(all, "commit", json_string(report_commit())) == 0 && ok;
    ok = json_object_set_new(all, "trace_hash", json_string(r->trace)) == 0 && ok;
    ok = json_object_set_new(all, "ok", json_boolean(r->n_violations == 0)) == 0 && ok;
    ok = json_object_set_new(all, "violations", violations(r)) == 0 && ok;
    ok = json_object_set_new(all, "expects", expects(r->about->scn)) == 0 && ok;
    ok = json_object_set_new(all, "nodes", json_integer(r->figures.n_nodes)) == 0 && ok;
    ok = json_object_set_new(all, "groups", groups(&r->figures)) == 0 && ok;
    ok = json_object_set_new(all, "delivery", json_pack("{s:o, s:o, s:o}", "due", number(c->due), "done", number(c->delivered), "ratio",
                             c->due == 0 ? json_null() : json_real((double)c->delivered / (double)c->due))) == 0 && ok;
    ok = json_object_set_new(all, "latency_ms", latency(r)) == 0 && ok;
    ok = json_object_set_new(all, "per_event", json_pack("{s:f, s:f}", "duplicates", report_per_event(r, r->figures.all.again), "bytes",
                             report_per_event(r, r->figures.all.bytes))) == 0 && ok;
    ok = json_object_set_new(all, "converge_ms", r->figures.converged ? number(r->figures.converge_ms) : json_null()) == 0 && ok;
    ok = json_object_set_new(all, "removals", report_removals_json(gx_sim_removals(r->sim))) == 0 && ok;
    ok = json_object_set_new(all, "store_bytes", number(r->figures.all.store_bytes)) == 0 && ok;
    ok = ok && json_dumpf(all, f, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0 && fputc('\n', f) != EOF;
    json_decref(all);
    return ok;
}
