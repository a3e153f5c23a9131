#include "node/engine/commands.h"
#include "node/engine/people.h"

#include "proto/utf8.h"

struct method {
    const char *name;
    uint32_t params, needed;
    bool offline;
};

static const struct method methods[GX_METHOD_COUNT] = {
#define GX_X(id, name, params, needed, offline, help) [id] = {name, params, needed, offline},
    GX_METHOD_LIST(GX_X)
#undef GX_X
};

static const char *const param_names[GX_PARAM_COUNT_] = {
#define GX_X(id, member, type, help) [id] = #member,
    GX_PARAM_LIST(GX_X)
#undef GX_X
};

/* The first parameter of a set of bits. */
static const char *first_param(uint32_t bits)
{
    for (uint32_t i = 0; i < GX_PARAM_COUNT_; i++)
        if (bits & (1u << i))
            return param_names[i];
    return "";
}

static bool may_run(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    const struct method *m = &methods[cmd->method];
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    if (e->config.offline && !m->offline)
        gx_answers_refuse(&b, GX_E_USAGE, "start the node: guanxi up -d", "%s needs a running node", m->name);
    else if (m->needed & ~cmd->given)
        gx_answers_refuse(&b, GX_E_USAGE, NULL, "%s needs the parameter %s", m->name, first_param(m->needed & ~cmd->given));
    else if (cmd->given & ~m->params)
        gx_answers_refuse(&b, GX_E_USAGE, NULL, "%s takes no parameter %s", m->name, first_param(cmd->given & ~m->params));
    else
        return true;
    return false;
}

