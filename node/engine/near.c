/* Pairing on a LAN by six digits that two people see.  WIRE §9.1, KEYS §13.
 *
 * A code is shown, or looked for, as long as a client waits: whoever interrupts the command takes it back. */
#include "node/engine/near.h"

#include "node/engine/commands.h"

#define ANSWERS_PER_S 100u          /* two multiplications each: 3 % of a core */
#define ANSWERS_MAX 100
#define NAME_MS 5000u               /* who came in is told by name, if it can be read so soon */
#define VOID_AGAIN_MS 1000u
#define ASK_LAST_MS 2000u
#define CONFIRM_LAST_MS 2000u
#define PLACE_MS 1000u              /* after that an address gives way to another one with the same B */

static const uint32_t ask_ms[] = {500, 500, 1000};                  /* between the first asks; later ASK_LAST_MS */
static const uint32_t confirm_ms[] = {500, 1000, 1500, 2000};       /* between the confirms; behind the last one CONFIRM_LAST_MS */

/* --- who waits --------------------------------------------------------------------------------------------------------------------------- */

/* At most one of each kind. */
static struct gx_waiter *waiter_of(struct gx_engine *e, enum gx_waiter_kind kind)
{
    for (uint32_t i = 0; i < e->n_waiters; i++)
        if (e->waiters[i].kind == kind)
            return &e->waiters[i];
    return NULL;
}

/* Whatever became of the step in which somebody stopped waiting. */
static void forget_unwaited(struct gx_engine *e)
{
    struct gx_near *near = &e->near;
    struct gx_near_offer *offer = &near->offer;
    const struct gx_waiter *w = waiter_of(e, GX_WAIT_NEAR_OFFER);

    if (offer->active && !offer->is_void && (w == NULL || e->now.mono_ms >= w->until_ms || offer->n_wrong == GX_NEAR_TRIES_MAX)) {
        offer->is_void = true;
        near->has_void = true;
        near->void_group = offer->group;
        near->void_token = offer->token;
    }
    if (offer->active && w == NULL)
        gx_wipe(offer, sizeof *offer);
    if (near->search.active && waiter_of(e, GX_WAIT_NEAR_SEARCH) == NULL)
        gx_wipe(&near->search, sizeof near->search);
}

static void refuse_lan(struct gx_answer_builder *b)
{
    gx_answers_no(b, "no_lan", "both have to be on one network, which `guanxi doctor` looks at; or go by a picture: guanxi invite GROUP --qr",
                  "this node is on no LAN where it could meet anybody");
}

/* --- the inviter ------------------------------------------------------------------------------------------------------------------------- */

bool gx_near_may_offer(struct gx_answer_builder *b, const struct gx_command *cmd)
{
    struct gx_engine *e = b->e;

    forget_unwaited(e);
    if ((cmd->given & ((1u << GX_PARAM_USES) | (1u << GX_PARAM_EXPIRES_MS) | (1u << GX_PARAM_WHO))) != 0)
        gx_answers_refuse(b, GX_E_USAGE, NULL, "a code of six digits is for one person and for %u minutes: it takes neither uses, expires_ms nor who",
                          GX_NEAR_MS_MAX / 60000u);
    else if (!gx_lan_is_on(e))
        refuse_lan(b);
    else if (e->near.offer.active)
        gx_answers_refuse(b, GX_E_AGAIN, "interrupt the other `guanxi invite --nearby`", "this node shows a code of six digits already");
    else
        return true;
    return false;
}

void gx_near_offer(struct gx_engine *e, struct gx_waiter *w, uint32_t group, const struct gx_event_id *token, uint64_t expires_ms)
{
    struct gx_near_offer *offer = &e->near.offer;
    struct gx_group *g = gx_group_by_gnum(e, group);
    struct gx_answer_builder b;
    char digits[GX_NEAR_DIGITS + 1] = {0};

    *offer = (struct gx_near_offer){.active = true, .group = group, .token = *token};
    gx_near_code_make(&offer->code, e->config.rng);
    gx_rng_fill(e->config.rng, offer->secret.b, sizeof offer->secret.b);
    memcpy(digits, offer->code.digits, GX_NEAR_DIGITS);
    gx_answers_begin(&b, e, w->client, w->request);
    gx_answers_text(&b, "code", digits);
    gx_answers_hex(&b, "invite", token->b, sizeof token->b);
    gx_answers_hex(&b, "group", g->row.id.b, sizeof g->row.id.b);
    gx_answers_kept(&b, "name", gx_group_name(e, g));
    gx_answers_number(&b, "expires_ms", expires_ms);
    gx_answers_note(&b);
    gx_wipe(digits, sizeof digits);
}

