/* Clients that wait: for conditions, a join, an invitation's door, or whatever happens. */
#include "node/engine/commands.h"

struct gx_waiter *gx_waiter_new(struct gx_engine *e, enum gx_waiter_kind kind, uint64_t client, uint64_t request)
{
    struct gx_answer_builder b;

    if (e->n_waiters < GX_WAITERS_MAX && !gx_engine_grow(e, &e->waiters, &e->cap_waiters, e->n_waiters, sizeof *e->waiters))
        return NULL;
    if (e->n_waiters < GX_WAITERS_MAX) {
        struct gx_waiter *w = &e->waiters[e->n_waiters++];

        *w = (struct gx_waiter){.kind = kind, .client = client, .request = request, .group = GX_NONE};
        return w;
    }
    gx_answers_begin(&b, e, client, request);
    gx_answers_refuse(&b, GX_E_AGAIN, "end another one, or try again later", "%u commands are waiting already", GX_WAITERS_MAX);
    return NULL;
}

void gx_waiter_timeout(struct gx_engine *e, struct gx_waiter *w, uint64_t timeout_ms)
{
    uint64_t until = e->now.mono_ms + timeout_ms;

    if (until < timeout_ms)
        until = UINT64_MAX;
    w->until_ms = until == 0 ? 1 : until;       /* 0 is no end */
}

static void remove_at(struct gx_engine *e, uint32_t i)
{
    e->n_waiters--;
    memmove(&e->waiters[i], &e->waiters[i + 1], (e->n_waiters - i) * sizeof e->waiters[i]);
}

void gx_waiter_end(struct gx_engine *e, const struct gx_waiter *w)
{
    remove_at(e, (uint32_t)(w - e->waiters));
}

void gx_waiters_client_gone(struct gx_engine *e, uint64_t client)
{
    for (uint32_t i = e->n_waiters; i-- > 0;)
        if (e->waiters[i].client == client) {
            remove_at(e, i);
            gx_engine_wake(e, e->now.mono_ms);      /* a code that it showed is void now */
        }
}

/* --- join ---------------------------------------------------------------------------------------------------------------------------- */

static const char *join_hint(enum gx_deny deny)
{
    switch (deny) {
    case GX_DENY_QR_CLOSED:
        return "ask a member who knows you to invite you: guanxi invite --for";
    case GX_DENY_FULL:
        return "wait until somebody leaves, and join again; a member who knows you then invites you: guanxi invite --for";
    case GX_DENY_TOKEN_REVOKED:
    case GX_DENY_TOKEN_USED_UP:
    case GX_DENY_TOKEN_EXPIRED:
        return "ask for a new invitation";
    case GX_DENY_TOKEN_UNKNOWN:
        return "try again when who invited you is online, or ask for a new invitation";
    case GX_DENY_BANNED:
        return "ask an admin of the group";
    case GX_DENY_QUOTA:
        return "try again when the owner has been online";
    case GX_DENY_NONE:
    case GX_DENY_NO_RANK:
    case GX_DENY_NOT_MEMBER:
    case GX_DENY_OWNER:
    case GX_DENY_COUNT:
        break;
    }
    return "ask for a new invitation";
}

static void answer_join(struct gx_engine *e, const struct gx_waiter *w, struct gx_group *g)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, w->client, w->request);
    if (g == NULL) {
        gx_answers_refuse(&b, GX_E_ABSENT, NULL, "the request was given up here");
        return;
    }
    gx_join_values(&b, g);
    if (g->row.state == GX_GROUP_MEMBER)
        gx_answers_send(&b);
    else
        gx_answers_deny(&b, g->join_deny, join_hint(g->join_deny), "%s", gx_deny_text(g->join_deny));
}

static bool is_over(const struct gx_group *g)
{
    return g == NULL || !gx_group_joining(g) || g->join_deny != GX_DENY_NONE;
}

