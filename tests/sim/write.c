/* Scenario files: writing one that is read as the same again. */
#include "tests/sim/internal.h"
#include "tests/sim/reader.h"

#include <inttypes.h>

static const char *name(const struct gx_scenario *scn, uint32_t node)
{
    return scn->nodes[node].text;
}

static void say_link(FILE *out, const struct gx_sim_link *link)
{
    fprintf(out, " delay %ums", link->delay_ms);
    if (link->jitter_ms > 0)
        fprintf(out, " jitter %ums", link->jitter_ms);
    if (link->loss_ppm > 0)
        fprintf(out, " loss %.4f%%", link->loss_ppm / 1e4);
    if (link->bytes_per_s > 0)
        fprintf(out, " rate %.3fkB/s", link->bytes_per_s / 1e3);
}

static void say_in_group(FILE *out, const struct gx_scenario *scn, const struct gx_scn_act *a)
{
    const char *group = scn->groups[a->group].text;

    switch ((int)a->kind) {
    case GX_SCN_CREATE:
        fprintf(out, "creates %s", group);
        if (a->n > 0)
            fprintf(out, " cap %u", a->n);
        if (a->m > 0)
            fprintf(out, " qr %u", a->m);
        if (a->ms > 0)
            fprintf(out, " history %" PRId64, a->ms);
        break;
    case GX_SCN_SHOW_QR:
        fprintf(out, "shows qr of %s", group);
        if (a->n > 0)
            fprintf(out, " uses %u", a->n);
        if (a->ms > 0)
            fprintf(out, " for %" PRId64 "ms", a->ms);
        break;
    case GX_SCN_REVOKE:
        fprintf(out, "revokes qr of %s", group);
        break;
    case GX_SCN_JOIN:
        fprintf(out, "joins %s", group);
        if (a->b != GX_SCN_NOBODY)
            fprintf(out, " by qr of %s", name(scn, a->b));
        break;
    case GX_SCN_SHOW_DIGITS:
        fprintf(out, "shows digits of %s", group);
        if (a->ms > 0)
            fprintf(out, " for %" PRId64 "ms", a->ms);
        break;
    case GX_SCN_TYPE:
        fprintf(out, "joins %s by %sdigits of %s", group, a->n != 0 ? "wrong " : "", name(scn, a->b));
        break;
    case GX_SCN_SEND:
        fprintf(out, "sends 1 to %s", group);
        break;
    case GX_SCN_LEAVE:
        fprintf(out, "leaves %s", group);
        break;
    case GX_SCN_ALIAS:
        fprintf(out, "calls itself %s in %s", scn->words[a->n].text, group);
        break;
    case GX_SCN_CARRY:
        fprintf(out, "keeps %s of %s", scn_carries[a->n], group);
        break;
    case GX_SCN_LOOK:
        fprintf(out, "looks at %s", group);
        break;
    case GX_SCN_TRANSFER:
        fprintf(out, "offers %s to %s", group, name(scn, a->b));
        break;
    default:
        for (size_t i = 0; i < SCN_VERBS; i++)
            if (scn_verbs[i].kind == a->kind) {
                fprintf(out, "%s %s", scn_verbs[i].verb, name(scn, a->b));
                if (scn_verbs[i].where != NULL)
                    fprintf(out, " %s %s", scn_verbs[i].where, group);
            }
        break;
    }
}

static void say_of_node(FILE *out, const struct gx_scenario *scn, const struct gx_scn_act *a)
{
    static const char *const stores[] = {[GX_SIM_SAME] = "", [GX_SIM_SAVED] = " with old store", [GX_SIM_EMPTY] = " with empty store"};

    fprintf(out, "%s ", name(scn, a->a));
    switch ((int)a->kind) {
    case GX_SCN_CRASH:
        fputs("crashes", out);
        if (a->n > 0)
            fprintf(out, " after %u steps", a->n);
        break;
    case GX_SCN_SAVE:
        fputs("saves", out);
        break;
    case GX_SCN_RESTART:
        fprintf(out, "restarts%s", stores[a->n]);
        break;
    case GX_SCN_CLOCK:
        fprintf(out, "clock %c%" PRId64 "ms", a->ms < 0 ? '-' : '+', a->ms < 0 ? -a->ms : a->ms);
        break;
    case GX_SCN_PAUSE:
        fputs(a->n != 0 ? "pauses" : "resumes", out);
        break;
    case GX_SCN_BEACONS:
        fputs("beacons", out);
        break;
    case GX_SCN_MOVE:
        fputs("moves", out);
        break;
    case GX_SCN_DISK:
        fprintf(out, "disk %s", a->n != 0 ? "full" : "free");
        break;
    case GX_SCN_TURN:
        fprintf(out, "turns %s", gx_sim_role_name((enum gx_sim_role)a->n));
        if (a->b != GX_SCN_NOBODY)
            fprintf(out, " with %s", name(scn, a->b));
        break;
    default:
        say_in_group(out, scn, a);
        break;
    }
}

