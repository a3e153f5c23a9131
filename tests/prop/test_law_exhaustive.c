/* T1 to T10 (law_theorems.h) over all small histories.
 *
 * All: every history of CREATE and 1 to 4 operations, of every kind that the law knows, that differs from the others by more than what the law cannot see.
 *   Order.    Operations are written in the order (depth, id), with ids that grow; as the law compares ids at equal depths alone, this is every set of
 *             operations with every order of ids, once.
 *   Views.    Each operation is given every causally closed set of those before it as its past.  An operation before it in its own log is an edge like
 *             another, so every fork, and every prev, is among them.
 *   Persons.  The owner; others are named in the order in which they are first mentioned, as many as there is room for: this is everybody, up to renaming.
 *             The owner writes from two devices, the others from one.  A bystander stands for all whose operations count in pasts alone.
 *   Content.  Every author, target, token, joiner and receiver.  A join request names every choice of the joiner's LEAVEs that its admitter knows.
 *             Tokens have one use.
 *   Left out  is what acts in no closed set otherwise than a CHECKPOINT in its place would, which is there: an ADMIT by somebody whose ADMIT it does not
 *             know, an act that needs a rank by somebody of whom it knows neither PROMOTE nor TRANSFER, a TRANSFER outside a log that gives by what it
 *             knows or to somebody whose ADMIT it does not know, the removal or LEAVE of somebody who is nowhere admitted (of the founder: where no
 *             TRANSFER is), a pardon that knows no ban, a TOKEN or REVOKE on which no ADMIT depends, a DEMOTE without a rank to take; and the
 *             bystander's operation that nothing knows.
 * Each under two settings of the caps, and T1 in every causal order of delivery.
 *
 * GX_FULL=1: also CREATE, a TOKEN that everything knows, and 1 to 5 of ADMIT by QR, ADMIT by a member, REMOVE, LEAVE, PROMOTE, CHECKPOINT, all from
 * first devices and without a bystander; where there are 5 of them, T1 in two random orders of delivery. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/prop/law_theorems.h"

#ifdef GX_SLOW
#define OPERATIONS 3
#define SLOW " (fewer in this build)"
#else
#define OPERATIONS 4
#define SLOW ""
#endif

#define EVERY_ORDER_MAX 6u      /* operations, the given ones with them, of which every order is delivered */
#define BYSTANDER 7u

static struct {
    uint32_t caps, qr_max, quota;
} const settings[] = {{2, 2, 2}, {3, 2, 1}};

static struct {
    struct history h;
    uint32_t begun, most;           /* operations given, and in all */
    uint32_t n_mentioned;           /* persons so far, the owner with them */
    bool few_kinds;
    unsigned long long n_dags, n_orders, n_void;
} all;

/* ---- each history ------------------------------------------------------------------------------------------------------------ */

static void deliver_all(const struct history *h, const struct verdict *v, uint8_t *order, uint64_t told, uint32_t n)
{
    uint32_t x;

    if (n == h->n) {
        check_delivery(h, v, order);
        all.n_orders++;
        return;
    }
    for (EACH(x, all_of(h) & ~told)) {
        if ((h->acts[x].past & ~told) != 0)
            continue;
        order[n] = (uint8_t)x;
        deliver_all(h, v, order, told | bit(x), n + 1);
    }
}

static void check_history(struct history *h)
{
    uint8_t order[ACTS_MAX];
    struct verdict v;
    struct ground g;
    uint64_t known = 0;

    resolve_named(h, all_of(h), &v);
    ground_make(&g, h, &v);
    all.n_void += v.effective != v.set;
    if (h->n <= EVERY_ORDER_MAX)
        deliver_all(h, &v, order, 0, 0);
    else
        check_convergence(h, &v, 2, false);
    check_caps(&g);
    check_finality(&g, false);
    check_removal(&g);
    check_ranks(&g);
    check_bans(&g);
    for (uint32_t x = h->n; x-- > 1;) {
        check_liveness(&g, x);
        if (!has(known, x))
            check_last(&g, x);
        known |= h->acts[x].past;
    }
}

/* ---- what can matter ----------------------------------------------------------------------------------------------------------- */

