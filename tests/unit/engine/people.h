/* People with cards: scanning, answering, talking, in a net of engines. */
#ifndef GX_TEST_ENGINE_PEOPLE_H
#define GX_TEST_ENGINE_PEOPLE_H

#include "node/engine/people.h"
#include "proto/card.h"
#include "tests/unit/engine/net.h"

static inline bool tell(struct net *net, int i, enum gx_method method, const char *who, const char *keep)
{
    struct gx_command cmd = {.method = method, .who = who, .given = 1u << GX_PARAM_WHO};

    return net_ask(net, i, cmd, keep, 0);
}

static inline void card_of(struct net *net, int i, char card[600])
{
    struct gx_command cmd = {.method = GX_CMD_ID};

    assert_true(net_ask(net, i, cmd, "card", 0));
    snprintf(card, 600, "%s", net->node[i].text);
}

/* Node i scans the card of node `of`. */
static inline bool scan(struct net *net, int i, int of)
{
    char card[600];
    struct gx_command cmd = {.method = GX_CMD_CONTACT_ADD, .token = card, .given = 1u << GX_PARAM_TOKEN};

    card_of(net, of, card);
    return net_ask(net, i, cmd, "state", 0);
}

static inline uint64_t waiting(struct net *net, int i)
{
    struct gx_command cmd = {.method = GX_CMD_REQUESTS};
    uint64_t n = 0;

    assert_true(net_ask(net, i, cmd, "kind", 0));
    for (const char *at = net->node[i].all; (at = strstr(at, "kind=")) != NULL; at++)
        n++;
    return n;
}

static inline const char *state(struct net *net, int i, const char *who)
{
    return tell(net, i, GX_CMD_CONTACT_SHOW, who, "state") ? net->node[i].text : net->node[i].error;
}

/* How many texts node i reads from `where`. */
static inline uint64_t texts(struct net *net, int i, const char *where)
{
    struct gx_command cmd = {.method = GX_CMD_READ, .group = where, .given = 1u << GX_PARAM_GROUP};
    uint64_t n = 0;

    assert_true(net_ask(net, i, cmd, "text", 0));
    for (const char *at = net->node[i].all; (at = strstr(at, "text=")) != NULL; at++)
        n++;
    return n;
}

static inline void befriend(struct net *net, int a, int b)
{
    char who[16];

    assert_true(scan(net, a, b));
    net_run(net, 3000);
    snprintf(who, sizeof who, "n%d", a);
    assert_true(tell(net, b, GX_CMD_ACCEPT, who, "state"));
    net_run(net, 5000);
}

static inline bool invite_contact(struct net *net, int i, const char *group, const char *who)
{
    struct gx_command cmd = {.method = GX_CMD_INVITE, .group = group, .who = who, .given = (1u << GX_PARAM_GROUP) | (1u << GX_PARAM_WHO)};

    return net_ask(net, i, cmd, "state", 0);
}

#endif