void gx_waiters_join_done(struct gx_engine *e, struct gx_group *g)
{
    for (uint32_t i = 0; i < e->n_waiters;) {
        if (e->waiters[i].kind == GX_WAIT_JOIN && e->waiters[i].group == g->row.gnum && is_over(g)) {
            answer_join(e, &e->waiters[i], g);
            remove_at(e, i);
        } else {
            i++;
        }
    }
}

static bool run_join(struct gx_engine *e, const struct gx_waiter *w)
{
    struct gx_group *g = gx_group_by_gnum(e, w->group);
    struct gx_answer_builder b;
    char digits[GX_HEX_BYTES(4)];

    if (is_over(g)) {
        answer_join(e, w, g);
        return true;
    }
    if (e->now.mono_ms < w->until_ms)
        return false;
    gx_hex(digits, g->row.id.b, 4);
    gx_answers_begin(&b, e, w->client, w->request);
    gx_join_values(&b, g);
    gx_answers_timeout(&b, gx_answers_format(e, "the request stays and is tried again; guanxi group leave :%s forgets it", digits),
                       "nobody let us in yet");
    return true;
}

/* --- wait ---------------------------------------------------------------------------------------------------------------------------- */

#define GIVEN(w, x) (((w)->given & (1u << GX_PARAM_##x)) != 0)

static bool hash_is(const char *want, const uint8_t hash[32])
{
    char digits[GX_HEX_BYTES(32)];

    gx_hex(digits, hash, 32);
    return strcmp(want, digits) == 0;
}

static bool hash_holds(struct gx_engine *e, const struct gx_waiter *w, struct gx_group *g)
{
    uint32_t *scratch = gx_arena_take(&e->arena, (g->law.n_persons + 1u) * sizeof *scratch);
    uint8_t state[32];

    if (!gx_engine_ok(e, scratch == NULL ? GX_E_MEMORY : GX_OK))
        return false;
    gx_law_state_hash(&g->law, state, scratch);
    return hash_is(w->hash, state) || hash_is(w->hash, gx_messages_hash(e, g));
}

/* The first condition of the group that does not hold, in words with its present value; NULL when all do. */
static const char *group_lacks(struct gx_engine *e, const struct gx_waiter *w)
{
    struct gx_group *found[1] = {NULL};
    uint32_t n = gx_where_find(e, found, 1, w->where);
    struct gx_group *g = found[0];

    if (n != 1)
        return gx_answers_format(e, n == 0 ? "there is no group %s here yet" : "more than one group is called %s", w->where);
    if (!gx_group_is_member(g))
        return gx_answers_format(e, "the state in %s is: %s", w->where, gx_group_state_text(g));
    if (GIVEN(w, MEMBERS) && g->law.now.n_members != w->members)
        return gx_answers_format(e, "%s has %u members, not %llu", w->where, g->law.now.n_members, (unsigned long long)w->members);
    if (GIVEN(w, COUNT) && gx_messages_count(g) != w->count)
        return gx_answers_format(e, "%s has %llu messages, not %llu", w->where, (unsigned long long)gx_messages_count(g),
                                 (unsigned long long)w->count);
    if (GIVEN(w, HASH) && !hash_holds(e, w, g))
        return gx_answers_format(e, "neither hash of %s is that one", w->where);
    return NULL;
}

static const char *lacks(struct gx_engine *e, const struct gx_waiter *w)
{
    uint32_t peers = gx_sessions_peers(e);
    const char *lack = NULL;

    if (GIVEN(w, PEERS) && peers < w->peers)
        return gx_answers_format(e, "%u peers are connected, not %llu", peers, (unsigned long long)w->peers);
    if (GIVEN(w, GROUP))
        lack = group_lacks(e, w);
    return lack == NULL && GIVEN(w, IDLE) ? gx_repair_busy(e) : lack;
}

