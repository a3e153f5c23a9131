#include "node/engine/commands.h"
#include "node/engine/people.h"
#include "proto/card.h"
#include "proto/name.h"

#define JOIN_TIMEOUT_MS 30000ull
#define JOIN_ALIAS_MAX 255u         /* a byte of length in the store */

struct fault {
    enum gx_err err;
    const char *text, *hint;
};

/* What can be wrong with a code.  Whatever else gx_token_parse may say counts as the first. */
static const struct fault faults[] = {
    {GX_E_MALFORMED, "this is no invitation: those begin with GX1:", "paste the whole code"},
    {GX_E_VERSION, "this code was made by another version of guanxi", "update guanxi on this machine, or on the one that made the code"},
    {GX_E_SIGNATURE, "this code was damaged on its way: its check does not match", "scan or copy it again, whole"},
    {GX_E_EXPIRED, "this invitation has expired", "ask for a new one"},
};

static const struct fault *fault_of(enum gx_err err, const char *text)
{
    static const struct fault card = {GX_E_USAGE, "this is somebody's card, and no invitation to a group", "guanxi contact add takes it"};

    if (gx_code_kind(text) == GX_TOKEN_KIND_CARD)
        return &card;
    for (size_t i = 0; i < GX_ARRAY_LEN(faults); i++)
        if (faults[i].err == err)
            return &faults[i];
    return &faults[0];
}

/* Read it, and look at its time.  What can be wrong with it has exit code 5.  The caller wipes it. */
static enum gx_err read_token(struct gx_engine *e, struct gx_token *out, const char *text)
{
    enum gx_err err = gx_token_parse(out, text);

    return err == GX_OK && gx_token_expired(out->expires_min, e->now) ? GX_E_EXPIRED : err;
}

static struct gx_group *group_of(struct gx_engine *e, const uint8_t group16[16], enum gx_group_state state)
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (e->groups[i]->row.state == state && memcmp(e->groups[i]->row.id.b, group16, 16) == 0)
            return e->groups[i];
    return NULL;
}

/* Whose card it is; whether it is their newest only they know. */
static void inspect_card(struct gx_answer_builder *b, const struct gx_card_code *code)
{
    const struct gx_contact *c = gx_contact_by_id(b->e, &code->card.id);

    gx_answers_kept(b, "kind", "card");
    gx_answers_hex(b, "who", code->card.id.b, sizeof code->card.id.b);
    if (c != NULL)
        gx_answers_kept(b, "name", gx_contact_label(b->e, c));
    if (code->hint.family != 0)
        gx_answers_addr(b, "at", &code->hint);
    gx_answers_bool(b, "you", gx_sign_pk_equal(&code->card.id, &b->e->config.person.id));
    gx_answers_bool(b, "valid", c == NULL || c->row.card.serial <= code->card.serial);
    gx_answers_send(b);
}

void gx_command_inspect(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_card_code card;
    struct gx_answer_builder b;
    struct gx_token token;
    enum gx_err err = read_token(e, &token, cmd->token);

    gx_answers_begin(&b, e, client, cmd->request);
    if (gx_card_parse(&card, cmd->token) == GX_OK) {
        inspect_card(&b, &card);
        gx_wipe(&card, sizeof card);
        return;
    }
    if (err == GX_OK || err == GX_E_EXPIRED) {
        struct gx_group *g = group_of(e, token.group16, GX_GROUP_MEMBER);

        gx_answers_kept(&b, "kind", "qr");
        gx_answers_hex(&b, "group", token.group16, sizeof token.group16);
        if (g != NULL)
            gx_answers_kept(&b, "name", gx_group_name(e, g));
        gx_answers_hex(&b, "issuer", token.issuer, sizeof token.issuer);
        gx_answers_number(&b, "expires_ms", gx_token_expiry_ms(token.expires_min));
        gx_answers_number(&b, "uses", token.uses);
        if (token.hint.family != 0)
            gx_answers_addr(&b, "at", &token.hint);
    }
    gx_wipe(&token, sizeof token);
    gx_answers_bool(&b, "valid", err == GX_OK);
    if (err == GX_OK) {
        gx_answers_send(&b);
        return;
    }

    const struct fault *fault = fault_of(err, cmd->token);

    gx_answers_kept(&b, "reason", fault->text);
    gx_answers_refuse(&b, fault->err, fault->hint, "%s", fault->text);
}

