/* Giving disk space back: first what is not to be kept goes, a portion a step, then os makes the file smaller between two steps. */
#include "node/engine/commands.h"

static uint64_t dropped(const struct gx_engine *e)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < e->n_groups; i++)
        n += gx_retain_dropped(e->groups[i]);
    return n;
}

void gx_command_vacuum(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_waiter *w = gx_waiter_new(e, GX_WAIT_VACUUM, client, cmd->request);

    if (w == NULL)
        return;
    w->dropped = dropped(e);
    gx_retain_hurry(e);
}

void gx_vacuum_take(struct gx_engine *e, const struct gx_input *in)
{
    e->vacuumed = true;
    e->vacuum_err = in->err;
    e->vacuum_before = in->before_bytes;
    e->vacuum_after = in->after_bytes;
    gx_engine_wake(e, in->now.mono_ms);     /* should this step be undone, the next one answers */
}

static void answer(struct gx_engine *e, const struct gx_waiter *w)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, w->client, w->request);
    if (e->vacuum_err == GX_E_FULL) {
        gx_answers_refuse(&b, GX_E_FULL, "free as much room as its rows take, and try again", "there is no room for the smaller copy of the store; the file is as it was");
        return;
    }
    if (e->vacuum_err != GX_OK) {
        gx_answers_refuse(&b, e->vacuum_err, "see: guanxi doctor", "the store could not be made smaller: %s; nothing is lost", gx_err_text(e->vacuum_err));
        return;
    }
    gx_answers_number(&b, "before_bytes", e->vacuum_before);
    gx_answers_number(&b, "after_bytes", e->vacuum_after);
    gx_answers_number(&b, "dropped", dropped(e) - w->dropped);
    gx_answers_send(&b);
}

bool gx_vacuum_run(struct gx_engine *e, struct gx_waiter *w)
{
    bool under_way = false;

    if (w->is_asked && e->vacuumed) {
        answer(e, w);
        return true;
    }
    if (w->is_asked || e->retain_more)
        return false;
    for (uint32_t i = 0; i < e->n_waiters; i++)
        under_way |= e->waiters[i].kind == GX_WAIT_VACUUM && e->waiters[i].is_asked;
    w->is_asked = true;
    if (!under_way || e->vacuumed)      /* one is enough for all who ask at once */
        (void)gx_engine_effect(e, GX_OUT_VACUUM);
    return false;
}
