/* Acts of rank: removing, banning, promoting, handing over; names. */
#include "node/engine/commands.h"
#include "proto/name.h"

/* --- what the law says, before anything is written ------------------------------------------------------------------------------------ */

static const char *verb_of(uint8_t kind)
{
    switch ((enum gx_law_kind)kind) {
    case GX_OP_REMOVE:
        return "remove";
    case GX_OP_BAN:
        return "ban";
    case GX_OP_UNBAN:
        return "let back in";
    case GX_OP_PROMOTE:
        return "promote";
    case GX_OP_DEMOTE:
        return "demote";
    case GX_OP_CREATE:
    case GX_OP_ADMIT:
    case GX_OP_LEAVE:
    case GX_OP_TOKEN:
    case GX_OP_REVOKE:
    case GX_OP_TRANSFER:
    case GX_OP_CHECKPOINT:
    case GX_OP_META:
    case GX_OP_ALIAS:
    case GX_OP_BESIDE:
    case GX_OP_COUNT:
        break;
    }
    return "do that to";
}

static void deny(struct gx_answer_builder *b, struct gx_group *g, const struct gx_law_op *op, enum gx_law_rule rule)
{
    enum gx_rank mine = gx_law_rank(&g->law, g->me), theirs = gx_law_rank(&g->law, op->target);
    const char *name = gx_person_label(b->e, g, op->target), *verb = verb_of(op->kind);

    if (rule == GX_RULE_TARGET)
        gx_answers_deny(b, GX_DENY_NO_RANK, NULL, "%s is no member, and only members have a rank", name);
    else if (rule == GX_RULE_LEFT)
        gx_answers_deny(b, GX_DENY_NO_RANK, "ask the owner to give you the rank again", "you had left the group: your old rank ended with that");
    else if ((op->kind == GX_OP_PROMOTE || op->kind == GX_OP_DEMOTE) && mine == GX_RANK_OWNER)
        gx_answers_deny(b, GX_DENY_NO_RANK, "to give it up, hand the group over: guanxi group transfer", "%s is the owner", name);
    else if (op->kind == GX_OP_PROMOTE || op->kind == GX_OP_DEMOTE)
        gx_answers_deny(b, GX_DENY_NO_RANK, "ask the owner", "only the owner changes ranks, and not their own: you are %s", gx_rank_text(mine));
    else if (mine < GX_RANK_ADMIN)
        gx_answers_deny(b, GX_DENY_NO_RANK, "ask the owner or an admin", "to %s somebody takes an admin or the owner: you are member", verb);
    else
        gx_answers_deny(b, GX_DENY_NO_RANK, "ask the owner", "to %s %s takes a higher rank than theirs: you are %s, %s is %s", verb, name,
                        gx_rank_text(mine), name, gx_rank_text(theirs));
}

static bool may(struct gx_answer_builder *b, struct gx_group *g, enum gx_law_kind kind, uint32_t target)
{
    struct gx_law_op op = {.kind = (uint8_t)kind, .author = g->me, .target = target, .token = GX_LAW_NONE};
    enum gx_law_rule rule = gx_law_ask(&g->law, &op);

    if (rule != GX_RULE_NONE)
        deny(b, g, &op, rule);
    return rule == GX_RULE_NONE;
}

static void put_subject(struct gx_answer_builder *b, struct gx_group *g, uint32_t person)
{
    gx_answers_hex(b, "group", g->row.id.b, gx_group_id_bytes(g));
    gx_answers_kept(b, "name", gx_group_name(b->e, g));
    gx_answers_hex(b, "member", g->law.persons[person].member.b, 32);
    gx_answers_kept(b, "alias", gx_person_label(b->e, g, person));
}

/* Write it, and answer with whom it was about, what became of them, and whether the owner's node has seen it. */
static bool write_act(struct gx_answer_builder *b, struct gx_group *g, const struct gx_body *body, uint32_t person)
{
    struct gx_event_id id;
    enum gx_err err = gx_author_write(b->e, g, body, &id, NULL);

    if (err != GX_OK || b->e->fault != GX_OK) {
        gx_write_refuse(b, err);
        return false;
    }
    put_subject(b, g, person);
    gx_answers_hex(b, "event", id.b, sizeof id.b);
    gx_answers_kept(b, "rank", gx_rank_text(gx_law_rank(&g->law, person)));
    gx_answers_bool(b, "settled", gx_law_is_settled(&g->law, g->law.n_ops - 1));
    return true;
}