void gx_command_run(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    static void (*const run[GX_METHOD_COUNT])(struct gx_engine *, uint64_t, const struct gx_command *) = {
        [GX_CMD_STATUS] = gx_command_status,
        [GX_CMD_ID] = gx_command_id,
        [GX_CMD_WAIT] = gx_command_wait,
        [GX_CMD_GROUP_NEW] = gx_command_group_new,
        [GX_CMD_GROUP_LIST] = gx_command_group_list,
        [GX_CMD_GROUP_SHOW] = gx_command_group_show,
        [GX_CMD_GROUP_MEMBERS] = gx_command_group_members,
        [GX_CMD_GROUP_LEAVE] = gx_command_group_leave,
        [GX_CMD_GROUP_REMOVE] = gx_command_group_remove,
        [GX_CMD_GROUP_BAN] = gx_command_group_ban,
        [GX_CMD_GROUP_UNBAN] = gx_command_group_unban,
        [GX_CMD_GROUP_PROMOTE] = gx_command_group_promote,
        [GX_CMD_GROUP_DEMOTE] = gx_command_group_demote,
        [GX_CMD_GROUP_TRANSFER] = gx_command_group_transfer,
        [GX_CMD_GROUP_RENAME] = gx_command_group_rename,
        [GX_CMD_GROUP_ALIAS] = gx_command_group_alias,
        [GX_CMD_GROUP_WHY] = gx_command_group_why,
        [GX_CMD_GROUP_REVEAL] = gx_command_group_reveal,
        [GX_CMD_GROUP_CARRY] = gx_command_group_carry,
        [GX_CMD_PROFILE_SET] = gx_command_profile_set,
        [GX_CMD_CONTACT_ADD] = gx_command_contact_add,
        [GX_CMD_CONTACT_LIST] = gx_command_contact_list,
        [GX_CMD_CONTACT_SHOW] = gx_command_contact_show,
        [GX_CMD_CONTACT_VERIFY] = gx_command_contact_verify,
        [GX_CMD_CONTACT_NAME] = gx_command_contact_name,
        [GX_CMD_CONTACT_BLOCK] = gx_command_contact_block,
        [GX_CMD_CONTACT_UNBLOCK] = gx_command_contact_unblock,
        [GX_CMD_CONTACT_REMOVE] = gx_command_contact_remove,
        [GX_CMD_REQUESTS] = gx_command_requests,
        [GX_CMD_ACCEPT] = gx_command_accept,
        [GX_CMD_REFUSE] = gx_command_refuse,
        [GX_CMD_INVITE] = gx_command_invite,
        [GX_CMD_INVITES] = gx_command_invites,
        [GX_CMD_REVOKE] = gx_command_revoke,
        [GX_CMD_INSPECT] = gx_command_inspect,
        [GX_CMD_JOIN] = gx_command_join,
        [GX_CMD_SEND] = gx_command_send,
        [GX_CMD_READ] = gx_command_read,
        [GX_CMD_WATCH] = gx_command_watch,
        [GX_CMD_VACUUM] = gx_command_vacuum,
        [GX_CMD_PEERS] = gx_command_peers,
        [GX_CMD_PEER_ADD] = gx_command_peer_add,
        [GX_CMD_PEER_DROP] = gx_command_peer_drop,
    };

    GX_ASSERT(cmd->method < GX_METHOD_COUNT && run[cmd->method] != NULL);
    if (may_run(e, client, cmd))
        run[cmd->method](e, client, cmd);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool gx_hex_prefix(const char *digits, const uint8_t *id, size_t id_bytes)
{
    size_t n = strlen(digits);

    if (n > 2 * id_bytes)
        return false;
    for (size_t i = 0; i < n; i++)
        if (hex_digit(digits[i]) != (i % 2 == 0 ? id[i / 2] >> 4 : id[i / 2] & 15))
            return false;
    return true;
}

size_t gx_group_id_bytes(const struct gx_group *g)
{
    return g->row.state == GX_GROUP_JOINING && !g->has_create ? 16 : sizeof g->row.id.b;
}

static bool is_over(const struct gx_group *g)
{
    return g->row.state == GX_GROUP_LEFT || (g->row.state == GX_GROUP_REMOVED && !gx_group_bumped(g));
}

/* Of one group a node may have been several members: who left and joined again, or came in again before a removal turned out void.  The newest is meant,
 * and none that asks to be let in while another is in. */
static void keep_newest(struct gx_group **list, uint32_t *n, uint32_t cap, struct gx_group *g)
{
    for (uint32_t i = 0; i < *n && i < cap; i++)
        if (gx_group_id_equal(&list[i]->row.id, &g->row.id)) {
            bool was = gx_group_is_member(list[i]), is = gx_group_is_member(g);

            list[i] = is > was || (is == was && list[i]->row.gnum < g->row.gnum) ? g : list[i];
            return;
        }
    if (*n < cap)
        list[*n] = g;
    ++*n;
}

/* One pass over the groups that are over, or not.  digits: of an id, or NULL to look for titles. */
static uint32_t find(struct gx_engine *e, struct gx_group **out, uint32_t cap, const char *digits, const char *title, bool over)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];
        bool match = is_over(g) == over;

        if (digits != NULL)
            match = match && gx_hex_prefix(digits, g->row.id.b, gx_group_id_bytes(g));
        else
            match = match && !gx_group_is_direct(g) && strcmp(gx_group_name(e, g), title) == 0;    /* a direct chat has the name of the contact */
        if (match)
            keep_newest(out, &n, cap, g);
    }
    return n;
}

/* Groups that are over only when no other is meant: who left and joined again is in both. */
static uint32_t find_either(struct gx_engine *e, struct gx_group **out, uint32_t cap, const char *digits, const char *title)
{
    uint32_t n = find(e, out, cap, digits, title, false);

    return n > 0 ? n : find(e, out, cap, digits, title, true);
}

/* Direct chats with those who are called so.  Of the two that two people may have it is the one to write to. */
static uint32_t find_chats(struct gx_engine *e, struct gx_group **out, uint32_t cap, const char *where)
{
    struct gx_contact *found[GX_WHERE_CANDIDATES_MAX];
    /* Anybody: what was said can be read, whatever became of it. */
    uint32_t n = gx_contact_search(e, found, GX_WHERE_CANDIDATES_MAX, where, GX_FIND_ANYBODY), m = 0;

    for (uint32_t i = 0; i < n && i < GX_WHERE_CANDIDATES_MAX; i++) {
        struct gx_group *g = gx_contact_chat(e, found[i]);

        if (g == NULL)
            continue;
        if (m < cap)
            out[m] = g;
        m++;
    }
    return m;
}

