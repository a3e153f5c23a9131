/* What this node keeps of a group's messages, as its person wants it.  node/README.md §8 */
#include "node/engine/commands.h"

static const char *const carries[] = {[GX_CARRY_ALL] = "all", [GX_CARRY_RECENT] = "recent", [GX_CARRY_OFF] = "off"};

void gx_carry_values(struct gx_answer_builder *b, const struct gx_group *g)
{
    const struct gx_carry_limits l = gx_retain_limits(b->e);

    gx_answers_object(b, "carry");
    gx_answers_kept(b, "keeps", carries[g->row.carry]);
    if (g->row.carry == GX_CARRY_RECENT) {
        gx_answers_number(b, "days", l.recent_days);
        gx_answers_number(b, "max_bytes", l.recent_bytes < l.group_bytes ? l.recent_bytes : l.group_bytes);
    } else {
        gx_answers_number(b, "max_bytes", l.group_bytes);
    }
    if (g->row.carry == GX_CARRY_OFF)
        gx_answers_number(b, "last", l.off_messages);
    gx_answers_number(b, "author_max_bytes", l.author_bytes);
    gx_answers_number(b, "bytes", g->bytes);
    gx_answers_number(b, "dropped", gx_retain_dropped(g));
    gx_answers_end(b);
}

void gx_command_group_carry(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_answer_builder b;
    uint8_t carry = 0;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    while (carry < GX_ARRAY_LEN(carries) && strcmp(carries[carry], cmd->carry) != 0)
        carry++;
    if (carry == GX_ARRAY_LEN(carries)) {
        gx_answers_refuse(&b, GX_E_USAGE, "off, recent or all", "a node cannot keep %s of a group", strlen(cmd->carry) > 20 ? "that" : cmd->carry);
        return;
    }
    g->row.carry = carry;
    g->dirty = true;
    g->retain_due = true;
    gx_answers_hex(&b, "group", g->row.id.b, gx_group_id_bytes(g));
    gx_answers_kept(&b, "name", gx_group_name(e, g));
    gx_carry_values(&b, g);
    gx_answers_send(&b);
}
