/* People whom a liar makes up: keys, requests to join, admissions.  They have no node. */
#include "tests/sim/liar.h"

struct sim_made *sim_make_up(struct gx_sim *sim, uint32_t node, const struct gx_group *g)
{
    struct sim_liar *liar = sim->nodes[node].liar;
    struct sim_made *who = liar->n_made == SIM_MADE ? NULL : &liar->made[liar->n_made];
    struct gx_device_seed seed;
    struct gx_incarnation_secret inc;
    struct gx_dh_sk e, prekey_sk, recovery_sk;
    struct gx_dh_pk prekey, recovery;
    struct gx_sign_pk pk;

    if (who == NULL)
        return NULL;
    *who = (struct sim_made){.group = g->row.id};
    sim_liar_bytes(liar, seed.b, sizeof seed.b);
    sim_liar_bytes(liar, inc.b, sizeof inc.b);
    sim_liar_bytes(liar, e.b, sizeof e.b);
    sim_liar_bytes(liar, prekey_sk.b, sizeof prekey_sk.b);
    sim_liar_bytes(liar, recovery_sk.b, sizeof recovery_sk.b);
    gx_dh_public(&prekey, &prekey_sk);
    gx_dh_public(&recovery, &recovery_sk);
    gx_intro_make(&who->intro, &e, &recovery, &seed, &inc, &prekey);
    gx_device_key(&pk, &who->device_sk, &seed, &who->intro.e);
    gx_log_id_make(&who->control.log, &who->intro.member, &who->intro.device, &who->intro.incarnation, GX_LOG_CONTROL);
    gx_log_id_make(&who->messages.log, &who->intro.member, &who->intro.device, &who->intro.incarnation, GX_LOG_MESSAGES);
    who->control.seq = who->messages.seq = 1;
    return who;
}

/* --- codes ------------------------------------------------------------------------------------------------------------------------------------ */

bool sim_has_token(struct gx_sim *sim, uint32_t node, const struct gx_group_id *group, uint8_t uses)
{
    struct sim_liar *liar = sim->nodes[node].liar;
    struct gx_body body = {.type = GX_EV_TOKEN, .u.token = {.uses = uses}};

    if (liar->has_token && gx_group_id_equal(&liar->token_group, group))
        return true;
    sim_liar_bytes(liar, liar->token_seed.b, sizeof liar->token_seed.b);
    gx_token_keys_make(&liar->token_keys, &liar->token_seed, group->b);
    liar->token_expires_min = gx_token_expiry_min(gx_sim_wall_ms(sim) + GX_TOKEN_EXPIRES_DEFAULT_MS);
    body.u.token.expires_min = liar->token_expires_min;
    body.u.token.token_pk = liar->token_keys.pk;
    body.u.token.lan = liar->token_keys.lan;
    liar->token_group = *group;
    liar->has_token = sim_write(sim, node, group, &body, &liar->token);
    return false;
}

/* --- admissions ------------------------------------------------------------------------------------------------------------------------------- */

size_t sim_request(struct sim_liar *liar, const struct sim_made *who, const struct gx_group *g, const struct gx_sign_pk *inviter,
                   uint8_t out[GX_JOIN_REQUEST_MAX], struct gx_join_request *req)
{
    uint8_t bytes[GX_JOIN_REQUEST_MAX];
    struct gx_wr signed_part = gx_wr(bytes, sizeof bytes), w = gx_wr(out, GX_JOIN_REQUEST_MAX);

    *req = (struct gx_join_request){.group = g->row.id, .via = inviter == NULL ? GX_VIA_QR : GX_VIA_INV, .joiner = who->intro};
    if (inviter == NULL)
        req->token = liar->token;
    else
        req->inviter = *inviter;
    gx_join_request_write_signed(&signed_part, req);
    gx_sign(&req->device_sig, &who->device_sk, GX_DOMAIN_JOIN, gx_wr_span(&signed_part));
    if (inviter == NULL)
        gx_sign(&req->token_sig, &liar->token_keys.sk, GX_DOMAIN_JOIN_TOKEN, gx_wr_span(&signed_part));
    gx_join_request_write(&w, req);
    GX_ASSERT(!w.failed);
    return w.n;
}

bool sim_admit(struct gx_sim *sim, uint32_t node, const struct gx_group_id *group, struct sim_made *who, bool by_code)
{
    struct sim_liar *liar = sim->nodes[node].liar;
    struct gx_group *g = sim_group(sim->nodes[node].engine, group);
    struct gx_body body = {.type = GX_EV_ADMIT};
    uint8_t request[GX_JOIN_REQUEST_MAX];
    uint32_t op = GX_NONE;

    if (g == NULL)
        return false;
    body.u.admit.request_bytes = gx_span(request, sim_request(liar, who, g, by_code ? NULL : &g->row.intro.member, request, &body.u.admit.request));
    if (!sim_write(sim, node, group, &body, &who->admit) || (g = sim_group(sim->nodes[node].engine, group)) == NULL)
        return false;
    op = gx_group_op(g, &who->admit);
    if (op == GX_NONE)
        return false;
    sim_place_behind(&who->control, g, op);
    sim_place_behind(&who->messages, g, op);
    liar->n_made += who == &liar->made[liar->n_made];
    return true;
}