uint32_t gx_where_find(struct gx_engine *e, struct gx_group **out, uint32_t cap, const char *where)
{
    size_t len = strlen(where);

    if (where[0] == '@')
        return find_chats(e, out, cap, where);
    if (where[0] == ':') {
        uint32_t groups = len - 1 < GX_ID_PREFIX_MIN ? 0 : find_either(e, out, cap, where + 1, NULL);

        return groups > 0 || len - 1 < GX_ID_PREFIX_MIN ? groups : find_chats(e, out, cap, where);
    }
    if (len == 0)
        return 0;                   /* a group whose title is not known yet goes by its id */

    uint32_t n = find_either(e, out, cap, NULL, where);

    if (n == 0 && len == 2 * sizeof(struct gx_group_id))
        n = find_either(e, out, cap, where, NULL);
    return n;
}

void gx_where_refuse(struct gx_answer_builder *b, const char *where, struct gx_group *const *found, uint32_t n)
{
    size_t len = strlen(where);

    if (n == 0 && where[0] == ':' && len - 1 < GX_ID_PREFIX_MIN) {
        gx_answers_refuse(b, GX_E_USAGE, NULL, "an id is named by at least %u of its digits", GX_ID_PREFIX_MIN);
        return;
    }
    if (n == 0 && where[0] == '@') {
        gx_answers_refuse(b, GX_E_ABSENT, "see `guanxi contact list`", "there is no contact %s here",
                          len > GX_NAME_BYTES_MAX + 1 ? "of so long a name" : where);
        return;
    }
    if (n == 0) {
        gx_answers_refuse(b, GX_E_ABSENT, "see `guanxi group list`", "there is no group %s here", len > GX_NAME_BYTES_MAX ? "of so long a name" : where);
        return;
    }
    gx_answers_list(b, "candidates");
    for (uint32_t i = 0; i < n && i < GX_WHERE_CANDIDATES_MAX; i++) {
        const struct gx_contact *c = gx_group_contact(b->e, found[i]);

        gx_answers_object(b, NULL);
        if (c != NULL) {
            gx_answers_hex(b, "who", c->row.card.id.b, 32);
            gx_answers_kept(b, "name", gx_contact_label(b->e, c));
            gx_answers_end(b);
            continue;
        }
        gx_answers_hex(b, "group", found[i]->row.id.b, gx_group_id_bytes(found[i]));
        gx_answers_kept(b, "name", gx_group_name(b->e, found[i]));
        gx_answers_kept(b, "state", gx_group_state_text(found[i]));
        gx_answers_end(b);
    }
    gx_answers_end(b);
    if (where[0] == '@')
        gx_answers_refuse(b, GX_E_AMBIGUOUS, "name one by @ and the beginning of their id, or give them a name: guanxi contact name",
                          "%u contacts are meant by %s", n, where);
    else
        gx_answers_refuse(b, GX_E_AMBIGUOUS, "name it by : and the beginning of its id", "%u groups are called %s", n, where);
}

/* What makes no sense between two people. */
static bool is_for_groups(enum gx_method method)
{
    return method != GX_CMD_WAIT && method != GX_CMD_SEND && method != GX_CMD_READ && method != GX_CMD_WATCH && method != GX_CMD_GROUP_SHOW &&
           method != GX_CMD_GROUP_MEMBERS && method != GX_CMD_GROUP_WHY && method != GX_CMD_GROUP_CARRY;
}

struct gx_group *gx_command_group(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *found[GX_WHERE_CANDIDATES_MAX] = {NULL};
    uint32_t n = gx_where_find(e, found, GX_WHERE_CANDIDATES_MAX, cmd->group);
    struct gx_answer_builder b;

    if (n == 1 && !(gx_group_is_direct(found[0]) && is_for_groups(cmd->method)))
        return found[0];
    gx_answers_begin(&b, e, client, cmd->request);
    if (n == 1) {
        gx_answers_no(&b, "direct_chat", "for the person see: guanxi help contact",
                      "this is a direct chat: the two of you are its members, and nothing else is decided there");
        return NULL;
    }
    gx_where_refuse(&b, cmd->group, found, n);
    return NULL;
}

