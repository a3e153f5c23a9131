/* Gates: of each epoch that this node opened one, by which those it lists recognise the group.  KEYS §11. */
#include "node/engine/sealing.h"
#include <stdlib.h>

void gx_gates_note(struct gx_group *g, uint32_t op)
{
    uint32_t at = g->n_gates;

    while (at > 0 && gx_op_is_later(g, op, g->gates[at - 1]))
        at--;
    if (at == GX_GATES_KEPT)
        return;
    if (g->n_gates < GX_GATES_KEPT)
        g->n_gates++;
    else
        gx_gate_forget(gx_epoch_by_op(g, g->gates[GX_GATES_KEPT - 1]));
    memmove(&g->gates[at + 1], &g->gates[at], (g->n_gates - at - 1) * sizeof g->gates[0]);
    g->gates[at] = op;
}

bool gx_gates_has(const struct gx_group *g, uint32_t op)
{
    for (uint32_t i = 0; i < g->n_gates; i++)
        if (g->gates[i] == op)
            return true;
    return false;
}

void gx_gate_forget(struct gx_epoch *epoch)
{
    free(epoch->listed);
    epoch->listed = NULL;
    epoch->n_listed = 0;
}

/* Whose logs it lists: once in memory they are asked about each time that members change.  Of a log that is not here nobody knows yet. */
static bool know_listed(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch)
{
    struct gx_event ev;
    struct gx_body body;

    if (epoch->listed != NULL && (!epoch->lists_unknown || epoch->listed_logs == g->n_logs))
        return true;
    if (!gx_group_read(e, g, &g->logs[g->ops[epoch->op].log], g->ops[epoch->op].seq, &ev, &body))
        return false;
    gx_gate_forget(epoch);
    epoch->listed = malloc((body.u.epoch.slots.n / GX_EPOCH_SLOT_BYTES + 1u) * sizeof *epoch->listed);
    if (!gx_engine_ok(e, epoch->listed == NULL ? GX_E_MEMORY : GX_OK))
        return false;
    epoch->listed[epoch->n_listed++] = g->law.nodes[epoch->op].op.author;
    epoch->lists_unknown = false;
    epoch->listed_logs = g->n_logs;
    for (size_t at = 0; at < body.u.epoch.slots.n; at += GX_EPOCH_SLOT_BYTES) {
        struct gx_log_tag tag;

        memcpy(tag.b, body.u.epoch.slots.p + at, sizeof tag.b);

        uint32_t log = gx_group_log_by_tag(g, &tag);

        if (log == GX_NONE)
            epoch->lists_unknown = true;
        else
            epoch->listed[epoch->n_listed++] = g->logs[log].person;
    }
    return true;
}

/* Are all whom it lists, and its author, members by now?  Who is out knows the gates of what it could open, and looks for the group with them. */
static bool is_inside(struct gx_engine *e, struct gx_group *g, struct gx_epoch *epoch)
{
    bool is = know_listed(e, g, epoch);

    for (uint32_t i = 0; i < epoch->n_listed && is; i++)
        is = gx_law_is_member(&g->law, epoch->listed[i]);
    return is;
}

uint32_t gx_gates_list(struct gx_engine *e, struct gx_group *g, const struct gx_gate_key **out, uint32_t n)
{
    uint32_t found = 0;

    gx_group_settle(e, g);
    for (uint32_t i = 0; i < g->n_gates && found < n; i++) {
        struct gx_epoch *epoch = gx_epoch_by_op(g, g->gates[i]);

        if (epoch != NULL && (is_inside(e, g, epoch) || GX_MUTANT(GATE_TRUSTED)))
            out[found++] = &epoch->row.gate;
    }
    return found;
}