/* --- removing, banning ---------------------------------------------------------------------------------------------------------------- */

static bool is_cut(const struct gx_log *log, uint32_t person)
{
    return log->person == person && log->row.cls == GX_LOG_MESSAGES && log->row.head_seq > 0;
}

struct gx_span gx_cuts_of(struct gx_engine *e, const struct gx_group *g, uint32_t person, uint16_t *n)
{
    const struct gx_log **logs = gx_arena_take(&e->arena, (g->n_logs + 1u) * sizeof *logs);
    struct gx_wr w = gx_wr(gx_arena_take(&e->arena, (g->n_logs + 1u) * GX_CUT_BYTES), g->n_logs * (size_t)GX_CUT_BYTES);
    uint32_t count = 0;

    *n = 0;
    if (!gx_engine_ok(e, logs == NULL || w.p == NULL ? GX_E_MEMORY : GX_OK))
        return gx_span(NULL, 0);
    for (uint32_t i = 0; i < g->n_logs; i++) {
        uint32_t at = count;

        if (!is_cut(&g->logs[i], person))
            continue;
        for (; at > 0 && memcmp(logs[at - 1]->row.id.b, g->logs[i].row.id.b, sizeof g->logs[i].row.id.b) > 0; at--)
            logs[at] = logs[at - 1];
        logs[at] = &g->logs[i];
        count++;
    }
    for (uint32_t i = 0; i < count && *n < GX_CUTS_MAX; i++) {
        if (i > 0 && gx_log_id_equal(&logs[i - 1]->row.id, &logs[i]->row.id))
            continue;               /* another branch of the same log: it is cut where the first one is */
        gx_cut_write(&w, &(struct gx_cut){.log = logs[i]->row.id, .seq = GX_MUTANT(CUT_LOW) ? 1 : logs[i]->row.head_seq, .id = logs[i]->row.head_id});
        ++*n;
    }
    return gx_wr_span(&w);
}

/* Whom a code let in can come again by it with a new key: it ends with them, where this rank reaches so far. */
static void revoke_way_in(struct gx_answer_builder *b, struct gx_group *g, uint32_t person)
{
    uint32_t seat = gx_law_seat(&g->law, person), token = seat == GX_LAW_NONE ? GX_LAW_NONE : g->law.nodes[seat].op.token;
    struct gx_law_op op = {.kind = GX_OP_REVOKE, .author = g->me, .target = GX_LAW_NONE, .token = token};
    struct gx_body body = {.type = GX_EV_REVOKE, .u.revoke = {.what = GX_REVOKE_TOKEN}};

    if (token == GX_LAW_NONE || g->law.now.results[token].revokes != GX_LAW_NONE)
        return;
    body.u.revoke.token = g->law.nodes[token].op.id;
    if (gx_law_ask(&g->law, &op) == GX_RULE_NONE && gx_author_write(b->e, g, &body, NULL, NULL) == GX_OK)
        gx_answers_hex(b, "revoked", body.u.revoke.token.b, 32);
    else
        gx_answers_hex(b, "not_revoked", body.u.revoke.token.b, 32);
}

/* This one, those it let in, and those that they let in: who would still be here by nobody else.  In the order in which they are to go: the last first, so
 * that who stays when a rank forbids one has their sponsor still.  Returns how many. */
static uint32_t subtree(struct gx_engine *e, const struct gx_group *g, uint32_t person, uint32_t **out)
{
    bool *in = gx_arena_take(&e->arena, g->law.n_persons + 1u);
    uint32_t n = 1, *list = gx_arena_take(&e->arena, (g->law.n_persons + 1u) * sizeof *list);

    if (!gx_engine_ok(e, in == NULL || list == NULL ? GX_E_MEMORY : GX_OK))
        return 0;
    list[0] = person;
    in[person] = true;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t p = 0; p < g->law.n_persons; p++)
            if (!in[p] && p != g->me && gx_law_is_member(&g->law, p) && gx_law_voucher(&g->law, p) == list[i]) {
                in[p] = true;
                list[n++] = p;
            }
    for (uint32_t i = 0, k = n; i + 1 < k; i++) {
        uint32_t swap = list[i];

        list[i] = list[--k];
        list[k] = swap;
    }
    *out = list;
    return n;
}

