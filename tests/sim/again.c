/* What a node says of a group is what it says after having read its store anew: a second engine does, beside the one that runs, which goes on as if
 * nothing was. */
#include "tests/sim/internal.h"

#include <stdio.h>

struct said {
    char state[65], messages[65];
};

static struct gx_command show_group(const struct gx_group_id *id, char where[66])
{
    where[0] = ':';
    gx_hex(where + 1, id->b, sizeof id->b);
    return (struct gx_command){.method = GX_CMD_GROUP_SHOW, .group = where, .given = 1u << GX_PARAM_GROUP};
}

static void ask(struct gx_sim *sim, uint32_t i, const struct gx_group_id *id, struct said *out)
{
    struct gx_sim_reply reply;
    char where[66];

    *out = (struct said){.state = ""};
    (void)gx_sim_ask(sim, &reply, i, show_group(id, where), 0);
    (void)gx_sim_value(&reply, out->state, sizeof out->state, "state_hash");
    (void)gx_sim_value(&reply, out->messages, sizeof out->messages, "messages_hash");
}

static void note(char out[65], const struct gx_answer *answer, const char *key)
{
    const struct gx_value *v = gx_answer_find(answer, key);

    snprintf(out, 65, "%s", v == NULL || v->text == NULL ? "" : v->text);
}

/* The second engine does nothing but answer: no effect of it goes anywhere. */
static void ask_again(struct gx_engine *e, struct gx_time now, const struct gx_group_id *id, struct said *out)
{
    char where[66];
    struct gx_command cmd = show_group(id, where);
    struct gx_input in = {.kind = GX_IN_COMMAND, .now = now, .command = &cmd};
    struct gx_effects effects = {.n = 0};

    *out = (struct said){.state = ""};
    if (gx_engine_step(e, &effects, &in, 1) != GX_OK)
        return;
    for (size_t k = 0; k < effects.n; k++)
        if (effects.list[k].kind == GX_OUT_ANSWER) {
            note(out->state, effects.list[k].answer, "state_hash");
            note(out->messages, effects.list[k].answer, "messages_hash");
        }
}

static struct gx_engine *read_anew(struct gx_sim *sim, uint32_t i, struct gx_rng_stream *rng)
{
    static const uint8_t seed[32];          /* of the tables' hashes alone */
    struct gx_engine_config config = sim->nodes[i].config;
    struct gx_engine *e = NULL;

    gx_rng_stream_init(rng, seed);
    config.rng = &rng->rng;
    config.offline = true;
    return gx_engine_new(&e, &config, sim_time(sim, &sim->nodes[i])) == GX_OK ? e : NULL;
}

static void check_node(struct gx_sim *sim, uint32_t i)
{
    const struct gx_engine *e = sim->nodes[i].engine;
    struct gx_rng_stream rng;
    struct gx_engine *again = read_anew(sim, i, &rng);

    if (again == NULL)
        sim_violated(sim, GX_SIM_STATE, i, "its store cannot be read anew");
    for (uint32_t k = 0; again != NULL && k < e->n_groups; k++) {
        struct said now, anew;

        if (!e->groups[k]->has_create || !gx_group_is_member(e->groups[k]))
            continue;
        ask(sim, i, &e->groups[k]->row.id, &now);
        ask_again(again, sim_time(sim, &sim->nodes[i]), &e->groups[k]->row.id, &anew);
        sim->counts.read_anew++;
        if (now.state[0] == 0 || strcmp(now.state, anew.state) != 0 || strcmp(now.messages, anew.messages) != 0)
            sim_violated(sim, GX_SIM_STATE, i, "it says %.16s %.16s, and having read its store anew %.16s %.16s", now.state, now.messages, anew.state,
                         anew.messages);
    }
    gx_engine_free(again);
}

void sim_check_again(struct gx_sim *sim)
{
    for (uint32_t i = 0; i < sim->options.n_nodes; i++)
        if (sim->nodes[i].up && sim_is_honest(sim, i))
            check_node(sim, i);
}