const char *gx_group_label(struct gx_engine *e, struct gx_group *g)
{
    const struct gx_contact *c = gx_group_contact(e, g);
    const char *name = c != NULL ? gx_answers_format(e, "@%s", gx_contact_label(e, c)) : gx_group_name(e, g);
    char digits[GX_HEX_BYTES(6)];

    if (name[0] != 0)
        return name;
    gx_hex(digits, g->row.id.b, 6);
    return gx_answers_format(e, ":%s", digits);
}

const char *gx_group_state_text(const struct gx_group *g)
{
    switch ((enum gx_group_state)g->row.state) {
    case GX_GROUP_JOINING:
        return "joining";
    case GX_GROUP_MEMBER:
        return "member";
    case GX_GROUP_LEFT:
        return "left";
    case GX_GROUP_REMOVED:
        return gx_group_bumped(g) ? "joining" : "removed";
    }
    GX_ASSERT(!"a state that is not in the list");
}

const char *gx_person_label(struct gx_engine *e, struct gx_group *g, uint32_t person)
{
    const struct gx_contact *c = gx_person_contact(e, g, person);
    const char *alias = c != NULL && (c->row.petname_bytes > 0 || gx_group_is_direct(g)) ? gx_contact_label(e, c) : gx_group_alias(e, g, person);
    char digits[GX_LABEL_DIGITS + 1];

    if (alias[0] == 0 && c != NULL)
        alias = gx_contact_label(e, c);         /* what they call themself */
    if (alias[0] != 0)
        return alias;
    gx_hex(digits, g->law.persons[person].member.b, GX_LABEL_DIGITS / 2);
    return gx_answers_format(e, "%s", digits);
}

const char *gx_rank_text(enum gx_rank rank)
{
    switch (rank) {
    case GX_RANK_NONE:
        return "none";
    case GX_RANK_MEMBER:
        return "member";
    case GX_RANK_ADMIN:
        return "admin";
    case GX_RANK_OWNER:
        return "owner";
    }
    GX_ASSERT(!"a rank that is not in the list");
}

enum gx_deny gx_group_qr(const struct gx_group *g)
{
    if (!gx_group_is_member(g))
        return GX_DENY_NOT_MEMBER;
    if (g->law.now.n_members >= g->rules.cap)
        return GX_DENY_FULL;
    return g->law.now.n_members >= g->rules.qr_max ? GX_DENY_QR_CLOSED : GX_DENY_NONE;
}

uint32_t gx_known_admit(const struct gx_group *g, uint32_t x)
{
    uint32_t a = g->law.nodes[x].op.kind == GX_OP_CREATE ? GX_LAW_NONE : g->law.now.standings[g->law.nodes[x].op.author].admits;

    while (a != GX_LAW_NONE && !gx_law_past(&g->law, a, x))
        a = g->law.now.results[a].next;
    return a;
}

bool gx_token_known(const struct gx_group *g, const struct gx_token_info *info)
{
    return g->law.now.standings[g->law.nodes[info->op].op.author].admits != GX_LAW_NONE;
}

enum gx_deny gx_token_deny(struct gx_group *g, const struct gx_token_info *info, uint32_t joiner)
{
    struct gx_law_op op = {.kind = GX_OP_ADMIT, .author = g->me, .target = joiner, .token = info->op, .qr = true};

    return gx_law_deny(gx_law_ask(&g->law, &op));
}

bool gx_member_or_deny(struct gx_answer_builder *b, struct gx_group *g)
{
    if (gx_group_is_member(g))
        return true;

    const char *label = gx_group_label(b->e, g);

    if (gx_group_joining(g))
        gx_answers_deny(b, GX_DENY_NOT_MEMBER, "wait until a member has let you in", "you are not a member of %s yet", label);
    else
        gx_answers_deny(b, GX_DENY_NOT_MEMBER, "ask a member for an invitation", "you are no member of %s any more", label);
    return false;
}

void gx_write_refuse(struct gx_answer_builder *b, enum gx_err err)
{
    if (err == GX_E_DENIED)
        gx_answers_deny(b, GX_DENY_NOT_MEMBER, NULL, "%s", gx_deny_text(GX_DENY_NOT_MEMBER));
    else if (b->e->fault == GX_OK)
        gx_answers_refuse(b, GX_E_TOO_BIG, NULL, "it was not written: %s", gx_err_text(err));
}
