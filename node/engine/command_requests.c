/* What waits for this person's answer: groups that their owners want to hand over. */
#include "node/engine/commands.h"

#define CANDIDATES_MAX 16u

/* The owner's offer, when it is to this person and was not answered. */
static uint32_t open_offer(const struct gx_group *g)
{
    uint32_t offer = gx_group_is_member(g) ? gx_group_offer(g) : GX_NONE;

    return offer != GX_NONE && g->law.nodes[offer].op.target == g->me && gx_group_reply(g, offer) == GX_NONE ? offer : GX_NONE;
}

static void put_request(struct gx_answer_builder *b, struct gx_group *g, uint32_t offer)
{
    gx_answers_hex(b, "id", g->law.nodes[offer].op.id.b, 32);
    gx_answers_kept(b, "kind", "transfer");
    gx_answers_kept(b, "from", gx_person_label(b->e, g, g->law.nodes[offer].op.author));
    gx_answers_hex(b, "group", g->row.id.b, sizeof g->row.id.b);
    gx_answers_kept(b, "name", gx_group_name(b->e, g));
    gx_answers_number(b, "since_ms", g->ops[offer].wall_ms);
}

void gx_command_requests(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_list(&b, "requests");
    for (uint32_t i = 0; i < e->n_groups; i++) {
        uint32_t offer = open_offer(e->groups[i]);

        if (offer == GX_NONE)
            continue;
        gx_answers_object(&b, NULL);
        put_request(&b, e->groups[i], offer);
        gx_answers_end(&b);
    }
    gx_answers_end(&b);
    gx_answers_send(&b);
}

/* By the id's beginning, by the group's name, or by who asks. */
static bool is_meant(struct gx_engine *e, struct gx_group *g, uint32_t offer, const char *text)
{
    const char *digits = text[0] == ':' ? text + 1 : text, *name = text[0] == '@' ? text + 1 : text;

    if (strlen(digits) >= GX_ID_PREFIX_MIN && gx_hex_prefix(digits, g->law.nodes[offer].op.id.b, 32))
        return true;
    return strcmp(name, gx_person_label(e, g, g->law.nodes[offer].op.author)) == 0 || strcmp(text, gx_group_name(e, g)) == 0;
}

static struct gx_group *find(struct gx_answer_builder *b, const char *text)
{
    struct gx_group *found[CANDIDATES_MAX];
    uint32_t n = 0;

    for (uint32_t i = 0; i < b->e->n_groups && n < CANDIDATES_MAX; i++) {
        uint32_t offer = open_offer(b->e->groups[i]);

        if (offer != GX_NONE && is_meant(b->e, b->e->groups[i], offer, text))
            found[n++] = b->e->groups[i];
    }
    if (n == 1)
        return found[0];
    if (n == 0) {
        gx_answers_refuse(b, GX_E_ABSENT, "see `guanxi requests`", "nothing like that waits for an answer");
        return NULL;
    }
    gx_answers_list(b, "candidates");
    for (uint32_t i = 0; i < n; i++) {
        gx_answers_object(b, NULL);
        put_request(b, found[i], open_offer(found[i]));
        gx_answers_end(b);
    }
    gx_answers_end(b);
    gx_answers_refuse(b, GX_E_AMBIGUOUS, "name it by : and the beginning of its id", "%u requests are meant by that", n);
    return NULL;
}

static void reply(struct gx_engine *e, uint64_t client, const struct gx_command *cmd, enum gx_accept answer)
{
    struct gx_answer_builder b;
    struct gx_body body = {.type = GX_EV_ACCEPT};
    struct gx_sign_pk pk;
    struct gx_sign_sk sk;

    gx_answers_begin(&b, e, client, cmd->request);

    struct gx_group *g = find(&b, cmd->who);

    if (g == NULL)
        return;

    uint32_t offer = open_offer(g);

    body.u.accept.answer = (uint8_t)answer;
    body.u.accept.offer = g->law.nodes[offer].op.id;
    if (answer == GX_ACCEPT_YES) {
        uint8_t bytes[GX_ACCEPT_SIGNED_BYTES];

        gx_author_device_key(e, g, &pk, &sk);
        gx_accept_signed_bytes(bytes, &g->row.id, &body.u.accept.offer, &g->row.intro.member, &pk);
        gx_sign(&body.u.accept.sig, &sk, GX_DOMAIN_ACCEPT, gx_span(bytes, sizeof bytes));
        gx_wipe(&sk, sizeof sk);
    }
    put_request(&b, g, offer);

    enum gx_err err = gx_author_write(e, g, &body, NULL, NULL);

    if (err != GX_OK || e->fault != GX_OK) {
        gx_write_refuse(&b, err);
        return;
    }
    gx_answers_kept(&b, "state", answer == GX_ACCEPT_YES ? "accepted" : "refused");
    gx_answers_send(&b);
}

void gx_command_accept(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    reply(e, client, cmd, GX_ACCEPT_YES);
}

void gx_command_refuse(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    reply(e, client, cmd, GX_ACCEPT_NO);
}
