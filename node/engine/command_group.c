#include "node/engine/commands.h"
#include "node/engine/people.h"
#include "proto/looks.h"
#include "proto/name.h"
#include "proto/utf8.h"

/* --- showing ------------------------------------------------------------------------------------------------------------------------- */

static void put_qr(struct gx_answer_builder *b, const struct gx_group *g)
{
    const struct gx_law *law = &g->law;
    enum gx_deny deny = gx_group_qr(g);
    const char *reason = NULL;

    if (deny == GX_DENY_FULL)
        reason = gx_answers_format(b->e, "the group has all the %u members it may have", g->rules.cap);
    else if (deny == GX_DENY_QR_CLOSED)
        reason = gx_answers_format(b->e, "QR codes admit while there are fewer than %u members; now %u", g->rules.qr_max, law->now.n_members);
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

/* Operations that the law judges, but for the owner's own notes: what the owner's node has seen, and what may still change. */
static void put_finality(struct gx_answer_builder *b, const struct gx_group *g)
{
    uint32_t settled = 0, unsettled = 0;

    for (uint32_t x = 0; x < g->law.n_ops; x++) {
        uint8_t kind = g->law.nodes[x].op.kind;

        if (kind == GX_OP_CHECKPOINT || kind == GX_OP_META || kind == GX_OP_ALIAS || kind == GX_OP_BESIDE)
            continue;
        if (gx_law_is_settled(&g->law, x))
            settled++;
        else
            unsettled++;
    }
    gx_answers_object(b, "finality");
    gx_answers_number(b, "settled", settled);
    gx_answers_number(b, "unsettled", unsettled);
    gx_answers_end(b);
}

static void put_banned(struct gx_answer_builder *b, struct gx_group *g)
{
    gx_answers_list(b, "banned");
    for (uint32_t p = 0; p < g->law.n_persons; p++) {
        if (!gx_law_is_banned(&g->law, p))
            continue;
        gx_answers_object(b, NULL);
        gx_answers_hex(b, "member", g->law.persons[p].member.b, 32);
        gx_answers_kept(b, "alias", gx_person_label(b->e, g, p));
        gx_answers_end(b);
    }
    gx_answers_end(b);
}

bool gx_group_provisional(const struct gx_group *g)
{
    return gx_group_is_member(g) && !gx_law_is_settled(&g->law, gx_law_seat(&g->law, g->me));
}

void gx_group_values(struct gx_answer_builder *b, struct gx_group *g)
{
    gx_answers_hex(b, "group", g->row.id.b, gx_group_id_bytes(g));
    gx_answers_kept(b, "name", gx_group_name(b->e, g));
    if (g->has_create) {
        if (g->me != GX_NONE && gx_law_is_member(&g->law, g->me))
            gx_answers_kept(b, "rank", gx_rank_text(gx_law_rank(&g->law, g->me)));
        gx_answers_number(b, "members", g->law.now.n_members);
        gx_answers_number(b, "cap", g->rules.cap);
        gx_answers_number(b, "qr_max", g->rules.qr_max);
        gx_answers_number(b, "history", g->rules.history);
        put_qr(b, g);
        put_finality(b, g);
        put_hashes(b, g);
        gx_carry_values(b, g);
    }
    gx_answers_kept(b, "state", gx_group_state_text(g));
    if (gx_group_provisional(g))
        gx_answers_bool(b, "provisional", true);
    if (gx_group_joining(g) && g->join_deny != GX_DENY_NONE)
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
    if (g->has_create)
        put_banned(&b, g);
    gx_answers_send(&b);
}

/* Left, or removed from, and come into again since. */
static bool is_past(const struct gx_engine *e, const struct gx_group *g)
{
    for (uint32_t i = 0; !gx_group_is_member(g) && i < e->n_groups; i++)
        if (e->groups[i]->row.gnum > g->row.gnum && memcmp(e->groups[i]->row.id.b, g->row.id.b, gx_group_id_bytes(g)) == 0)
            return true;
    return false;
}

void gx_command_group_list(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_list(&b, "groups");
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        if (gx_group_is_direct(g) || is_past(e, g))
            continue;               /* `contact list` has direct chats */
        gx_answers_object(&b, NULL);
        gx_answers_hex(&b, "group", g->row.id.b, gx_group_id_bytes(g));
        gx_answers_kept(&b, "name", gx_group_name(e, g));
        if (g->has_create) {
            gx_answers_number(&b, "members", g->law.now.n_members);
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
    return g->ops[gx_law_seat(&g->law, person)].wall_ms;
}

/* Highest rank first, then who came first, then by key: the same on every node. */
static bool before(const struct gx_group *g, uint32_t a, uint32_t b)
{
    enum gx_rank x = gx_law_rank(&g->law, a), y = gx_law_rank(&g->law, b);

    if (x != y)
        return x > y;
    if (since_ms(g, a) != since_ms(g, b))
        return since_ms(g, a) < since_ms(g, b);
    return memcmp(g->law.persons[a].member.b, g->law.persons[b].member.b, 32) < 0;
}

/* How many of those who are members now this one let in. */
static uint32_t vouched_for(const struct gx_group *g, uint32_t person)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < g->law.n_persons; i++)
        n += i != person && gx_law_is_member(&g->law, i) && gx_law_voucher(&g->law, i) == person;
    return n;
}

/* How the names of members look, by number of the person. */
typedef char skeleton[GX_LOOKS_BYTES_MAX];

