#include "node/engine/commands.h"

#define EXPIRES_MIN_MS 60000ull
#define EXPIRES_SLACK_MS 5000ull
#define EXPIRES_MAX_MS (365ull * 24 * 3600 * 1000)
#define CANDIDATES_MAX 16u

/* --- making one ---------------------------------------------------------------------------------------------------------------------- */

static bool may_invite(struct gx_answer_builder *b, struct gx_group *g)
{
    const struct gx_law *law = &g->law;

    if (!gx_member_or_deny(b, g))
        return false;

    const char *label = gx_group_label(b->e, g);
    enum gx_deny deny = gx_group_qr(g);

    if (deny == GX_DENY_FULL)
        gx_answers_deny(b, deny, "wait until somebody leaves", "%s has all the %u members it may have", label, g->rules.cap);
    else if (deny != GX_DENY_NONE)
        gx_answers_deny(b, deny, "a member who is their contact can invite them: guanxi invite --for", "%s has %u members: codes admit while there are fewer than %u", label,
                        law->now.n_members, g->rules.qr_max);
    return deny == GX_DENY_NONE;
}

/* A contact's invitation has no number to be reached: only the group's own. */
static bool may_invite_contact(struct gx_answer_builder *b, struct gx_group *g)
{
    if (!gx_member_or_deny(b, g))
        return false;
    if (g->law.now.n_members < g->rules.cap)
        return true;
    gx_answers_deny(b, GX_DENY_FULL, "wait until somebody leaves", "%s has all the %u members it may have", gx_group_label(b->e, g), g->rules.cap);
    return false;
}

static bool read_expiry(struct gx_answer_builder *b, uint64_t *until_ms, const struct gx_command *cmd)
{
    uint64_t now = b->e->now.wall_ms;

    *until_ms = gx_command_has(cmd, GX_PARAM_EXPIRES_MS) ? cmd->expires_ms : now + GX_TOKEN_EXPIRES_DEFAULT_MS;
    /* A client counts from its own now, a little earlier. */
    if (*until_ms + EXPIRES_SLACK_MS >= now + EXPIRES_MIN_MS && *until_ms <= now + EXPIRES_MAX_MS)
        return true;
    gx_answers_refuse(b, GX_E_USAGE, NULL, "an invitation lasts from a minute to 365 days");
    return false;
}

static bool read_terms(struct gx_answer_builder *b, struct gx_body_token *body, const struct gx_command *cmd)
{
    uint64_t expires = 0;

    if (!read_expiry(b, &expires, cmd))
        return false;
    if (cmd->uses > UINT8_MAX) {
        gx_answers_refuse(b, GX_E_USAGE, "leave it out for no limit", "an invitation can be for %u people at most", UINT8_MAX);
        return false;
    }
    body->expires_min = gx_token_expiry_min(expires);
    body->uses = (uint8_t)cmd->uses;
    return true;
}

/* TOKEN goes to the group, the seed stays here: it is shown only after the commit. */
static bool write_token(struct gx_answer_builder *b, struct gx_group *g, const struct gx_body_token *terms, struct gx_event_id *id)
{
    struct gx_engine *e = b->e;
    struct gx_body body = {.type = GX_EV_TOKEN, .u.token = *terms};
    struct gx_invite_row row = {.hint = {0}};
    struct gx_token_keys keys;

    gx_rng_fill(e->config.rng, row.seed.b, sizeof row.seed.b);
    gx_token_keys_make(&keys, &row.seed, g->row.id.b);
    body.u.token.token_pk = keys.pk;
    body.u.token.lan = keys.lan;
    gx_wipe(&keys, sizeof keys);

    enum gx_err err = gx_author_write(e, g, &body, id, NULL);
    struct gx_txn *txn = gx_engine_txn(e, true);

    row.token = *id;
    if (err == GX_OK && txn != NULL)
        (void)gx_engine_ok(e, gx_invite_put(txn, g->row.gnum, &row));
    gx_wipe(&row, sizeof row);
    if (err != GX_OK)
        gx_write_refuse(b, err);
    return err == GX_OK && e->fault == GX_OK;
}

