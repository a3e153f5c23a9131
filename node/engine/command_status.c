#include "node/engine/commands.h"
#include "node/engine/people.h"
#include "node/engine/sealing.h"

static uint32_t sessions_of(const struct gx_engine *e, enum gx_session_kind kind)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < e->n_sessions; i++)
        n += !e->sessions[i]->closed && e->sessions[i]->kind == kind;
    return n;
}

static void put_store(struct gx_answer_builder *b)
{
    uint64_t not_kept = 0;

    struct gx_txn *txn = gx_engine_txn(b->e, false);
    struct gx_store_info info = {0};

    if (txn == NULL)
        return;
    gx_txn_info(txn, &info);
    gx_answers_object(b, "store");
    gx_answers_number(b, "used_bytes", info.used_bytes);
    gx_answers_number(b, "map_bytes", info.map_bytes);
    for (uint32_t i = 0; i < b->e->n_groups; i++)
        not_kept += gx_retain_dropped(b->e->groups[i]);
    gx_answers_number(b, "not_kept", not_kept);
    gx_answers_kept(b, "state", b->e->config.offline ? "read_only" : "ok");
    gx_answers_end(b);
}

/* Events known to be lacking, by group; and messages that are here and whose keys were not looked for yet. */
static void put_syncing(struct gx_answer_builder *b)
{
    uint64_t unopened = 0;

    gx_answers_object(b, "syncing");
    for (uint32_t i = 0; i < b->e->n_groups; i++) {
        struct gx_group *g = b->e->groups[i];
        uint64_t left = gx_repair_left(b->e, g);

        unopened += gx_chains_left(g);

        char *key = left == 0 ? NULL : gx_arena_take(&b->e->arena, GX_HEX_BYTES(sizeof g->row.id.b));

        if (key == NULL)
            continue;
        gx_hex(key, g->row.id.b, gx_group_id_bytes(g));
        gx_answers_number(b, key, left);
    }
    gx_answers_end(b);
    gx_answers_number(b, "unopened", unopened);
}

/* Own messages that nobody else holds, by group. */
static void put_queued(struct gx_answer_builder *b)
{
    gx_answers_object(b, "queued");
    for (uint32_t i = 0; i < b->e->n_groups; i++) {
        struct gx_group *g = b->e->groups[i];
        uint64_t n = gx_messages_unsent(g);
        char *key = n == 0 ? NULL : gx_arena_take(&b->e->arena, GX_HEX_BYTES(sizeof g->row.id.b));

        if (key == NULL)
            continue;
        gx_hex(key, g->row.id.b, gx_group_id_bytes(g));
        gx_answers_number(b, key, n);
    }
    gx_answers_end(b);
}

/* What anybody can check: the signed header of the event at the place of a fork.  Of messages that came in one chunk only the last one's signature was
 * verified: then the headers up to the next one that is truly signed go along, each named by the one behind it. */
static void put_headers(struct gx_answer_builder *b, struct gx_group *g, uint32_t log, uint32_t seq)
{
    uint8_t bytes[GX_EVENT_HDR_MAX + sizeof(struct gx_sig)];

    for (uint32_t end = seq + GX_CHUNK_EVENTS_MAX; seq < end && seq <= g->logs[log].row.head_seq; seq++) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        struct gx_event ev;
        struct gx_body body;

        if (!gx_group_read(b->e, g, &g->logs[log], seq, &ev, &body))
            return;
        gx_event_write_header(&w, &ev);
        gx_wr_bytes(&w, ev.sig.b, sizeof ev.sig.b);
        gx_answers_hex(b, NULL, bytes, w.n);
        if (gx_event_verify(&ev, &g->logs[log].row.device))
            return;
    }
}

/* The branch that holds event `seq`, other than `not`. */
static uint32_t branch_with(const struct gx_group *g, uint32_t not, uint32_t seq)
{
    for (uint32_t i = gx_group_next_branch(g, &g->logs[not].row.id, 0); i != GX_NONE; i = gx_group_next_branch(g, &g->logs[not].row.id, i + 1))
        if (i != not && g->logs[i].row.base_seq < seq && seq <= g->logs[i].row.head_seq)
            return i;
    return GX_NONE;
}