static void put_who(struct gx_answer_builder *b, struct gx_group *g, uint32_t person)
{
    gx_answers_object(b, NULL);
    gx_answers_hex(b, "member", g->law.persons[person].member.b, 32);
    gx_answers_kept(b, "alias", gx_person_label(b->e, g, person));
}

/* With whom they vouched for: shown first, and done when the answer to that is yes. */
static void remove_vouched(struct gx_answer_builder *b, struct gx_group *g, uint32_t person, bool yes)
{
    struct gx_body body = {.type = GX_EV_REMOVE};
    uint32_t *list = NULL, n = subtree(b->e, g, person, &list);

    for (uint32_t i = 0; i < n; i++)
        if (!may(b, g, GX_OP_REMOVE, list[i]))
            return;
    gx_answers_hex(b, "group", g->row.id.b, gx_group_id_bytes(g));
    gx_answers_list(b, yes ? "removed" : "would");
    for (uint32_t i = 0; i < n && b->e->fault == GX_OK; i++) {
        struct gx_event_id id;

        put_who(b, g, list[i]);
        body.u.removal.target = g->law.persons[list[i]].member;
        body.u.removal.cuts = gx_cuts_of(b->e, g, list[i], &body.u.removal.n_cuts);
        if (yes && gx_author_write(b->e, g, &body, &id, NULL) == GX_OK)
            gx_answers_hex(b, "event", id.b, sizeof id.b);
        gx_answers_end(b);
    }
    gx_answers_end(b);
    b->e->doors_dirty = true;
    if (b->e->fault == GX_OK)
        gx_answers_send(b);
}

static void remove_or_ban(struct gx_engine *e, uint64_t client, const struct gx_command *cmd, bool ban)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_body body = {.type = ban ? GX_EV_BAN : GX_EV_REMOVE};
    struct gx_answer_builder b;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (!gx_member_or_deny(&b, g))
        return;

    uint32_t person = gx_who_find(&b, g, cmd->who, ban ? GX_WHO_ANYBODY : GX_WHO_MEMBER);

    if (person == GX_NONE)
        return;
    if (person == g->me) {
        gx_answers_refuse(&b, GX_E_USAGE, "guanxi group leave", "that is you");
        return;
    }
    if (cmd->vouched) {
        remove_vouched(&b, g, person, cmd->yes);
        return;
    }
    if (!may(&b, g, ban ? GX_OP_BAN : GX_OP_REMOVE, person))
        return;
    body.u.removal.target = g->law.persons[person].member;
    body.u.removal.cuts = gx_cuts_of(e, g, person, &body.u.removal.n_cuts);
    if (e->fault != GX_OK || !write_act(&b, g, &body, person))
        return;
    if (ban)
        revoke_way_in(&b, g, person);
    e->doors_dirty = true;
    gx_answers_send(&b);
}

void gx_command_group_remove(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    remove_or_ban(e, client, cmd, false);
}

void gx_command_group_ban(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    remove_or_ban(e, client, cmd, true);
}

/* --- ranks ------------------------------------------------------------------------------------------------------------------------------ */

static void rank_act(struct gx_engine *e, uint64_t client, const struct gx_command *cmd, enum gx_event_type type, enum gx_law_kind kind, enum gx_who want)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_body body = {.type = (uint8_t)type};
    struct gx_answer_builder b;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (!gx_member_or_deny(&b, g))
        return;

    uint32_t person = gx_who_find(&b, g, cmd->who, want);

    if (person == GX_NONE || !may(&b, g, kind, person))
        return;
    body.u.target.target = g->law.persons[person].member;
    if (write_act(&b, g, &body, person))
        gx_answers_send(&b);
}