static uint64_t kind_about(uint8_t kind, uint32_t person, uint64_t among)
{
    uint64_t found = 0;
    uint32_t x;

    for (EACH(x, among))
        if (all.h.acts[x].op.kind == kind && about(&all.h.acts[x]) == person)
            found |= bit(x);
    return found;
}

static bool is_admitted(uint32_t person, uint64_t among)
{
    return person == 0 || kind_about(GX_OP_ADMIT, person, among) != 0;
}

static bool may_own(uint32_t person, uint64_t view)
{
    return person == 0 || kind_about(GX_OP_TRANSFER, person, view) != 0;
}

static bool may_rank(uint32_t person, uint64_t view)
{
    return may_own(person, view) || kind_about(GX_OP_PROMOTE, person, view) != 0;
}

static bool may_give(uint32_t person, uint32_t device, uint64_t view)
{
    uint32_t x;

    for (EACH(x, kind_about(GX_OP_TRANSFER, person, view)))
        if (all.h.acts[x].op.to_device == device)
            return true;
    return person == 0 && device == 0;
}

/* By what the operation itself knows. */
static bool can_act(const struct act *act, uint64_t view)
{
    const struct gx_law_op *op = &act->op;

    switch ((enum gx_law_kind)op->kind) {
    case GX_OP_ADMIT:
        return is_admitted(op->author, view) && (!op->qr || is_admitted(all.h.acts[op->token].op.author, view));
    case GX_OP_REMOVE:
    case GX_OP_BAN:
        return may_rank(op->author, view) && op->target != op->author;
    case GX_OP_UNBAN:
        return may_rank(op->author, view) && kind_about(GX_OP_BAN, op->target, view) != 0;
    case GX_OP_REVOKE:
        return may_rank(op->author, view) || (op->target == GX_LAW_NONE ? all.h.acts[op->token].op.author : op->target) == op->author;
    case GX_OP_PROMOTE:
        return may_own(op->author, view) && op->target != op->author && is_admitted(op->target, view);
    case GX_OP_DEMOTE:
        return may_own(op->author, view) && op->target != op->author;
    case GX_OP_TRANSFER:
        return may_give(op->author, op->device, view) && is_admitted(op->target, view);
    case GX_OP_CHECKPOINT:
        return op->author == BYSTANDER || may_give(op->author, op->device, view);
    case GX_OP_LEAVE:
    case GX_OP_TOKEN:
        return true;
    case GX_OP_CREATE:
    case GX_OP_META:
    case GX_OP_ALIAS:
    case GX_OP_BESIDE:
    case GX_OP_COUNT:
        break;
    }
    return false;
}

static bool founder_can_fall(void)
{
    for (uint32_t x = 1; x < all.h.n; x++)
        if (all.h.acts[x].op.kind == GX_OP_TRANSFER && all.h.acts[x].op.target != 0)
            return true;
    return false;
}

static bool is_token_used(uint32_t token)
{
    for (uint32_t x = token + 1; x < all.h.n; x++)
        if (all.h.acts[x].op.kind == GX_OP_ADMIT && all.h.acts[x].op.qr && all.h.acts[x].op.token == token)
            return true;
    return false;
}

static bool revokes_something(uint32_t v)
{
    const struct gx_law_op *op = &all.h.acts[v].op;

    if (op->target == GX_LAW_NONE)
        return is_token_used(op->token);
    for (uint32_t t = 1; t < all.h.n; t++)
        if (all.h.acts[t].op.kind == GX_OP_TOKEN && all.h.acts[t].op.author == op->target && !is_before(&all.h, v, t) && is_token_used(t))
            return true;
    return false;
}

static bool is_known(uint32_t x)
{
    for (uint32_t y = x + 1; y < all.h.n; y++)
        if (is_before(&all.h, x, y))
            return true;
    return false;
}