static bool is_answered(struct gx_engine *e, struct gx_near_offer *offer)
{
    if (gx_budget_is_left(&offer->answers, e->now.mono_ms, ANSWERS_PER_S, ANSWERS_MAX)) {
        offer->answers.left--;
        return true;
    }
    gx_engine_drop(e, "near_flood");
    return false;
}

static void say(struct gx_engine *e, enum gx_effect_kind kind, const struct gx_addr *addr, const struct gx_wr *w)
{
    struct gx_effect *effect = gx_engine_effect(e, kind);

    effect->addr = *addr;
    effect->bytes = gx_wr_span(w);
}

static void take_ask(struct gx_engine *e, const struct gx_addr *from, const struct gx_near_ask *ask)
{
    struct gx_near_offer *offer = &e->near.offer;
    struct gx_near_reply reply;
    struct gx_wr w = gx_engine_wr(e, GX_NEAR_REPLY_BYTES);

    if (offer->proved || !is_answered(e, offer))
        return;
    if (!gx_near_reply(&reply.b, &offer->secret, &offer->code, &ask->a)) {
        gx_engine_drop(e, "near_point");
        return;
    }
    memcpy(reply.echo, ask->a.b, sizeof reply.echo);
    gx_near_reply_encode(&w, &reply);
    say(e, GX_OUT_DATAGRAM, from, &w);
}

/* Once: an invitation that is sealed anew would be another text under the same key. */
static void make_gift(struct gx_engine *e, struct gx_near_offer *offer)
{
    struct gx_group *g = gx_group_by_gnum(e, offer->group);
    const struct gx_door *door = gx_doors_by_token(e, &offer->token);
    uint8_t plain[GX_NEAR_PLAIN_BYTES];
    struct gx_token token;

    if (g == NULL || door == NULL || !door->open || door->n_addrs == 0 || !gx_invite_code(e, g, &offer->token, &token))
        return;
    gx_near_plain_encode(plain, &token, door->addrs[0].port);
    gx_near_seal(offer->gift.sealed, &offer->keys, plain);
    memcpy(offer->gift.echo, offer->proved_a.b, sizeof offer->gift.echo);
    offer->has_gift = true;
    gx_wipe(&offer->keys, sizeof offer->keys);
    gx_wipe(&token, sizeof token);
    gx_wipe(plain, sizeof plain);
}

static void give(struct gx_engine *e, const struct gx_addr *to)
{
    struct gx_near_offer *offer = &e->near.offer;
    struct gx_wr w = gx_engine_wr(e, GX_NEAR_GIFT_BYTES);

    if (!offer->has_gift)
        make_gift(e, offer);
    if (!offer->has_gift)
        return;                     /* it asks again */
    gx_near_gift_encode(&w, &offer->gift);
    say(e, GX_OUT_DATAGRAM, to, &w);
}

static bool was_wrong(const struct gx_near_offer *offer, const struct gx_near_point *a)
{
    for (uint32_t i = 0; i < offer->n_wrong; i++)
        if (memcmp(offer->wrong[i].b, a->b, sizeof a->b) == 0)
            return true;
    return false;
}