void gx_command_group_unban(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    rank_act(e, client, cmd, GX_EV_UNBAN, GX_OP_UNBAN, GX_WHO_BANNED);
}

void gx_command_group_promote(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    rank_act(e, client, cmd, GX_EV_PROMOTE, GX_OP_PROMOTE, GX_WHO_MEMBER);
}

void gx_command_group_demote(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    rank_act(e, client, cmd, GX_EV_DEMOTE, GX_OP_DEMOTE, GX_WHO_MEMBER);
}

/* --- handing over ------------------------------------------------------------------------------------------------------------------------ */

/* Only an offer: it is the receiver's to agree, and then this node writes the TRANSFER. */
void gx_command_group_transfer(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_body body = {.type = GX_EV_OFFER};
    struct gx_answer_builder b;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (!gx_member_or_deny(&b, g))
        return;

    uint32_t person = gx_who_find(&b, g, cmd->who, GX_WHO_MEMBER);

    if (person == GX_NONE)
        return;
    if (gx_law_rank(&g->law, g->me) != GX_RANK_OWNER) {
        gx_answers_deny(&b, GX_DENY_NO_RANK, NULL, "only the owner can hand a group over: you are %s", gx_rank_text(gx_law_rank(&g->law, g->me)));
        return;
    }
    if (!gx_group_is_giver(g)) {
        gx_answers_deny(&b, GX_DENY_NO_RANK, "do it on the node that founded the group or was given it",
                        "this node does not speak for the owner of %s: its log was forked, or another device of yours does", gx_group_label(e, g));
        return;
    }
    if (person == g->me) {
        gx_answers_refuse(&b, GX_E_USAGE, NULL, "it is yours already");
        return;
    }
    body.u.target.target = g->law.persons[person].member;
    if (!write_act(&b, g, &body, person))
        return;
    gx_answers_kept(&b, "state", "offered");
    gx_answers_send(&b);
}

/* --- names ---------------------------------------------------------------------------------------------------------------------------------- */

static void put_group(struct gx_answer_builder *b, struct gx_group *g, const struct gx_event_id *event)
{
    gx_answers_hex(b, "group", g->row.id.b, gx_group_id_bytes(g));
    gx_answers_kept(b, "name", gx_group_name(b->e, g));
    gx_answers_hex(b, "event", event->b, sizeof event->b);
    gx_answers_send(b);
}

void gx_command_group_rename(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_body body = {.type = GX_EV_META, .u.meta.name = gx_span(cmd->name, strlen(cmd->name))};
    struct gx_answer_builder b;
    struct gx_event_id id;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (!gx_member_or_deny(&b, g) || !gx_title_or_refuse(&b, cmd->name))
        return;
    if (gx_law_rank(&g->law, g->me) < GX_RANK_ADMIN) {
        gx_answers_deny(&b, GX_DENY_NO_RANK, "ask the owner or an admin", "only the owner and admins name the group: you are member");
        return;
    }

    enum gx_err err = gx_author_write(e, g, &body, &id, NULL);

    if (err != GX_OK || e->fault != GX_OK)
        gx_write_refuse(&b, err);
    else
        put_group(&b, g, &id);
}

void gx_command_group_alias(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_body body = {.type = GX_EV_ALIAS, .u.alias.name = gx_span(cmd->name, strlen(cmd->name))};
    struct gx_answer_builder b;
    struct gx_event_id id;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (!gx_member_or_deny(&b, g))
        return;
    if (cmd->name[0] != 0 && !gx_name_ok(cmd->name, GX_NAME_BYTES_MAX)) {
        gx_answers_refuse(&b, GX_E_USAGE, "an empty one takes the alias away", "an alias is at most %u bytes of UTF-8, and not only blanks", GX_NAME_BYTES_MAX);
        return;
    }

    enum gx_err err = gx_author_write(e, g, &body, &id, NULL);

    if (err != GX_OK || e->fault != GX_OK) {
        gx_write_refuse(&b, err);
        return;
    }
    gx_answers_kept(&b, "alias", gx_person_label(e, g, g->me));
    put_group(&b, g, &id);
}
