#include "node/engine/commands.h"

static uint32_t sessions_of(const struct gx_engine *e, enum gx_session_kind kind)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_sessions; i++)
        n += !e->sessions[i]->closed && e->sessions[i]->kind == kind;
    return n;
}

static void put_store(struct gx_answer_builder *b)
{
    struct gx_txn *txn = gx_engine_txn(b->e, false);
    struct gx_store_info info = {0};

    if (txn == NULL)
        return;
    gx_txn_info(txn, &info);
    gx_answers_object(b, "store");
    gx_answers_number(b, "used_bytes", info.used_bytes);
    gx_answers_number(b, "map_bytes", info.map_bytes);
    gx_answers_kept(b, "state", b->e->config.offline ? "read_only" : "ok");
    gx_answers_end(b);
}

/* Events known to be lacking, by group. */
static void put_syncing(struct gx_answer_builder *b)
{
    gx_answers_object(b, "syncing");
    for (uint32_t i = 0; i < b->e->n_groups; i++) {
        struct gx_group *g = b->e->groups[i];
        uint64_t left = gx_repair_left(b->e, g);
        char *key = left == 0 ? NULL : gx_arena_take(&b->e->arena, GX_HEX_BYTES(sizeof g->row.id.b));

        if (key == NULL)
            continue;
        gx_hex(key, g->row.id.b, gx_group_id_bytes(g));
        gx_answers_number(b, key, left);
    }
    gx_answers_end(b);
}

void gx_command_status(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    uint64_t unread = 0, outbox = 0;

    for (uint32_t i = 0; i < e->n_groups; i++) {
        unread += gx_messages_unread(e->groups[i]);
        outbox += gx_messages_unsent(e->groups[i]);
    }
    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_object(&b, "peers");
    gx_answers_number(&b, "up", gx_sessions_peers(e));
    gx_answers_number(&b, "known", e->n_targets);
    gx_answers_number(&b, "guest", sessions_of(e, GX_SESSION_DOOR));
    gx_answers_end(&b);
    gx_answers_number(&b, "groups", e->n_groups);
    gx_answers_number(&b, "unread", unread);
    gx_answers_number(&b, "outbox", outbox);
    put_store(&b);
    gx_answers_object(&b, "dropped");
    for (uint32_t i = 0; i < e->n_dropped; i++)
        gx_answers_number(&b, e->dropped[i].name, e->dropped[i].n);
    gx_answers_end(&b);
    gx_answers_number(&b, "forks", gx_engine_dropped(e, gx_err_name(GX_E_FORK)));
    put_syncing(&b);
    gx_answers_send(&b);
}

void gx_command_id(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_hex(&b, "id", e->config.person.id.b, sizeof e->config.person.id.b);
    gx_answers_text(&b, "name", e->config.name);
    gx_answers_send(&b);
}