/* The first one of each A that names its B: right or wrong, once. */
static void prove(struct gx_engine *e, struct gx_near_offer *offer, const struct gx_near_confirm *confirm)
{
    struct gx_near_keys keys;
    struct gx_near_point b;

    if (!gx_near_inviter_keys(&keys, &b, &offer->secret, &offer->code, &confirm->a)) {
        gx_engine_drop(e, "near_point");
    } else if (memcmp(b.b, confirm->echo, sizeof confirm->echo) != 0) {
        gx_engine_drop(e, "near_stray");
    } else if (gx_equal_ct(keys.proof.b, confirm->proof.b, sizeof keys.proof.b) || GX_MUTANT(DIGITS_UNPROVED)) {
        offer->proved = true;
        offer->proved_a = confirm->a;
        offer->keys = keys;
    } else {
        gx_engine_drop(e, "near_wrong");
        if (!GX_MUTANT(DIGITS_EVER))
            offer->wrong[offer->n_wrong++] = confirm->a;
        gx_engine_wake(e, e->now.mono_ms);      /* it may have been the last */
    }
    gx_wipe(&keys, sizeof keys);
}

static void take_confirm(struct gx_engine *e, const struct gx_addr *from, const struct gx_near_confirm *confirm)
{
    struct gx_near_offer *offer = &e->near.offer;

    if (!offer->proved && !was_wrong(offer, &confirm->a) && is_answered(e, offer))
        prove(e, offer, confirm);
    if (offer->proved && memcmp(offer->proved_a.b, confirm->a.b, sizeof confirm->a.b) == 0)
        give(e, from);
}

/* Who came in by the invitation; GX_NONE: nobody. */
static uint32_t who_came(const struct gx_group *g, uint32_t token)
{
    for (uint32_t op = 0; op < g->law.n_ops; op++)
        if (g->law.nodes[op].op.kind == GX_OP_ADMIT && g->law.nodes[op].op.token == token && g->law.now.results[op].seat)
            return g->law.nodes[op].op.target;
    return GX_NONE;
}

/* Its name is sealed, and comes a moment later. */
static bool tell_who(struct gx_engine *e, const struct gx_waiter *w, struct gx_group *g, uint32_t person)
{
    struct gx_near_offer *offer = &e->near.offer;
    struct gx_answer_builder b;

    if (offer->came_ms == 0)
        offer->came_ms = e->now.mono_ms;
    if (gx_group_alias(e, g, person)[0] == 0 && e->now.mono_ms < offer->came_ms + NAME_MS) {
        gx_engine_wake(e, offer->came_ms + NAME_MS);
        return false;
    }
    gx_answers_begin(&b, e, w->client, w->request);
    gx_answers_hex(&b, "invite", w->token.b, sizeof w->token.b);
    gx_answers_hex(&b, "group", g->row.id.b, sizeof g->row.id.b);
    gx_answers_kept(&b, "name", gx_group_name(e, g));
    gx_answers_hex(&b, "member", g->law.persons[person].member.b, 32);
    gx_answers_kept(&b, "alias", gx_person_label(e, g, person));
    gx_answers_number(&b, "members", g->law.now.n_members);
    gx_answers_send(&b);
    return true;
}

static bool has_failed(const struct gx_door *door)
{
    return door != NULL && door->failed;
}

static bool offer_over(struct gx_engine *e, const struct gx_waiter *w)
{
    struct gx_group *g = gx_group_by_gnum(e, w->group);
    uint32_t op = g == NULL ? GX_NONE : gx_group_op(g, &w->token);
    const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);
    uint32_t person = info == NULL ? GX_NONE : who_came(g, op);
    enum gx_deny deny = info == NULL ? GX_DENY_NONE : gx_token_deny(g, info, GX_LAW_NONE);
    static const char again[] = "make another one: guanxi invite --nearby";
    struct gx_answer_builder b;

    if (person != GX_NONE)
        return tell_who(e, w, g, person);
    gx_answers_begin(&b, e, w->client, w->request);
    if (info == NULL || !gx_group_is_member(g))
        gx_answers_refuse(&b, GX_E_ABSENT, NULL, "the invitation is gone: the group was left");
    else if (e->near.offer.n_wrong == GX_NEAR_TRIES_MAX)
        gx_answers_no(&b, "wrong_codes", again, "a wrong code was tried %u times: this one is void, and nobody came in by it", GX_NEAR_TRIES_MAX);
    else if (e->now.mono_ms >= w->until_ms && e->near.offer.proved)
        gx_answers_timeout(&b, "see there what `guanxi join` says", "somebody typed the code and did not come in; it is void now");
    else if (e->now.mono_ms >= w->until_ms)
        gx_answers_timeout(&b, "are both on the same network? Some keep their guests apart, and firewalls close UDP port 7447",
                           "nobody typed the code in time; it is void now");
    else if (deny != GX_DENY_NONE)
        gx_answers_deny(&b, deny, again, "nobody can come in by the code any more: %s", gx_deny_text(deny));
    else if (has_failed(gx_doors_by_token(e, &w->token)))
        gx_answers_no(&b, "no_door", "see the log", "the door that the code leads to could not be opened");
    else
        return false;
    return true;
}

