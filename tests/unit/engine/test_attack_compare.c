/* Two nodes that compare what they hold by one number, and one of them lies, or the line between them is slow.  WIRE §6.30 to §6.32 */
#include "tests/unit/engine/attack.h"

#define SECOND 1000u
#define MINUTE 60000u

/* --- what goes over the line ---------------------------------------------------------------------------------------------------------- */

static struct {
    unsigned sums[NET_NODES], buckets[NET_NODES], frontiers[NET_NODES];      /* by who sent them */
} seen;

static bool count(struct net *net, int from, int to, struct gx_span bytes)
{
    struct gx_frame f;

    if (net->cut[from][to] || gx_frame_decode(&f, bytes) != GX_OK)
        return false;
    seen.sums[from] += f.kind == GX_FRAME_SUM;
    seen.buckets[from] += f.kind == GX_FRAME_BUCKETS;
    seen.frontiers[from] += f.kind == GX_FRAME_FRONTIER;
    return true;
}

/* So many others hold the newest message of node i, as it shows. */
static uint32_t held_by(struct net *net, int i)
{
    const struct gx_group *g = tea(net, i);
    uint32_t by = 0, of = 0;

    gx_messages_held(g, g->logs[g->own_messages].row.head_seq, &by, &of);
    return by;
}


static void say_sum(struct net *net, int from, int to, uint8_t flags, const uint8_t sum[GX_SUM_BYTES])
{
    uint16_t channel = channel_number(net, from, to);
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    gx_frame_write_sum(&w, flags, &channel, 1, sum);
    inject(net, from, to, gx_wr_span(&w));
    net_settle(net);
}

/* A question that nothing can be the same as. */
static void say_other(struct net *net, int from, int to)
{
    static const uint8_t other[GX_SUM_BYTES] = {1};

    say_sum(net, from, to, GX_SUM_ASK, other);
}

/* --- who says what the other one said --------------------------------------------------------------------------------------------------- */

/* WIRE §6.30: "each knows that the other holds the heads that it holds, which acknowledges its own messages too". */

static bool echoes(struct net *net, int from, int to, struct gx_span bytes)
{
    uint8_t echo[GX_FRAME_BYTES_MAX];

    if (from == 0 && (bytes.p[0] == GX_FRAME_CHUNKS || bytes.p[0] == GX_FRAME_FRONTIER))
        return false;
    if (from != 0 || (bytes.p[0] != GX_FRAME_SUM && bytes.p[0] != GX_FRAME_BUCKETS))
        return count(net, from, to, bytes);
    memcpy(echo, bytes.p, bytes.n);
    if (echo[0] == GX_FRAME_SUM)
        echo[1] = 0;                    /* no question any more: an answer */
    (void)count(net, from, to, bytes);
    inject(net, 1, 0, gx_span(echo, bytes.n));
    return false;
}

static void test_who_echoes_a_sum_acknowledges_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    net_send(net, 0, "tea", "which it has");
    net_run(net, 5 * MINUTE);
    assert_int_equal(held_by(net, 0), 1);
    memset(&seen, 0, sizeof seen);
    net->pass = echoes;
    net_send(net, 0, "tea", "which nobody gets");
    net_run(net, 90 * SECOND);
    assert_true(seen.sums[0] > 0);
    assert_int_equal(held_by(net, 0), 0);
    net_free(net);
}

static void test_who_echoes_digests_acknowledges_nothing(void **state)
{
    char token[600];
    struct net *net = tea_of(2, 2, token);

    (void)state;
    net_send(net, 0, "tea", "which it has");
    net_run(net, 5 * MINUTE);
    assert_int_equal(held_by(net, 0), 1);
    memset(&seen, 0, sizeof seen);
    net->pass = echoes;
    net_send(net, 0, "tea", "which nobody gets");
    say_other(net, 1, 0);
    assert_true(seen.buckets[0] > 0);
    assert_int_equal(held_by(net, 0), 0);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_echoes_a_sum_acknowledges_nothing),
        cmocka_unit_test(test_who_echoes_digests_acknowledges_nothing),
    };

    return cmocka_run_group_tests_name("engine/attack_compare", tests, NULL, NULL);
}
