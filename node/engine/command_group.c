#include "node/engine/commands.h"
#include "proto/utf8.h"

/* --- showing ------------------------------------------------------------------------------------------------------------------------- */

static void put_qr(struct gx_answer_builder *b, const struct gx_group *g)
{
    const struct gx_law *law = &g->law;
    enum gx_deny deny = gx_group_qr(g);
    const char *reason = NULL;

    if (deny == GX_DENY_FULL)
        reason = gx_answers_format(b->e, "the group has all the %u members it may have", law->rules.cap);
    else if (deny == GX_DENY_QR_CLOSED)
        reason = gx_answers_format(b->e, "QR codes admit while there are fewer than %u members; now %u", law->rules.qr_max, law->n_members);
    else if (deny != GX_DENY_NONE)
        reason = "you are no member";
    gx_answers_kept(b, "qr", deny == GX_DENY_NONE ? "open" : "closed");
    if (reason != NULL)
        gx_answers_kept(b, "qr_reason", reason);
}

static void put_hashes(struct gx_answer_builder *b, struct gx_group *g)
{
    uint32_t *scratch = gx_arena_take(&b->e->arena, (g->law.n_persons + 1u) * sizeof *scratch);
    uint8_t state[32];

    if (!gx_engine_ok(b->e, scratch == NULL ? GX_E_MEMORY : GX_OK))
        return;
    gx_law_state_hash(&g->law, state, scratch);
    gx_answers_hex(b, "state_hash", state, sizeof state);
    gx_answers_hex(b, "messages_hash", gx_messages_hash(b->e, g), 32);
    gx_answers_number(b, "count", gx_messages_count(g));
}

void gx_group_values(struct gx_answer_builder *b, struct gx_group *g)
{
    gx_answers_hex(b, "group", g->row.id.b, gx_group_id_bytes(g));
    gx_answers_kept(b, "name", gx_group_name(b->e, g));
    if (g->has_create) {
        if (g->me != GX_NONE && g->law.persons[g->me].rank != GX_RANK_NONE)
            gx_answers_kept(b, "rank", gx_rank_text(g->law.persons[g->me].rank));
        gx_answers_number(b, "members", g->law.n_members);
        gx_answers_number(b, "cap", g->law.rules.cap);
        gx_answers_number(b, "qr_max", g->law.rules.qr_max);
        put_qr(b, g);
        put_hashes(b, g);
    }
    gx_answers_kept(b, "state", gx_group_state_text(g));
    if (g->row.state == GX_GROUP_JOINING && g->join_deny != GX_DENY_NONE)
        gx_answers_kept(b, "reason", gx_deny_text(g->join_deny));
}

void gx_command_group_show(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_answer_builder b;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    gx_group_values(&b, g);
    gx_answers_send(&b);
}

void gx_command_group_list(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_list(&b, "groups");
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        gx_answers_object(&b, NULL);
        gx_answers_hex(&b, "group", g->row.id.b, gx_group_id_bytes(g));
        gx_answers_kept(&b, "name", gx_group_name(e, g));
        if (g->has_create) {
            gx_answers_number(&b, "members", g->law.n_members);
            gx_answers_number(&b, "unread", gx_messages_unread(g));
        }
        gx_answers_kept(&b, "state", gx_group_state_text(g));
        gx_answers_end(&b);
    }
    gx_answers_end(&b);
    gx_answers_send(&b);
}

static uint64_t since_ms(const struct gx_group *g, uint32_t person)
{
    return g->ops[g->law.persons[person].admit].wall_ms;
}

/* Highest rank first, then who came first, then by key: the same on every node. */
static bool before(const struct gx_group *g, uint32_t a, uint32_t b)
{
    const struct gx_law_person *x = &g->law.persons[a], *y = &g->law.persons[b];

    if (x->rank != y->rank)
        return x->rank > y->rank;
    if (since_ms(g, a) != since_ms(g, b))
        return since_ms(g, a) < since_ms(g, b);
    return memcmp(x->member.b, y->member.b, sizeof x->member.b) < 0;
}

