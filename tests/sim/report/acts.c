/* A scenario as JSON: one reader of scenario files is enough.  tests/README.md, "With real processes". */
#include "tests/sim/report/internal.h"

#include <stdlib.h>

static json_t *node_or_null(const struct gx_scenario *scn, uint32_t node)
{
    return node < scn->n_nodes ? json_string(scn->nodes[node].text) : json_null();
}

static json_t *name_or_null(const struct gx_scn_name *names, uint32_t n, uint32_t i)
{
    return i < n ? json_string(names[i].text) : json_null();
}

static json_t *names(const struct gx_scn_name *list, uint32_t n)
{
    json_t *all = json_array();

    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(all, json_string(list[i].text));
    return all;
}

/* As in a file, without its time. */
static json_t *said(const struct gx_scenario *scn, const struct gx_scn_act *act)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    json_t *all = NULL;

    if (f == NULL)
        return NULL;
    gx_scn_say(f, scn, act);
    fclose(f);
    all = json_string(text);
    free(text);
    return all;
}

static bool is_of_islands(enum gx_scn_act_kind kind)
{
    return kind == GX_SCN_CUT || kind == GX_SCN_FLAP || kind == GX_SCN_LINK;
}

static json_t *act(const struct gx_scenario *scn, const struct gx_scn_act *a)
{
    bool islands = is_of_islands(a->kind);

    return json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}, s:I, s:I}", "at_ms", (json_int_t)a->at_ms, "kind",
                     gx_scn_act_name(a->kind), "text", said(scn, a), "a", islands ? json_integer(a->a) : node_or_null(scn, a->a), "b",
                     islands ? json_integer(a->b) : node_or_null(scn, a->b), "group", a->kind <= GX_SCN_LOOK ? name_or_null(scn->groups, scn->n_groups, a->group) : json_null(),
                     "word", a->kind == GX_SCN_ALIAS ? name_or_null(scn->words, scn->n_words, a->n) : json_null(), "n", (json_int_t)a->n, "m", (json_int_t)a->m,
                     "ms", (json_int_t)a->ms, "link", "delay_ms", (json_int_t)a->link.delay_ms, "jitter_ms", (json_int_t)a->link.jitter_ms, "loss_ppm",
                     (json_int_t)a->link.loss_ppm, "bytes_per_s", (json_int_t)a->link.bytes_per_s, "line", (json_int_t)a->line, "column", (json_int_t)a->column);
}

static json_t *expect(const struct gx_scenario *scn, const struct gx_scn_expect *x)
{
    static const char *const whens[] = {[GX_SCN_BY] = "by", [GX_SCN_AT_END] = "end", [GX_SCN_NEVER] = "never"};
    static const char *const compares[] = {[GX_SCN_EQUAL] = "=", [GX_SCN_MOST] = "<=", [GX_SCN_LEAST] = ">="};
    static const char *const kinds[] = {[GX_SCN_SAME_STATE] = "same state", [GX_SCN_DELIVERED] = "delivered", [GX_SCN_REPEATED] = "repeated",
                                        [GX_SCN_PUSHED] = "pushed", [GX_SCN_MEMBERS] = "members", [GX_SCN_IS_MEMBER] = "is member", [GX_SCN_READS] = "reads"};

    return json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:b, s:I, s:I}", "when", whens[x->when], "by_ms", (json_int_t)x->by_ms, "kind", kinds[x->kind],
                     "compare", compares[x->compare], "a", node_or_null(scn, x->a), "b", node_or_null(scn, x->b), "group",
                     name_or_null(scn->groups, scn->n_groups, x->group), "number", (json_int_t)x->number, "after_ms", (json_int_t)x->after_ms, "not", x->not, "line",
                     (json_int_t)x->line, "column", (json_int_t)x->column);
}

bool gx_report_acts(FILE *out, const struct gx_scenario *scn)
{
    json_t *islands = json_array(), *acts = json_array(), *expects = json_array(), *all = NULL;
    bool ok = true;

    for (uint32_t i = 0; i < scn->n_nodes; i++)
        json_array_append_new(islands, json_integer(scn->island[i]));
    for (uint32_t i = 0; i < scn->n_acts; i++)
        ok = json_array_append_new(acts, act(scn, &scn->acts[i])) == 0 && ok;
    for (uint32_t i = 0; i < scn->n_expects; i++)
        ok = json_array_append_new(expects, expect(scn, &scn->expects[i])) == 0 && ok;
    all = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "commit", report_commit(), "nodes", names(scn->nodes, scn->n_nodes), "island_of", islands, "islands",
                    names(scn->islands, scn->n_islands), "groups", names(scn->groups, scn->n_groups), "acts", acts, "expects", expects);
    ok = all != NULL && ok && json_dumpf(all, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF;
    json_decref(all);
    return ok;
}