/* By what else there is. */
static bool matters(uint32_t x)
{
    const struct gx_law_op *op = &all.h.acts[x].op;

    switch ((enum gx_law_kind)op->kind) {
    case GX_OP_ADMIT:
        return op->target != 0 || founder_can_fall();
    case GX_OP_LEAVE:
    case GX_OP_REMOVE:
    case GX_OP_BAN:
        return about(&all.h.acts[x]) == 0 ? founder_can_fall() : is_admitted(about(&all.h.acts[x]), all_of(&all.h));
    case GX_OP_PROMOTE:
        return op->target != 0 || founder_can_fall();
    case GX_OP_DEMOTE:
        return op->target == 0 ? founder_can_fall() : may_rank(op->target, all_of(&all.h));
    case GX_OP_TOKEN:
        return is_token_used(x);
    case GX_OP_REVOKE:
        return revokes_something(x);
    case GX_OP_CHECKPOINT:
        return op->author != BYSTANDER || is_known(x);
    case GX_OP_CREATE:
    case GX_OP_UNBAN:
    case GX_OP_TRANSFER:
    case GX_OP_META:
    case GX_OP_ALIAS:
    case GX_OP_BESIDE:
    case GX_OP_COUNT:
        break;
    }
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------------------- */

static void continue_with_every_operation(void);

static void check_under_every_setting(void)
{
    for (uint32_t x = all.begun; x < all.h.n; x++)
        if (!matters(x))
            return;
    all.h.seed = ++all.n_dags;
    all.h.n_cast = all.few_kinds ? all.n_mentioned : CAST_MAX;
    for (size_t i = 0; i < GX_ARRAY_LEN(settings); i++) {
        all.h.cap = settings[i].caps;
        all.h.qr_max = settings[i].qr_max;
        all.h.quota = settings[i].quota;
        check_history(&all.h);
    }
}

static void put_and_continue(struct act *act, uint64_t view)
{
    uint32_t mentioned = all.n_mentioned, who[2] = {act->op.author, act->op.target};

    if (!can_act(act, view))
        return;
    for (int i = 0; i < 2; i++) {
        if (who[i] == BYSTANDER || who[i] == GX_LAW_NONE)
            continue;
        if (who[i] > all.n_mentioned) {
            all.n_mentioned = mentioned;
            return;                 /* the same history is there with the persons renamed */
        }
        all.n_mentioned += who[i] == all.n_mentioned;
    }
    act->op.id.b[0] = (uint8_t)all.h.n;
    history_put(&all.h, act);
    check_under_every_setting();
    if (all.h.n < all.most)
        continue_with_every_operation();
    all.h.n--;
    all.n_mentioned = mentioned;
}

/* Every choice of the joiner's LEAVEs that a request may have known. */
static void put_with_every_request(struct act *act, uint64_t view)
{
    uint64_t leaves = kind_about(GX_OP_LEAVE, act->op.target, view), some = leaves;

    do {
        act->heads = some;
        if (history_heads(&all.h, some) == some)
            put_and_continue(act, view);
        some = (some - 1) & leaves;
    } while (some != leaves);
}

static void put_with_every_token(struct act *act, uint64_t view)
{
    uint32_t t;

    for (EACH(t, view)) {
        if (all.h.acts[t].op.kind != GX_OP_TOKEN)
            continue;
        act->op.token = t;
        if (act->op.kind == GX_OP_ADMIT)
            put_with_every_request(act, view);
        else
            put_and_continue(act, view);
    }
    act->op.token = GX_LAW_NONE;
}

static void put_with_every_target(struct act *act, uint64_t view)
{
    for (uint32_t u = 0; u < BYSTANDER && u <= all.n_mentioned + 1; u++) {
        act->op.target = u;
        act->op.to_device = act->op.kind == GX_OP_TRANSFER && u == act->op.author ? 1 - act->op.device : 0;
        if (act->op.kind != GX_OP_ADMIT) {
            put_and_continue(act, view);
            continue;
        }
        put_with_every_request(act, view);
        act->op.qr = true;
        put_with_every_token(act, view);
        act->op.qr = false;
    }
    act->op.target = GX_LAW_NONE;
}

static void put_every_content(struct act act, uint64_t view)
{
    static const uint8_t kinds[] = {GX_OP_ADMIT, GX_OP_REMOVE, GX_OP_LEAVE, GX_OP_PROMOTE, GX_OP_CHECKPOINT,
                                    GX_OP_TOKEN, GX_OP_BAN,    GX_OP_UNBAN, GX_OP_REVOKE,  GX_OP_DEMOTE, GX_OP_TRANSFER};

    for (size_t i = 0; i < (all.few_kinds ? 5 : GX_ARRAY_LEN(kinds)); i++) {
        act.op.kind = kinds[i];
        act.op.target = act.op.token = GX_LAW_NONE;
        act.op.accepted = kinds[i] == GX_OP_TRANSFER;
        act.op.uses = kinds[i] == GX_OP_TOKEN;
        if (kinds[i] == GX_OP_LEAVE || kinds[i] == GX_OP_CHECKPOINT || kinds[i] == GX_OP_TOKEN) {
            put_and_continue(&act, view);
            continue;
        }
        if (kinds[i] == GX_OP_REVOKE)
            put_with_every_token(&act, view);
        put_with_every_target(&act, view);
    }
}

static void put_by_everybody(struct act act, uint64_t view)
{
    for (uint32_t a = 0; a < BYSTANDER && a <= all.n_mentioned; a++) {
        act.op.author = a;
        for (act.op.device = 0; act.op.device < (a == 0 && !all.few_kinds ? 2u : 1u); act.op.device++)
            put_every_content(act, view);
    }
    if (all.few_kinds)
        return;
    act.op.author = BYSTANDER;
    act.op.device = 0;
    act.op.kind = GX_OP_CHECKPOINT;
    put_and_continue(&act, view);
}

static void continue_with_every_operation(void)
{
    struct act act = {.op = {.target = GX_LAW_NONE, .token = GX_LAW_NONE}, .prev = GX_LAW_NONE};
    uint64_t given = bit(all.begun) - 1;
    uint32_t x;

    for (uint64_t view = given; view < bit(all.h.n); view++) {
        uint64_t past = 0;
        uint32_t depth = 0;

        if ((view & given) != given)
            continue;
        for (EACH(x, view)) {
            past |= all.h.acts[x].past;
            depth = all.h.acts[x].depth + 1 > depth ? all.h.acts[x].depth + 1 : depth;
        }
        if ((past & ~view) != 0 || depth < all.h.acts[all.h.n - 1].depth)
            continue;
        act.deps = history_heads(&all.h, view);
        put_by_everybody(act, view);
    }
}

static void begin(uint32_t most, bool few_kinds)
{
    struct act act = {.op = {.kind = GX_OP_CREATE, .token = GX_LAW_NONE}, .prev = GX_LAW_NONE};

    memset(&all, 0, sizeof all);
    all.n_mentioned = 1;
    all.few_kinds = few_kinds;
    history_put(&all.h, &act);
    if (few_kinds) {
        act = (struct act){.op = {.kind = GX_OP_TOKEN, .uses = 1, .target = GX_LAW_NONE, .token = GX_LAW_NONE, .id = {.b = {1}}}, .deps = 1, .prev = 0};
        history_put(&all.h, &act);
    }
    all.begun = all.h.n;
    all.most = all.begun + most;
}

static int report(const char *what)
{
    printf("up to %u operations%s: %llu histories of %s, each under %zu settings: %llu deliveries, %llu with something void\n",
           all.most - all.begun, SLOW, all.n_dags, what, GX_ARRAY_LEN(settings),
           all.n_orders, all.n_void);
    assert_true(all.n_dags > 0 && all.n_void > 0);
    return theorems_report();
}

static void test_every_small_history_keeps_the_theorems(void **state)
{
    const char *many = getenv("GX_OPERATIONS");
    (void)state;

    begin(many == NULL ? OPERATIONS : (uint32_t)strtoul(many, NULL, 10), false);
    continue_with_every_operation();
    assert_int_equal(report("CREATE and a few operations of every kind"), 0);
}

static void test_every_history_of_six_kinds_keeps_the_theorems(void **state)
{
    const char *full = getenv("GX_FULL"), *many = getenv("GX_OPERATIONS");
    (void)state;

    if (full == NULL) {
        printf("not asked for: GX_FULL=1 takes 25 minutes\n");
        return;
    }
    pick_from(1);
    begin(many == NULL ? 5 : (uint32_t)strtoul(many, NULL, 10), true);
    continue_with_every_operation();
    assert_int_equal(report("CREATE, TOKEN and a few of ADMIT by QR and by a member, REMOVE, LEAVE, PROMOTE, CHECKPOINT"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_small_history_keeps_the_theorems),
        cmocka_unit_test(test_every_history_of_six_kinds_keeps_the_theorems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