bool gx_near_offer_run(struct gx_engine *e, const struct gx_waiter *w)
{
    bool over = offer_over(e, w);

    if (over)
        gx_engine_wake(e, e->now.mono_ms);      /* to forget the code, and take the invitation back */
    return over;
}

/* The invitation of a code that nobody came in by.  What is written counts with the next step. */
static void revoke(struct gx_engine *e)
{
    struct gx_near *near = &e->near;
    struct gx_group *g = gx_group_by_gnum(e, near->void_group);
    uint32_t op = g == NULL ? GX_NONE : gx_group_op(g, &near->void_token);
    const struct gx_token_info *info = op == GX_NONE ? NULL : gx_group_token(g, op);
    struct gx_body body = {.type = GX_EV_REVOKE, .u.revoke = {.what = GX_REVOKE_TOKEN, .token = near->void_token}};

    if (info == NULL || !gx_group_is_member(g) || gx_token_expired(info->expires_min, e->now)) {
        near->has_void = false;
        return;
    }
    gx_group_settle(e, g);

    enum gx_deny deny = gx_token_deny(g, info, GX_LAW_NONE);

    if (deny == GX_DENY_TOKEN_REVOKED || deny == GX_DENY_TOKEN_USED_UP) {
        near->has_void = false;
        return;
    }
    if (gx_author_write(e, g, &body, NULL, NULL) != GX_OK && e->fault == GX_OK)
        near->has_void = false;
    e->doors_dirty = true;
    gx_engine_wake(e, e->now.mono_ms + VOID_AGAIN_MS);
}

/* --- the joiner -------------------------------------------------------------------------------------------------------------------------- */

/* Six digits, and blanks or a dash between them. */
static bool read_code(struct gx_near_code *out, const char *text)
{
    size_t n = 0;

    for (; *text != 0; text++) {
        bool digit = *text >= '0' && *text <= '9';

        if ((digit && n == GX_NEAR_DIGITS) || (!digit && *text != ' ' && *text != '-'))
            return false;
        if (digit)
            out->digits[n++] = *text;
    }
    return n == GX_NEAR_DIGITS;
}

void gx_near_search(struct gx_answer_builder *b, const struct gx_join_row *row, const struct gx_command *cmd, uint64_t timeout_ms)
{
    struct gx_engine *e = b->e;
    struct gx_near_search *search = &e->near.search;
    struct gx_near_code code = {.digits = {0}};
    struct gx_waiter *w = NULL;

    forget_unwaited(e);
    if (!read_code(&code, cmd->near)) {
        gx_answers_refuse(b, GX_E_USAGE, "it is what `guanxi invite --nearby` shows on the other machine", "a code of this kind is six digits");
        return;
    }
    if (!gx_lan_is_on(e))
        refuse_lan(b);
    else if (search->active)
        gx_answers_refuse(b, GX_E_AGAIN, "interrupt the other `guanxi join --nearby`", "this node looks for a code of six digits already");
    else
        w = gx_waiter_new(e, GX_WAIT_NEAR_SEARCH, b->client, b->request);
    if (w != NULL) {
        gx_waiter_timeout(e, w, timeout_ms);
        *search = (struct gx_near_search){.active = true, .join = *row, .next_ms = e->now.mono_ms};
        gx_near_ask(&search->x, &search->a, &code, e->config.rng);
        gx_engine_wake(e, e->now.mono_ms);
    }
    gx_wipe(&code, sizeof code);
}