/* It is answered when somebody came in, or nobody can any more. */
static void invite_nearby(struct gx_answer_builder *b, struct gx_group *g, const struct gx_command *cmd)
{
    struct gx_engine *e = b->e;
    struct gx_body_token terms = {.uses = 1, .expires_min = gx_token_expiry_min(e->now.wall_ms + GX_NEAR_MS_MAX)};
    uint64_t wait_ms = gx_command_has(cmd, GX_PARAM_TIMEOUT_MS) && cmd->timeout_ms < GX_NEAR_MS_MAX ? cmd->timeout_ms : GX_NEAR_MS_MAX;
    struct gx_event_id id = {{0}};
    struct gx_waiter *w = NULL;

    if (!may_invite(b, g) || !gx_near_may_offer(b, cmd))
        return;
    w = gx_waiter_new(e, GX_WAIT_NEAR_OFFER, b->client, b->request);
    if (w == NULL)
        return;
    if (!write_token(b, g, &terms, &id)) {
        gx_waiter_end(e, w);            /* it was answered */
        return;
    }
    w->group = g->row.gnum;
    w->token = id;
    gx_waiter_timeout(e, w, wait_ms);
    e->doors_dirty = true;
    gx_near_offer(e, w, g->row.gnum, &id, gx_token_expiry_ms(terms.expires_min));
}

void gx_command_invite(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    struct gx_body_token terms = {.uses = 0};
    struct gx_answer_builder b;
    struct gx_event_id id = {{0}};
    uint64_t until_ms = 0;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (cmd->nearby) {
        invite_nearby(&b, g, cmd);
        return;
    }
    if (gx_command_has(cmd, GX_PARAM_TIMEOUT_MS)) {
        gx_answers_refuse(&b, GX_E_USAGE, NULL, "only with nearby an invitation is waited for: leave out timeout_ms");
        return;
    }
    if (gx_command_has(cmd, GX_PARAM_WHO)) {
        if (may_invite_contact(&b, g) && read_expiry(&b, &until_ms, cmd))
            gx_invite_contact(&b, g, cmd, until_ms);
        return;
    }
    if (!may_invite(&b, g) || !read_terms(&b, &terms, cmd))
        return;

    struct gx_waiter *w = gx_waiter_new(e, GX_WAIT_INVITE, client, cmd->request);

    if (w == NULL)
        return;
    if (!write_token(&b, g, &terms, &id)) {
        gx_waiter_end(e, w);        /* it was answered */
        return;
    }
    w->group = g->row.gnum;
    w->token = id;
    w->until_ms = e->now.mono_ms + GX_INVITE_DOOR_MS;
    e->doors_dirty = true;          /* at the end of the step this token gets a door */
}

/* --- showing them -------------------------------------------------------------------------------------------------------------------- */

bool gx_invite_code(struct gx_engine *e, struct gx_group *g, const struct gx_event_id *id, struct gx_token *out)
{
    struct gx_txn *txn = gx_engine_txn(e, false);
    uint32_t op = gx_group_op(g, id);
    const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);
    struct gx_invite_row row;
    uint8_t bytes[GX_TOKEN_SIGNED_BYTES];
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    if (info == NULL || txn == NULL || !gx_engine_ok(e, gx_invite_get(txn, &row, g->row.gnum, id)))
        return false;
    *out = (struct gx_token){.seed = row.seed, .expires_min = info->expires_min, .uses = info->uses, .hint = row.hint};
    gx_wipe(&row, sizeof row);
    gx_author_device_key(e, g, &pk, &sk);
    memcpy(out->group16, g->row.id.b, sizeof out->group16);
    memcpy(out->issuer, pk.b, sizeof out->issuer);
    memcpy(out->as_of, id->b, sizeof out->as_of);
    gx_token_signed_bytes(bytes, out, &g->row.id, &info->pk);
    gx_sign(&out->sig, &sk, GX_DOMAIN_TOKEN, gx_span(bytes, sizeof bytes));
    gx_wipe(&sk, sizeof sk);
    return true;
}