/* --- joining ------------------------------------------------------------------------------------------------------------------------- */

static bool add_addr(struct gx_join_row *join, const struct gx_addr *addr)
{
    for (uint8_t i = 0; i < join->n_addrs; i++)
        if (gx_addr_equal(&join->addrs[i], addr))
            return true;
    if (join->n_addrs >= GX_JOIN_ADDRS_MAX)
        return false;
    join->addrs[join->n_addrs++] = *addr;
    return true;
}

/* The code's hint first, then what the person gave. */
static bool read_addrs(struct gx_answer_builder *b, struct gx_join_row *join, const struct gx_command *cmd)
{
    if (join->token.hint.family != 0)
        (void)add_addr(join, &join->token.hint);
    for (size_t i = 0; i < cmd->n_at; i++) {
        struct gx_addr addr;

        if (gx_addr_parse(&addr, cmd->at[i], false) != GX_OK) {
            gx_answers_refuse(b, GX_E_USAGE, "write 192.0.2.1:7447 or [2001:db8::1]:7447; names are not looked up",
                              "number %u of the addresses is none", (unsigned)i + 1);
            return false;
        }
        if (!add_addr(join, &addr)) {
            gx_answers_refuse(b, GX_E_USAGE, NULL, "a join takes %u addresses, the code's own included", GX_JOIN_ADDRS_MAX);
            return false;
        }
    }
    return true;
}

/* The wish for a name: the one given, or what this person calls themself, cut at a whole character. */
static bool read_alias(struct gx_answer_builder *b, struct gx_join_row *join, const struct gx_command *cmd)
{
    const char *alias = cmd->name != NULL ? cmd->name : b->e->config.name;
    size_t n = strlen(alias);

    if (cmd->name != NULL && !gx_name_ok(alias, JOIN_ALIAS_MAX)) {
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a name is 1 to %u bytes of UTF-8, and not only blanks", JOIN_ALIAS_MAX);
        return false;
    }
    if (n > JOIN_ALIAS_MAX)
        for (n = JOIN_ALIAS_MAX; n > 0 && ((uint8_t)alias[n] & 0xc0) == 0x80;)
            n--;
    memcpy(join->alias, alias, n);
    join->alias_bytes = (uint8_t)n;
    return true;
}

static struct gx_group *joining(struct gx_engine *e, const uint8_t group16[16])
{
    for (uint32_t i = 0; i < e->n_groups; i++)
        if (gx_group_joining(e->groups[i]) && memcmp(e->groups[i]->row.id.b, group16, 16) == 0)
            return e->groups[i];
    return NULL;
}

static struct gx_group *begin_join(struct gx_answer_builder *b, struct gx_join_row *join)
{
    struct gx_engine *e = b->e;
    struct gx_group *g = joining(e, join->token.group16);

    if (g == NULL) {
        g = gx_group_add(e, GX_GROUP_JOINING);
        if (g == NULL) {
            gx_answers_refuse(b, GX_E_TOO_BIG, NULL, "a node can be in %u groups and is", GX_GROUPS_MAX);
            return NULL;
        }
        memcpy(g->row.id.b, join->token.group16, sizeof join->token.group16);
    } else if (join->n_addrs == 0) {
        /* Asked again with nothing new about where: the places known from before. */
        memcpy(join->addrs, g->join.addrs, sizeof join->addrs);
        join->n_addrs = g->join.n_addrs;
    }
    g->join = *join;
    g->has_join = true;
    g->join_next_ms = e->now.mono_ms;
    g->join_backoff_ms = 0;
    g->join_addr = 0;
    g->join_deny = GX_DENY_NONE;

    struct gx_txn *txn = gx_engine_txn(e, true);

    if (txn == NULL || !gx_engine_ok(e, gx_join_put(txn, g->row.gnum, join)))
        return NULL;
    return g;
}

static uint64_t timeout_of(const struct gx_command *cmd)
{
    return gx_command_has(cmd, GX_PARAM_TIMEOUT_MS) ? cmd->timeout_ms : JOIN_TIMEOUT_MS;
}