static void put_member(struct gx_answer_builder *b, struct gx_group *g, uint32_t person)
{
    const struct gx_law_person *p = &g->law.persons[person];
    bool founder = g->law.ops[p->admit].type == GX_EV_CREATE;

    gx_answers_object(b, NULL);
    gx_answers_hex(b, "member", p->member.b, sizeof p->member.b);
    gx_answers_kept(b, "alias", gx_person_label(b->e, g, person));
    gx_answers_kept(b, "rank", gx_rank_text(p->rank));
    gx_answers_kept(b, "via", founder ? "founder" : "qr");
    if (p->voucher != GX_LAW_NONE)
        gx_answers_hex(b, "voucher", g->law.persons[p->voucher].member.b, 32);
    gx_answers_number(b, "since_ms", since_ms(g, person));
    gx_answers_bool(b, "you", person == g->me);
    gx_answers_end(b);
}

void gx_command_group_members(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    uint32_t *order = g == NULL ? NULL : gx_arena_take(&e->arena, (g->law.n_persons + 1u) * sizeof *order);
    struct gx_answer_builder b;
    uint32_t n = 0;

    if (g == NULL || !gx_engine_ok(e, order == NULL ? GX_E_MEMORY : GX_OK))
        return;
    for (uint32_t i = 0; i < g->law.n_persons; i++) {
        if (g->law.persons[i].rank == GX_RANK_NONE)
            continue;

        uint32_t at = n++;

        for (; at > 0 && before(g, i, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_list(&b, "members");
    for (uint32_t i = 0; i < n; i++)
        put_member(&b, g, order[i]);
    gx_answers_end(&b);
    gx_answers_send(&b);
}

/* --- founding ------------------------------------------------------------------------------------------------------------------------ */

/* Nothing that a terminal obeys or that hides in it, and nothing that WHERE takes for an id or a contact. */
static bool title_ok(struct gx_engine *e, const char *name)
{
    size_t n = strlen(name);
    char *shown = gx_arena_take(&e->arena, 3 * n + 1);

    if (!gx_engine_ok(e, shown == NULL ? GX_E_MEMORY : GX_OK))
        return false;
    gx_utf8_show(shown, 3 * n + 1, gx_span(name, n), true);
    return strcmp(shown, name) == 0 && strpbrk(name, "\t\n") == NULL && name[0] != ':' && name[0] != '@';
}

static bool read_rules(struct gx_answer_builder *b, struct gx_rules *rules, const struct gx_command *cmd)
{
    uint64_t cap = gx_command_has(cmd, GX_PARAM_CAP) ? cmd->cap : GX_GROUP_MEMBERS_MAX;
    uint64_t most = cap < GX_GROUP_QR_JOIN_MAX ? cap : GX_GROUP_QR_JOIN_MAX;
    uint64_t qr_max = gx_command_has(cmd, GX_PARAM_QR_MAX) ? cmd->qr_max : most;

    if (!gx_name_ok(cmd->name, GX_NAME_BYTES_MAX))
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a name is 1 to %u bytes of UTF-8, and not only blanks", GX_NAME_BYTES_MAX);
    else if (!title_ok(b->e, cmd->name))
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a group's name has no control characters and does not begin with : or @");
    else if (cap < 1 || cap > GX_GROUP_MEMBERS_MAX)
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a group has room for 1 to %u members", GX_GROUP_MEMBERS_MAX);
    else if (qr_max > most)
        gx_answers_refuse(b, GX_E_USAGE, NULL, "QR codes admit up to %u members here at most", (unsigned)most);
    else {
        *rules = (struct gx_rules){.rule_version = GX_RULE_VERSION, .kind = GX_GROUP_CHAT, .cap = (uint16_t)cap, .qr_max = (uint16_t)qr_max};
        return true;
    }
    return false;
}

static bool found(struct gx_engine *e, struct gx_group *g, const struct gx_rules *rules, const char *title)
{
    struct gx_body create = {.type = GX_EV_CREATE, .u.create = {.rules = *rules, .founder = g->row.intro}};
    struct gx_body meta = {.type = GX_EV_META, .u.meta.name = gx_span(title, strlen(title))};
    struct gx_body alias = {.type = GX_EV_ALIAS, .u.alias.name = gx_span(e->config.name, strlen(e->config.name))};
    enum gx_err err = gx_author_write(e, g, &create, NULL, NULL);

    if (err == GX_OK)
        err = gx_author_write(e, g, &meta, NULL, NULL);
    if (err == GX_OK && alias.u.alias.name.n > 0)
        err = gx_author_write(e, g, &alias, NULL, NULL);
    /* What was checked above fails here only with the machine. */
    GX_ASSERT(err == GX_OK || e->fault != GX_OK);
    return e->fault == GX_OK;
}

void gx_command_group_new(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    struct gx_rules rules;

    gx_answers_begin(&b, e, client, cmd->request);
    if (!read_rules(&b, &rules, cmd))
        return;

    struct gx_group *g = gx_group_add(e, GX_GROUP_MEMBER);

    if (g == NULL) {
        gx_answers_refuse(&b, GX_E_TOO_BIG, NULL, "a node can be in %u groups and is", GX_GROUPS_MAX);
        return;
    }
    if (!found(e, g, &rules, cmd->name))
        return;
    gx_author_endpoint(e, g);
    gx_sessions_new_group(e, g);
    gx_group_values(&b, g);
    gx_answers_send(&b);
}

/* --- leaving ------------------------------------------------------------------------------------------------------------------------- */

/* How far one's messages go: the end of each own log of messages that holds any, by ascending id.  WIRE §4.3 */
static struct gx_body_leave own_cuts(struct gx_engine *e, const struct gx_group *g)
{
    const struct gx_log **logs = gx_arena_take(&e->arena, (g->n_logs + 1u) * sizeof *logs);
    struct gx_wr w = gx_wr(gx_arena_take(&e->arena, (g->n_logs + 1u) * GX_CUT_BYTES), g->n_logs * (size_t)GX_CUT_BYTES);
    uint16_t n = 0;

    if (!gx_engine_ok(e, logs == NULL || w.p == NULL ? GX_E_MEMORY : GX_OK))
        return (struct gx_body_leave){.n_cuts = 0};
    for (uint32_t i = 0; i < g->n_logs; i++) {
        const struct gx_log *log = &g->logs[i];

        if (!log->own || log->row.cls != GX_LOG_MESSAGES || log->row.head_seq == 0)
            continue;

        uint32_t at = n++;

        for (; at > 0 && memcmp(logs[at - 1]->row.id.b, log->row.id.b, sizeof log->row.id.b) > 0; at--)
            logs[at] = logs[at - 1];
        logs[at] = log;
    }
    for (uint32_t i = 0; i < n; i++)
        gx_cut_write(&w, &(struct gx_cut){.log = logs[i]->row.id, .seq = logs[i]->row.head_seq, .id = logs[i]->row.head_id});
    return (struct gx_body_leave){.n_cuts = n, .cuts = gx_wr_span(&w)};
}

static bool leave(struct gx_answer_builder *b, struct gx_group *g)
{
    struct gx_body body = {.type = GX_EV_LEAVE};

    if (!gx_member_or_deny(b, g))
        return false;
    if (g->law.persons[g->me].rank == GX_RANK_OWNER) {
        gx_answers_deny(b, GX_DENY_OWNER, NULL, "you own %s: the owner has to hand the group over before leaving it", gx_group_label(b->e, g));
        return false;
    }
    body.u.leave = own_cuts(b->e, g);

    enum gx_err err = b->e->fault == GX_OK ? gx_author_write(b->e, g, &body, NULL, NULL) : b->e->fault;

    if (err != GX_OK) {
        gx_write_refuse(b, err);
        return false;
    }
    g->row.state = GX_GROUP_LEFT;
    g->dirty = true;
    b->e->doors_dirty = true;
    return true;
}

void gx_command_group_leave(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_answer_builder b;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_hex(&b, "group", g->row.id.b, gx_group_id_bytes(g));
    gx_answers_kept(&b, "name", gx_group_name(e, g));
    if (g->row.state == GX_GROUP_JOINING)
        gx_group_drop(e, g);        /* whoever waits for it is told at the end of the step */
    else if (!leave(&b, g))
        return;
    gx_answers_kept(&b, "state", "left");
    gx_answers_send(&b);
}