/* The code of an invitation made on this node, so that it can be shown again. */
static void put_code(struct gx_answer_builder *b, struct gx_group *g, const struct gx_token_info *info)
{
    struct gx_token token;
    char text[GX_TOKEN_TEXT_MAX];

    if (!gx_invite_code(b->e, g, &g->law.nodes[info->op].op.id, &token))
        return;
    gx_token_format(text, &token);
    gx_answers_text(b, "token", text);
    gx_wipe(&token, sizeof token);
    gx_wipe(text, sizeof text);
}

/* An invitation ends with the membership of who made it. */
static bool is_revoked(struct gx_group *g, const struct gx_token_info *info)
{
    return gx_group_is_member(g) ? gx_token_deny(g, info, GX_LAW_NONE) == GX_DENY_TOKEN_REVOKED
                                 : g->law.now.results[info->op].revokes != GX_LAW_NONE;
}

static void put_invite(struct gx_answer_builder *b, struct gx_group *g, const struct gx_token_info *info)
{
    const struct gx_law_op *op = &g->law.nodes[info->op].op;
    uint32_t used = g->law.now.results[info->op].used;
    const struct gx_door *door = gx_doors_by_token(b->e, &op->id);
    bool mine = op->author == g->me;

    gx_answers_hex(b, "invite", op->id.b, sizeof op->id.b);
    if (mine && !is_revoked(g, info) && !gx_token_expired(info->expires_min, b->e->now))
        put_code(b, g, info);
    gx_answers_kept(b, "kind", "qr");
    gx_answers_hex(b, "group", g->row.id.b, sizeof g->row.id.b);
    gx_answers_kept(b, "name", gx_group_name(b->e, g));
    gx_answers_number(b, "expires_ms", gx_token_expiry_ms(info->expires_min));
    gx_answers_number(b, "uses", info->uses);
    if (info->uses != 0)
        gx_answers_number(b, "uses_left", used >= info->uses ? 0 : info->uses - used);
    gx_answers_bool(b, "revoked", is_revoked(g, info));
    gx_answers_bool(b, "mine", mine);
    gx_answers_list(b, "at");
    for (uint8_t i = 0; door != NULL && door->open && i < door->n_addrs; i++)
        gx_answers_addr(b, NULL, &door->addrs[i]);
    gx_answers_end(b);
}

/* The first IPv4 address of the door goes into the code: there is room for one. */
static void keep_hint(struct gx_engine *e, const struct gx_group *g, const struct gx_event_id *token)
{
    const struct gx_door *door = gx_doors_by_token(e, token);
    struct gx_txn *txn = gx_engine_txn(e, true);
    struct gx_invite_row row;
    uint8_t i = 0;

    while (door != NULL && door->open && i < door->n_addrs && door->addrs[i].family != 4)
        i++;
    if (door == NULL || !door->open || i == door->n_addrs || txn == NULL)
        return;
    if (!gx_engine_ok(e, gx_invite_get(txn, &row, g->row.gnum, token)))
        return;
    row.hint = door->addrs[i];
    (void)gx_engine_ok(e, gx_invite_put(txn, g->row.gnum, &row));
    gx_wipe(&row, sizeof row);
}

void gx_invite_answer(struct gx_engine *e, const struct gx_waiter *w)
{
    struct gx_group *g = gx_group_by_gnum(e, w->group);
    uint32_t op = g == NULL ? GX_NONE : gx_group_op(g, &w->token);
    const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, w->client, w->request);
    if (info == NULL) {
        gx_answers_refuse(&b, GX_E_ABSENT, NULL, "the invitation is gone: the group was left");
        return;
    }
    keep_hint(e, g, &w->token);
    put_invite(&b, g, info);
    gx_answers_send(&b);
}

