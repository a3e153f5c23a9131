/* Small simulated worlds: a group with a code that everybody may use, and what people do in it. */
#ifndef GX_TEST_SIM_WORLD_H
#define GX_TEST_SIM_WORLD_H

#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define GIVEN_GROUP (1u << GX_PARAM_GROUP)

static inline bool act(struct gx_sim *sim, uint32_t node, enum gx_method method, const char *who)
{
    struct gx_sim_reply reply;
    struct gx_command cmd = {.method = method, .group = "tea", .who = who, .yes = true,
                             .given = GIVEN_GROUP | (who == NULL ? 0 : 1u << GX_PARAM_WHO) | (method == GX_CMD_GROUP_REMOVE ? 1u << GX_PARAM_YES : 0)};

    return gx_sim_ask(sim, &reply, node, cmd, 0);
}

static inline bool say(struct gx_sim *sim, uint32_t node, const char *text)
{
    struct gx_sim_reply reply;
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = "tea", .text = text, .given = GIVEN_GROUP | 1u << GX_PARAM_TEXT};

    return gx_sim_ask(sim, &reply, node, cmd, 0);
}

/* Each of nodes first to end - 1 says n messages, one a second. */
static inline void talk(struct gx_sim *sim, uint32_t first, uint32_t end, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = first; i < end; i++) {
            (void)say(sim, i, "word");
            gx_sim_run(sim, 1000);
        }
}

static inline bool join(struct gx_sim *sim, uint32_t node, const char *token)
{
    struct gx_sim_reply reply;
    struct gx_command cmd = {.method = GX_CMD_JOIN, .token = token, .given = 1u << GX_PARAM_TOKEN};

    return gx_sim_ask(sim, &reply, node, cmd, 5000);
}

/* What a node says of its group. */
static inline uint64_t shows(struct gx_sim *sim, uint32_t node, const char *key)
{
    struct gx_sim_reply reply;
    struct gx_command cmd = {.method = GX_CMD_GROUP_SHOW, .group = "tea", .given = GIVEN_GROUP};
    char value[80];

    return gx_sim_ask(sim, &reply, node, cmd, 0) && gx_sim_value(&reply, value, sizeof value, key) ? strtoull(value, NULL, 10) : 0;
}

/* n0 founds tea, shows a code and lets n1 to n(members - 1) in. */
static inline struct gx_sim *tea_in(const struct gx_sim_options *options, uint32_t members, uint64_t cap, uint64_t qr_max, char token[600])
{
    struct gx_command found = {.method = GX_CMD_GROUP_NEW, .name = "tea", .cap = cap, .qr_max = qr_max,
                               .given = 1u << GX_PARAM_NAME | 1u << GX_PARAM_CAP | 1u << GX_PARAM_QR_MAX};
    struct gx_command invite = {.method = GX_CMD_INVITE, .group = "tea", .given = GIVEN_GROUP};
    struct gx_sim_reply reply;
    struct gx_sim *sim = NULL;

    assert_int_equal(gx_sim_new(&sim, options), GX_OK);
    assert_true(gx_sim_ask(sim, &reply, 0, found, 0));
    assert_true(gx_sim_ask(sim, &reply, 0, invite, 3000));
    assert_true(gx_sim_value(&reply, token, 600, "token"));
    for (uint32_t i = 1; i < members; i++)
        assert_true(join(sim, i, token));
    gx_sim_run(sim, 20000);
    return sim;
}

/* n nodes, likewise. */
static inline struct gx_sim *tea_of(uint64_t seed, uint32_t n, uint32_t members, uint64_t cap, uint64_t qr_max, char token[600])
{
    return tea_in(&(struct gx_sim_options){.seed = seed, .n_nodes = n}, members, cap, qr_max, token);
}

/* Every rule held; what did not is printed. */
static inline void assert_held(struct gx_sim *sim)
{
    size_t n = 0;
    const struct gx_sim_violation *v = gx_sim_violations(sim, &n);

    for (size_t i = 0; i < n; i++)
        print_message("%s at %llu ms, n%d: %s\n", gx_sim_oracle_name(v[i].oracle), (unsigned long long)v[i].at_ms, (int)v[i].node, v[i].text);
    assert_int_equal(n, 0);
}

/* Healed, at rest, and everything that must be so then. */
static inline void assert_heals(struct gx_sim *sim)
{
    gx_sim_heal(sim);
    gx_sim_run(sim, 900000);
    (void)gx_sim_check(sim);
    assert_held(sim);
}

#endif