/* Its device has opened logs of another life since this one began. */
static bool is_healed(const struct gx_group *g, uint32_t log)
{
    uint32_t opened = GX_LAW_NONE, person = g->logs[log].person;

    for (uint32_t x = g->law.persons[person].last_by; x != GX_LAW_NONE; x = g->law.nodes[x].by_before)
        if (g->ops[x].type == GX_EV_INCARNATION && memcmp(&g->logs[g->ops[x].log].row.incarnation, &g->logs[log].row.incarnation, 8) == 0)
            opened = x;
    for (uint32_t x = g->law.persons[person].last_by; x != GX_LAW_NONE; x = g->law.nodes[x].by_before)
        if (g->ops[x].type == GX_EV_INCARNATION && g->law.nodes[x].op.device == g->logs[log].device &&
            memcmp(&g->logs[g->ops[x].log].row.incarnation, &g->logs[log].row.incarnation, 8) != 0 &&
            (opened == GX_LAW_NONE || gx_law_past(&g->law, opened, x)))
            return true;
    return false;
}

static void put_fork(struct gx_answer_builder *b, struct gx_group *g, uint32_t log)
{
    uint32_t seq = g->logs[log].row.base_seq + 1, other = branch_with(g, log, seq);

    gx_answers_object(b, NULL);
    gx_answers_hex(b, "group", g->row.id.b, gx_group_id_bytes(g));
    gx_answers_kept(b, "name", gx_group_name(b->e, g));
    gx_answers_hex(b, "member", g->logs[log].row.member.b, 32);
    gx_answers_kept(b, "alias", gx_person_label(b->e, g, g->logs[log].person));
    gx_answers_kept(b, "log", g->logs[log].row.cls == GX_LOG_CONTROL ? "control" : "messages");
    gx_answers_number(b, "at", seq);
    gx_answers_bool(b, "healed", is_healed(g, log));
    gx_answers_list(b, "proof");
    put_headers(b, g, log, seq);
    if (other != GX_NONE)
        put_headers(b, g, other, seq);
    gx_answers_end(b);
    gx_answers_end(b);
}

/* Places at which a member's device wrote two events: a copied home, or a lie. */
static void put_forks(struct gx_answer_builder *b)
{
    uint32_t n = 0;

    gx_answers_list(b, "forked");
    for (uint32_t i = 0; i < b->e->n_groups; i++) {
        struct gx_group *g = b->e->groups[i];

        for (uint32_t k = 0; k < g->n_logs; k++) {
            if (gx_group_next_branch(g, &g->logs[k].row.id, 0) == k)
                continue;
            put_fork(b, g, k);
            n++;
        }
    }
    gx_answers_end(b);
    gx_answers_number(b, "forks", n);
}

void gx_command_status(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;
    uint64_t unread = 0, outbox = 0, groups = 0, contacts = 0;

    for (uint32_t i = 0; i < e->people.n; i++)
        contacts += gx_contact_wanted(&e->people.contacts[i]) && gx_contact_is_met(e, &e->people.contacts[i]);
    for (uint32_t i = 0; i < e->n_groups; i++) {
        groups += !gx_group_is_direct(e->groups[i]);
        unread += gx_messages_unread(e->groups[i]);
        outbox += gx_messages_unsent(e->groups[i]);
    }
    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_object(&b, "peers");
    gx_answers_number(&b, "up", gx_sessions_peers(e));
    gx_answers_number(&b, "known", e->n_targets);
    gx_answers_number(&b, "guest", sessions_of(e, GX_SESSION_DOOR));
    gx_answers_end(&b);
    gx_answers_object(&b, "met");           /* groups that became shared on a session, since the start */
    gx_answers_number(&b, "by_gate", e->met_by_gate);
    gx_answers_number(&b, "by_gate_0", e->met_by_gate_zero);
    gx_answers_end(&b);
    gx_answers_number(&b, "groups", groups);
    gx_answers_number(&b, "contacts", contacts);
    gx_answers_number(&b, "unread", unread);
    gx_answers_number(&b, "outbox", outbox);
    put_queued(&b);
    put_store(&b);
    gx_answers_object(&b, "dropped");
    for (uint32_t i = 0; i < e->n_dropped; i++)
        gx_answers_number(&b, e->dropped[i].name, e->dropped[i].n);
    gx_answers_end(&b);
    put_forks(&b);
    put_syncing(&b);
    gx_answers_send(&b);
}

void gx_command_id(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_answer_builder b;

    gx_answers_begin(&b, e, client, cmd->request);
    gx_answers_hex(&b, "id", e->config.person.id.b, sizeof e->config.person.id.b);
    gx_answers_text(&b, "name", e->config.name);
    gx_answers_kept(&b, "card", gx_card_text(e));
    gx_answers_list(&b, "at");
    for (uint8_t i = 0; i < e->people.door.n_addrs; i++)
        gx_answers_addr(&b, NULL, &e->people.door.addrs[i]);
    gx_answers_end(&b);
    gx_answers_send(&b);
}