void gx_command_invites(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *only = cmd->group == NULL ? NULL : gx_command_group(e, client, cmd);
    struct gx_answer_builder b;

    if (cmd->group != NULL && only == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_list(&b, "invites");
    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        for (uint32_t k = 0; (only == NULL || only == g) && k < g->n_tokens; k++) {
            if (!gx_token_known(g, &g->tokens[k]))
                continue;
            gx_answers_object(&b, NULL);
            put_invite(&b, g, &g->tokens[k]);
            gx_answers_end(&b);
        }
    }
    gx_answers_end(&b);
    gx_answers_send(&b);
}

/* --- ending one ---------------------------------------------------------------------------------------------------------------------- */

struct invite_ref {
    struct gx_group *g;
    const struct gx_token_info *info;
};

static uint32_t find(struct gx_engine *e, struct invite_ref *out, const char *digits)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_groups; i++) {
        struct gx_group *g = e->groups[i];

        for (uint32_t k = 0; k < g->n_tokens; k++) {
            const struct gx_law_op *op = &g->law.nodes[g->tokens[k].op].op;

            if (!gx_token_known(g, &g->tokens[k]) || !gx_hex_prefix(digits, op->id.b, sizeof op->id.b))
                continue;
            if (n < CANDIDATES_MAX)
                out[n] = (struct invite_ref){.g = g, .info = &g->tokens[k]};
            n++;
        }
    }
    return n;
}

static bool find_one(struct gx_answer_builder *b, struct invite_ref *out, const char *text)
{
    struct invite_ref refs[CANDIDATES_MAX];
    const char *digits = text[0] == ':' ? text + 1 : text;
    uint32_t n = strlen(digits) < GX_ID_PREFIX_MIN ? 0 : find(b->e, refs, digits);

    if (n == 1) {
        *out = refs[0];
        return true;
    }
    if (n == 0) {
        gx_answers_refuse(b, GX_E_ABSENT, "see `guanxi invites`; it takes 4 or more digits of the id", "there is no such invitation here");
        return false;
    }
    gx_answers_list(b, "candidates");
    for (uint32_t i = 0; i < n && i < CANDIDATES_MAX; i++) {
        gx_answers_object(b, NULL);
        gx_answers_hex(b, "invite", refs[i].g->law.nodes[refs[i].info->op].op.id.b, 32);
        gx_answers_kept(b, "name", gx_group_name(b->e, refs[i].g));
        gx_answers_end(b);
    }
    gx_answers_end(b);
    gx_answers_refuse(b, GX_E_AMBIGUOUS, "give more digits", "%u invitations begin like this", n);
    return false;
}

void gx_command_revoke(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    struct invite_ref ref = {.g = NULL};

    gx_answers_begin(&b, e, client, cmd->request);
    if (!find_one(&b, &ref, cmd->invite))
        return;

    struct gx_group *g = ref.g;
    const struct gx_law_op *op = &g->law.nodes[ref.info->op].op;
    struct gx_body body = {.type = GX_EV_REVOKE, .u.revoke = {.what = GX_REVOKE_TOKEN, .token = op->id}};
    enum gx_err err = GX_OK;

    if (!gx_member_or_deny(&b, g))
        return;

    struct gx_law_op ask = {.kind = GX_OP_REVOKE, .author = g->me, .target = GX_LAW_NONE, .token = ref.info->op};

    if (gx_law_ask(&g->law, &ask) != GX_RULE_NONE) {
        gx_answers_deny(&b, GX_DENY_NO_RANK, "ask who made it, or the owner", "only who made an invitation, or a higher rank, may revoke it");
        return;
    }
    if (!is_revoked(g, ref.info))
        err = gx_author_write(e, g, &body, NULL, NULL);
    if (err != GX_OK) {
        gx_write_refuse(&b, err);
        return;
    }
    e->doors_dirty = true;
    gx_answers_hex(&b, "invite", body.u.revoke.token.b, sizeof body.u.revoke.token.b);
    gx_answers_hex(&b, "group", g->row.id.b, sizeof g->row.id.b);
    gx_answers_bool(&b, "revoked", true);
    gx_answers_send(&b);
}