static void ask(struct gx_engine *e)
{
    struct gx_near_search *search = &e->near.search;
    struct gx_near_ask ask = {.a = search->a};

    for (uint32_t i = 0; i < e->lan.n_sources; i++) {
        struct gx_wr w = gx_engine_wr(e, GX_NEAR_ASK_BYTES);

        gx_rng_fill(e->config.rng, ask.filler, sizeof ask.filler);
        gx_near_ask_encode(&w, &ask);
        say(e, GX_OUT_BEACON, &e->lan.sources[i], &w);
    }
    search->next_ms = e->now.mono_ms + (search->n_sent < GX_ARRAY_LEN(ask_ms) ? ask_ms[search->n_sent] : ASK_LAST_MS);
    search->n_sent++;
}

/* It was confirmed to as often as may be, and gave nothing. */
static bool is_given_up(const struct gx_engine *e, const struct gx_near_tried *t)
{
    return t->n_sent > GX_ARRAY_LEN(confirm_ms) && e->now.mono_ms >= t->next_ms;
}

static void confirm_at(struct gx_engine *e, const struct gx_near_tried *t, uint32_t place)
{
    struct gx_near_confirm confirm = {.a = e->near.search.a, .proof = t->keys.proof};
    struct gx_wr w = gx_engine_wr(e, GX_NEAR_CONFIRM_BYTES);

    memcpy(confirm.echo, t->b.b, sizeof confirm.echo);
    gx_rng_fill(e->config.rng, confirm.filler, sizeof confirm.filler);
    gx_near_confirm_encode(&w, &confirm);
    say(e, GX_OUT_DATAGRAM, &t->at[place], &w);
    gx_wipe(&confirm, sizeof confirm);
}

static void confirm(struct gx_engine *e, struct gx_near_tried *t)
{
    for (uint32_t i = 0; i < t->n_at; i++)
        confirm_at(e, t, i);
    t->next_ms = e->now.mono_ms + (t->n_sent < GX_ARRAY_LEN(confirm_ms) ? confirm_ms[t->n_sent] : CONFIRM_LAST_MS);
    t->n_sent++;
    gx_engine_wake(e, t->next_ms);
}

/* The same inviter, by another of its addresses; or somebody who heard it, or asked with the same A, and wants it not to be heard. */
static void take_place(struct gx_engine *e, struct gx_near_tried *t, const struct gx_addr *from)
{
    uint32_t place = 0;

    for (uint32_t i = 0; i < t->n_at; i++) {
        if (gx_addr_equal(&t->at[i], from))
            return;
        if (t->at_ms[i] < t->at_ms[place])
            place = i;
    }
    if (t->n_at < GX_NEAR_PLACES_MAX) {
        place = t->n_at++;
    } else if (e->now.mono_ms < t->at_ms[place] + PLACE_MS) {
        gx_engine_drop(e, "near_many");
        return;
    }
    t->at[place] = *from;
    t->at_ms[place] = e->now.mono_ms;
    confirm_at(e, t, place);
}

static void take_reply(struct gx_engine *e, const struct gx_addr *from, const struct gx_near_reply *reply)
{
    struct gx_near_search *search = &e->near.search;
    struct gx_near_tried *t = &search->tried[search->n_tried];

    if (memcmp(reply->echo, search->a.b, sizeof reply->echo) != 0) {
        gx_engine_drop(e, "near_stray");
        return;
    }
    for (uint32_t i = 0; i < search->n_tried; i++)
        if (memcmp(search->tried[i].b.b, reply->b.b, sizeof reply->b.b) == 0) {
            take_place(e, &search->tried[i], from);
            return;
        }
    if (search->n_tried == GX_NEAR_TRIES_MAX) {
        gx_engine_drop(e, "near_many");
        return;
    }
    *t = (struct gx_near_tried){.at = {*from}, .at_ms = {e->now.mono_ms}, .n_at = 1, .b = reply->b};
    if (!gx_near_joiner_keys(&t->keys, &search->x, &search->a, &t->b)) {
        gx_engine_drop(e, "near_point");
        return;
    }
    search->n_tried++;
    confirm(e, t);
}