static void join(struct gx_answer_builder *b, struct gx_join_row *row, const struct gx_command *cmd)
{
    struct gx_engine *e = b->e;

    if (!read_addrs(b, row, cmd) || !read_alias(b, row, cmd))
        return;

    struct gx_group *g = begin_join(b, row);

    if (g == NULL)
        return;
    gx_engine_wake(e, e->now.mono_ms);
    gx_lan_hurry(e);
    if (g->join.n_addrs == 0 && !gx_lan_is_on(e)) {
        gx_answers_refuse(b, GX_E_USAGE, "give an address of a member's door, as `invites` shows it there: --at ADDR:PORT",
                          "the code holds no address; the request is kept, but there is nowhere to ask");
        return;
    }

    struct gx_waiter *w = gx_waiter_new(e, GX_WAIT_JOIN, b->client, b->request);

    if (w == NULL)
        return;
    w->group = g->row.gnum;
    gx_waiter_timeout(e, w, timeout_of(cmd));
    gx_guest_timer(e);
}

void gx_join_values(struct gx_answer_builder *b, struct gx_group *g)
{
    const struct gx_law *law = &g->law;
    uint32_t voucher = g->me == GX_NONE ? GX_LAW_NONE : gx_law_voucher(law, g->me);

    gx_answers_hex(b, "group", g->row.id.b, gx_group_id_bytes(g));
    gx_answers_kept(b, "name", gx_group_name(b->e, g));
    gx_answers_number(b, "members", law->now.n_members);
    if (voucher != GX_LAW_NONE)
        gx_answers_hex(b, "admitted_by", law->persons[voucher].member.b, 32);
    gx_answers_kept(b, "state", gx_group_state_text(g));
    if (gx_group_provisional(g))
        gx_answers_bool(b, "provisional", true);
}

void gx_join_paired(struct gx_engine *e, struct gx_waiter *w, const struct gx_join_row *row, const struct gx_addr *at)
{
    struct gx_group *g = group_of(e, row->token.group16, GX_GROUP_MEMBER);
    struct gx_join_row join = *row;
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, w->client, w->request);
    if (at->family == 4)
        (void)add_addr(&join, at);          /* kept, where it can be; it was met there */
    if (gx_token_expired(join.token.expires_min, e->now)) {
        gx_answers_refuse(&b, GX_E_EXPIRED, "is the clock right on both machines? Else ask for a new one", "this invitation has expired");
        g = NULL;
    } else if (g != NULL) {
        gx_join_values(&b, g);
        gx_answers_send(&b);
        g = NULL;
    } else {
        g = begin_join(&b, &join);
    }
    gx_wipe(&join, sizeof join);
    if (g == NULL) {
        gx_waiter_end(e, w);
        return;
    }
    w->kind = GX_WAIT_JOIN;
    w->group = g->row.gnum;
    gx_lan_hurry(e);
    gx_guest_found(e, g, at);
}

static void join_near(struct gx_answer_builder *b, const struct gx_command *cmd)
{
    struct gx_join_row row = {.n_addrs = 0};

    if (cmd->token != NULL || cmd->n_at > 0)
        gx_answers_refuse(b, GX_E_USAGE, "leave out token and at", "six digits take the place of an invitation and its address");
    else if (read_alias(b, &row, cmd))
        gx_near_search(b, &row, cmd, timeout_of(cmd));
    gx_wipe(&row, sizeof row);
}

static void join_by_token(struct gx_answer_builder *b, const struct gx_command *cmd)
{
    struct gx_engine *e = b->e;
    struct gx_join_row row = {.n_addrs = 0};
    enum gx_err err = read_token(e, &row.token, cmd->token);
    struct gx_group *g = err == GX_OK ? group_of(e, row.token.group16, GX_GROUP_MEMBER) : NULL;

    if (err != GX_OK) {
        const struct fault *fault = fault_of(err, cmd->token);

        gx_answers_refuse(b, fault->err, fault->hint, "%s", fault->text);
    } else if (g != NULL) {
        gx_join_values(b, g);
        gx_answers_send(b);
    } else {
        join(b, &row, cmd);
    }
    gx_wipe(&row, sizeof row);
}

void gx_command_join(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    if (cmd->near != NULL)
        join_near(&b, cmd);
    else if (cmd->token != NULL)
        join_by_token(&b, cmd);
    else
        gx_answers_refuse(&b, GX_E_USAGE, NULL, "join needs the parameter token, or near");
}