void gx_scn_say(FILE *out, const struct gx_scenario *scn, const struct gx_scn_act *a)
{
    switch ((int)a->kind) {
    case GX_SCN_CUT:
        fprintf(out, "%s %s > %s", a->n != 0 ? "cut" : "mend", scn->islands[a->a].text, scn->islands[a->b].text);
        break;
    case GX_SCN_FLAP:
        if (a->ms > 0)
            fprintf(out, "flap %s | %s every %" PRId64 "ms", scn->islands[a->a].text, scn->islands[a->b].text, a->ms);
        else
            fprintf(out, "steady %s | %s", scn->islands[a->a].text, scn->islands[a->b].text);
        break;
    case GX_SCN_LINK:
        fprintf(out, "link %s %s", scn->islands[a->a].text, scn->islands[a->b].text);
        say_link(out, &a->link);
        break;
    case GX_SCN_HEAL:
        fputs("heal", out);
        break;
    case GX_SCN_REST:
        fputs("rest", out);
        if (a->a != GX_SCN_NOBODY)
            fprintf(out, " without %s", name(scn, a->a));
        break;
    default:
        say_of_node(out, scn, a);
        break;
    }
}

static void say_expect(FILE *out, const struct gx_scenario *scn, const struct gx_scn_expect *x)
{
    static const char *const signs[] = {[GX_SCN_EQUAL] = "=", [GX_SCN_MOST] = "<=", [GX_SCN_LEAST] = ">="};
    const char *group = scn->groups[x->group].text;

    if (x->when == GX_SCN_BY)
        fprintf(out, "expect by %" PRIu64 "ms ", x->by_ms);
    else
        fprintf(out, "expect %s ", x->when == GX_SCN_NEVER ? "never" : "at end");
    switch (x->kind) {
    case GX_SCN_SAME_STATE:
        fprintf(out, "same state in %s\n", group);
        break;
    case GX_SCN_DELIVERED:
        fprintf(out, "delivered %s %s %" PRIu64 "%%\n", group, signs[x->compare], x->number);
        break;
    case GX_SCN_REPEATED:
    case GX_SCN_PUSHED:
        fprintf(out, "%s %s %s %" PRIu64 "%% after %" PRIu64 "ms\n", x->kind == GX_SCN_PUSHED ? "pushed" : "repeated", group, signs[x->compare], x->number,
                x->after_ms);
        break;
    case GX_SCN_MEMBERS:
        fprintf(out, "members of %s %s %" PRIu64 "\n", group, signs[x->compare], x->number);
        break;
    case GX_SCN_IS_MEMBER:
        fprintf(out, "%s is %smember of %s\n", name(scn, x->a), x->not ? "not " : "", group);
        break;
    case GX_SCN_READS:
        fprintf(out, "%s reads what %s sent after %" PRIu64 "ms\n", name(scn, x->a), name(scn, x->b), x->after_ms);
        break;
    }
}

void gx_scn_write(FILE *out, const struct gx_scenario *scn)
{
    for (uint32_t i = 0; i < scn->n_nodes; i++)
        fprintf(out, "%s%s", i == 0 ? "nodes " : i % 20 == 0 ? "\nnodes " : " ", name(scn, i));
    fputc('\n', out);
    for (uint32_t k = 1; k < scn->n_islands; k++) {
        fprintf(out, "island %s", scn->islands[k].text);
        for (uint32_t i = 0; i < scn->n_nodes; i++)
            if (scn->island[i] == k)
                fprintf(out, " %s", name(scn, i));
        fputc('\n', out);
    }
    for (uint32_t i = 0; i < scn->n_acts; i++) {
        fprintf(out, "at %" PRIu64 "ms ", scn->acts[i].at_ms);
        gx_scn_say(out, scn, &scn->acts[i]);
        fputc('\n', out);
    }
    for (uint32_t i = 0; i < scn->n_expects; i++)
        say_expect(out, scn, &scn->expects[i]);
}