/* What to be warned of in somebody's name: another member's looks the same, or part of it is not seen.  NULL: nothing. */
static const char *mark_of(struct gx_answer_builder *b, struct gx_group *g, skeleton *looks, const uint32_t *order, uint32_t n, uint32_t at)
{
    for (uint32_t i = 0; i < n; i++)
        if (i != at && strcmp(looks[i], looks[at]) == 0)
            return "lookalike";
    return gx_looks_odd(gx_person_label(b->e, g, order[at])) ? "invisible" : NULL;
}

static void put_member(struct gx_answer_builder *b, struct gx_group *g, uint32_t person, const char *mark)
{
    const struct gx_contact *c = gx_person_contact(b->e, g, person);
    const struct gx_law_op *seat = &g->law.nodes[gx_law_seat(&g->law, person)].op;
    uint32_t voucher = gx_law_voucher(&g->law, person);

    gx_answers_object(b, NULL);
    gx_answers_hex(b, "member", g->law.persons[person].member.b, 32);
    gx_answers_kept(b, "alias", gx_person_label(b->e, g, person));
    gx_answers_kept(b, "rank", gx_rank_text(gx_law_rank(&g->law, person)));
    gx_answers_kept(b, "via", seat->kind == GX_OP_CREATE ? "founder" : seat->qr ? "qr" : "inv");
    if (voucher != GX_LAW_NONE)
        gx_answers_hex(b, "voucher", g->law.persons[voucher].member.b, 32);
    if (voucher != GX_LAW_NONE)
        gx_answers_kept(b, "through", gx_person_label(b->e, g, voucher));
    gx_answers_number(b, "vouched", vouched_for(g, person));
    if (c != NULL)
        gx_answers_hex(b, "contact", c->row.card.id.b, 32);
    if (mark != NULL)
        gx_answers_kept(b, "mark", mark);
    gx_answers_bool(b, "settled", gx_law_is_settled(&g->law, gx_law_seat(&g->law, person)));
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
        if (!gx_law_is_member(&g->law, i))
            continue;

        uint32_t at = n++;

        for (; at > 0 && before(g, i, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    skeleton *looks = gx_arena_room(&e->arena, (n + 1u) * sizeof *looks);

    if (!gx_engine_ok(e, looks == NULL ? GX_E_MEMORY : GX_OK))
        return;
    for (uint32_t i = 0; i < n; i++)
        gx_looks_skeleton(looks[i], gx_person_label(e, g, order[i]));
    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_list(&b, "members");
    for (uint32_t i = 0; i < n; i++)
        put_member(&b, g, order[i], mark_of(&b, g, looks, order, n, i));
    gx_answers_end(&b);
    gx_answers_send(&b);
}

/* --- founding ------------------------------------------------------------------------------------------------------------------------ */

bool gx_title_or_refuse(struct gx_answer_builder *b, const char *name)
{
    if (!gx_name_ok(name, GX_NAME_BYTES_MAX))
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a name is 1 to %u bytes of UTF-8, and not only blanks", GX_NAME_BYTES_MAX);
    else if (!gx_name_plain(name) || name[0] == ':' || name[0] == '@')        /* WHERE takes those for an id or a contact */
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a group's name has no control characters and does not begin with : or @");
    else
        return true;
    return false;
}

static bool read_rules(struct gx_answer_builder *b, struct gx_rules *rules, const struct gx_command *cmd)
{
    uint64_t cap = gx_command_has(cmd, GX_PARAM_CAP) ? cmd->cap : GX_GROUP_MEMBERS_MAX;
    uint64_t most = cap < GX_GROUP_QR_JOIN_MAX ? cap : GX_GROUP_QR_JOIN_MAX;
    uint64_t qr_max = gx_command_has(cmd, GX_PARAM_QR_MAX) ? cmd->qr_max : most;

    if (!gx_title_or_refuse(b, cmd->name))
        return false;
    if (cap < 1 || cap > GX_GROUP_MEMBERS_MAX)
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a group has room for 1 to %u members", GX_GROUP_MEMBERS_MAX);
    else if (qr_max > most)
        gx_answers_refuse(b, GX_E_USAGE, NULL, "QR codes admit up to %u members here at most", (unsigned)most);
    else if (cmd->history > GX_GROUP_HISTORY_MAX)
        gx_answers_refuse(b, GX_E_USAGE, NULL, "newcomers are told %u messages from before at most", GX_GROUP_HISTORY_MAX);
    else {
        *rules = (struct gx_rules){.rule_version = GX_RULE_VERSION, .kind = GX_GROUP_CHAT, .cap = (uint16_t)cap, .qr_max = (uint16_t)qr_max,
                                   .history = (uint16_t)cmd->history};
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

static bool leave(struct gx_answer_builder *b, struct gx_group *g)
{
    struct gx_body body = {.type = GX_EV_LEAVE};

    if (!gx_member_or_deny(b, g))
        return false;
    if (gx_law_rank(&g->law, g->me) == GX_RANK_OWNER) {
        gx_answers_deny(b, GX_DENY_OWNER, "hand it over first: guanxi group transfer", "you own %s: the owner has to hand the group over before leaving it", gx_group_label(b->e, g));
        return false;
    }
    body.u.leave.cuts = gx_cuts_of(b->e, g, g->me, &body.u.leave.n_cuts);

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
    else if (gx_group_bumped(g))
        gx_ended_give_up(e, g);
    else if (!leave(&b, g))
        return;
    gx_answers_kept(&b, "state", "left");
    gx_answers_send(&b);
}