static bool run_condition(struct gx_engine *e, const struct gx_waiter *w)
{
    const char *lack = lacks(e, w);
    struct gx_answer_builder b;

    if (lack != NULL && e->now.mono_ms < w->until_ms)
        return false;
    gx_answers_begin(&b, e, w->client, w->request);
    if (lack == NULL)
        gx_answers_send(&b);
    else
        gx_answers_timeout(&b, "see `guanxi status` and `guanxi group show`", "%s", lack);
    return true;
}

/* Is what is asked for possible at all? */
static bool read_conditions(struct gx_answer_builder *b, const struct gx_command *cmd)
{
    uint32_t of_group = GX_P(MEMBERS) | GX_P(COUNT) | GX_P(HASH);
    uint8_t hash[32];

    if (cmd->group == NULL && (cmd->given & of_group) != 0)
        gx_answers_refuse(b, GX_E_USAGE, NULL, "members, count and hash are of a group: name it");
    else if (cmd->group != NULL && strlen(cmd->group) > GX_NAME_BYTES_MAX)
        gx_where_refuse(b, cmd->group, NULL, 0);
    else if (cmd->hash != NULL && !gx_unhex(hash, sizeof hash, cmd->hash))
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a hash is 64 hex digits");
    else
        return true;
    return false;
}

void gx_command_wait(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    if (!read_conditions(&b, cmd))
        return;

    struct gx_waiter *w = gx_waiter_new(e, GX_WAIT_CONDITION, client, cmd->request);

    if (w == NULL)
        return;
    w->given = cmd->given & ~(cmd->idle ? 0 : GX_P(IDLE));
    w->peers = cmd->peers;
    w->members = cmd->members;
    w->count = cmd->count;
    if (cmd->group != NULL)
        memcpy(w->where, cmd->group, strlen(cmd->group) + 1);
    if (cmd->hash != NULL) {
        uint8_t hash[32] = {0};

        if (gx_unhex(hash, sizeof hash, cmd->hash))
            gx_hex(w->hash, hash, sizeof hash);         /* lower case */
    }
    gx_waiter_timeout(e, w, gx_command_has(cmd, GX_PARAM_TIMEOUT_MS) ? cmd->timeout_ms : GX_WAIT_DEFAULT_MS);
}

/* --- at the end of a step -------------------------------------------------------------------------------------------------------------- */

static bool run_invite(struct gx_engine *e, const struct gx_waiter *w)
{
    const struct gx_door *door = gx_doors_by_token(e, &w->token);

    if ((door == NULL || (!door->open && !door->failed)) && e->now.mono_ms < w->until_ms)
        return false;
    gx_invite_answer(e, w);
    return true;
}

/* True when it was answered. */
static bool run(struct gx_engine *e, struct gx_waiter *w)
{
    switch (w->kind) {
    case GX_WAIT_CONDITION:
        return run_condition(e, w);
    case GX_WAIT_JOIN:
        return run_join(e, w);
    case GX_WAIT_INVITE:
        return run_invite(e, w);
    case GX_WAIT_SEND:
        return gx_send_answer(e, w);
    case GX_WAIT_VACUUM:
        return gx_vacuum_run(e, w);
    case GX_WAIT_NEAR_OFFER:
        return gx_near_offer_run(e, w);
    case GX_WAIT_NEAR_SEARCH:
        return gx_near_search_run(e, w);
    case GX_WAIT_WATCH:
        gx_messages_watch(e, w);
        return false;
    }
    GX_ASSERT(!"a kind of waiter that is not in the list");
}

void gx_waiters_run(struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->n_waiters && e->fault == GX_OK;) {
        if (run(e, &e->waiters[i])) {
            remove_at(e, i);
            continue;
        }
        if (e->waiters[i].until_ms != 0)
            gx_engine_wake(e, e->waiters[i].until_ms);
        i++;
    }
    gx_receipts_run(e);
    if (e->fault == GX_OK)
        e->vacuumed = false;
}