static void take_gift(struct gx_engine *e, const struct gx_addr *from, const struct gx_near_gift *gift)
{
    struct gx_near_search *search = &e->near.search;
    struct gx_join_row row = search->join;
    uint8_t plain[GX_NEAR_PLAIN_BYTES];
    struct gx_addr at = *from;
    bool opened = false;

    for (uint32_t i = 0; i < search->n_tried && !opened && memcmp(gift->echo, search->a.b, sizeof gift->echo) == 0; i++)
        opened = gx_near_open(plain, &search->tried[i].keys, gift->sealed) && gx_near_plain_decode(&row.token, &at.port, plain) == GX_OK;
    if (opened)
        gx_join_paired(e, waiter_of(e, GX_WAIT_NEAR_SEARCH), &row, &at);
    else
        gx_engine_drop(e, "near_stray");
    gx_wipe(plain, sizeof plain);
    gx_wipe(&row, sizeof row);
}

static bool is_anybody_left(const struct gx_engine *e)
{
    for (uint32_t i = 0; i < e->near.search.n_tried; i++)
        if (!is_given_up(e, &e->near.search.tried[i]))
            return true;
    return e->near.search.n_tried == 0;
}

bool gx_near_search_run(struct gx_engine *e, const struct gx_waiter *w)
{
    bool wrong = !is_anybody_left(e), late = e->now.mono_ms >= w->until_ms;
    struct gx_answer_builder b;

    if (!wrong && !late)
        return false;
    gx_answers_begin(&b, e, w->client, w->request);
    if (wrong)
        gx_answers_refuse(&b, GX_E_SIGNATURE, "look again what is shown there; a code that was tried wrongly five times is void, and a new one is needed",
                          "somebody here shows a code, and it is not this one");
    else
        gx_answers_timeout(&b,
                           "is the code still shown there, and are both on the same network? Some keep their guests apart, and firewalls close UDP port 7447",
                           "nobody answered to this code");
    gx_engine_wake(e, e->now.mono_ms);          /* to forget it */
    return true;
}

/* --- both -------------------------------------------------------------------------------------------------------------------------------- */

void gx_near_take(struct gx_engine *e, const struct gx_input *in)
{
    struct gx_near_ask ask;
    struct gx_near_reply reply;
    struct gx_near_confirm confirm;
    struct gx_near_gift gift;
    bool shows = false, looks = false;
    enum gx_err err = GX_OK;

    forget_unwaited(e);
    shows = e->near.offer.active && !e->near.offer.is_void;
    looks = e->near.search.active;
    if (in->bytes.n == GX_NEAR_ASK_BYTES && shows && (err = gx_near_ask_decode(&ask, in->bytes)) == GX_OK)
        take_ask(e, &in->peer_addr, &ask);
    else if (in->bytes.n == GX_NEAR_REPLY_BYTES && looks && (err = gx_near_reply_decode(&reply, in->bytes)) == GX_OK)
        take_reply(e, &in->peer_addr, &reply);
    else if (in->bytes.n == GX_NEAR_CONFIRM_BYTES && shows && (err = gx_near_confirm_decode(&confirm, in->bytes)) == GX_OK)
        take_confirm(e, &in->peer_addr, &confirm);
    else if (in->bytes.n == GX_NEAR_GIFT_BYTES && looks && (err = gx_near_gift_decode(&gift, in->bytes)) == GX_OK)
        take_gift(e, &in->peer_addr, &gift);
    if (err != GX_OK)
        gx_engine_drop(e, err == GX_E_VERSION ? "lan_version" : "lan_malformed");
}

void gx_near_timer(struct gx_engine *e)
{
    struct gx_near_search *search = &e->near.search;

    forget_unwaited(e);
    if (e->near.has_void)
        revoke(e);
    if (!search->active)
        return;
    if (e->now.mono_ms >= search->next_ms)
        ask(e);
    for (uint32_t i = 0; i < search->n_tried; i++) {
        struct gx_near_tried *t = &search->tried[i];

        if (e->now.mono_ms >= t->next_ms && !is_given_up(e, t))
            confirm(e, t);
        else if (e->now.mono_ms < t->next_ms)
            gx_engine_wake(e, t->next_ms);
    }
    gx_engine_wake(e, search->next_ms);
}
