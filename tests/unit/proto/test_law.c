/* What a node asks the law: names, reasons, and what is left when memory ends.  What the law makes of whole histories is shown by tests/prop/test_law.c
 * and tests/scenarios/law. */
#include "tests/unit/proto/story.h"

#include "proto/law.h"

enum { OLGA, ANN, BOB, CAT, DAN, EVE, CAST };

#define CAP 4u
#define QR_MAX 3u
#define QUOTA 2u

static struct gx_law law;
static uint32_t last;               /* the newest operation */

/* Allocations until the next one fails; counts down. */
static uint64_t n_until_none = UINT64_MAX;
static int64_t n_blocks;

static void *resize(void *self, void *block, size_t bytes)
{
    (void)self;
    if (bytes == 0) {
        n_blocks -= block != NULL;
        free(block);
        return NULL;
    }
    if (n_until_none == 0 || n_until_none-- == 1)
        return NULL;
    n_blocks += block == NULL;
    return realloc(block, bytes);
}

static struct gx_law_op op_of(uint8_t kind, uint32_t author, uint32_t target)
{
    static uint32_t names;
    struct gx_law_op op = {.kind = kind, .author = author, .target = target, .token = GX_LAW_NONE};

    names++;
    for (int i = 0; i < 4; i++)
        op.id.b[i] = (uint8_t)(names >> (24 - 8 * i));
    return op;
}

static enum gx_err try_put(const struct gx_law_op *op, uint32_t dep, uint32_t dep2)
{
    uint32_t deps[] = {dep, dep2}, n = dep == GX_LAW_NONE ? 0 : dep2 == GX_LAW_NONE ? 1 : 2;

    return gx_law_add(&law, op, &(struct gx_law_edges){.deps = deps, .n_deps = n, .heads = deps, .n_heads = n, .prev = GX_LAW_NONE});
}

/* An operation that knows `dep` and its past. */
static uint32_t put_knowing(uint32_t dep, struct gx_law_op op)
{
    assert_int_equal(try_put(&op, dep, GX_LAW_NONE), GX_OK);
    last = law.n_ops - 1;
    return last;
}

/* One that knows the last and its past: everything, where operations follow one another. */
static uint32_t put(uint8_t kind, uint32_t author, uint32_t target)
{
    return put_knowing(last, op_of(kind, author, target));
}

static uint32_t put_token(uint32_t author, uint32_t uses)
{
    struct gx_law_op op = op_of(GX_OP_TOKEN, author, GX_LAW_NONE);

    op.uses = uses;
    return put_knowing(last, op);
}

static struct gx_law_op by_qr(uint32_t author, uint32_t target, uint32_t token)
{
    struct gx_law_op op = op_of(GX_OP_ADMIT, author, target);

    op.qr = true;
    op.token = token;
    return op;
}

static void settle(void)
{
    assert_int_equal(gx_law_settle(&law), GX_OK);
}

static void begin_law(void)
{
    gx_law_begin(&law, &(struct gx_law_memory){.resize = resize}, CAP, QR_MAX, QUOTA);
}

static int begin(void **state)
{
    (void)state;
    begin_law();
    for (uint8_t p = 0; p < CAST; p++)
        assert_int_equal(gx_law_add_person(&law, &(struct gx_sign_pk){.b = {(uint8_t)(CAST - p)}}), p);
    last = GX_LAW_NONE;
    put(GX_OP_CREATE, OLGA, OLGA);
    return 0;
}

static int end(void **state)
{
    (void)state;
    gx_law_end(&law);
    assert_int_equal(n_blocks, 0);
    return 0;
}

static void assert_answer(enum gx_law_rule rule, enum gx_deny deny, struct gx_law_op op)
{
    settle();
    assert_string_equal(gx_law_rule_name(gx_law_ask(&law, &op)), gx_law_rule_name(rule));
    assert_int_equal(gx_law_deny(rule), deny);
}

/* ---- names --------------------------------------------------------------------------------------------------------------- */

static void test_the_alias_in_force_is_the_members_last(void **state)
{
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    put(GX_OP_ALIAS, ANN, GX_LAW_NONE);
    uint32_t second = put(GX_OP_ALIAS, ANN, GX_LAW_NONE);
    settle();
    assert_int_equal(gx_law_alias(&law, ANN), second);
    assert_int_equal(gx_law_alias(&law, OLGA), GX_LAW_NONE);
}

/* Last is said of the order of the law: what the owner has witnessed comes first, however late it is heard. */
static void test_an_alias_that_is_heard_late_is_not_for_that_reason_the_last(void **state)
{
    (void)state;

    uint32_t admit = put(GX_OP_ADMIT, OLGA, ANN);
    uint32_t first = put(GX_OP_ALIAS, ANN, GX_LAW_NONE);
    uint32_t second = put(GX_OP_ALIAS, ANN, GX_LAW_NONE);
    settle();
    assert_int_equal(gx_law_alias(&law, ANN), second);
    uint32_t late = put_knowing(admit, op_of(GX_OP_ALIAS, ANN, GX_LAW_NONE));
    settle();
    assert_int_equal(gx_law_alias(&law, ANN), second);

    put_knowing(second, op_of(GX_OP_CHECKPOINT, OLGA, GX_LAW_NONE));
    settle();
    assert_int_equal(gx_law_alias(&law, ANN), late);
    assert_true(gx_law_is_settled(&law, first) && !gx_law_is_settled(&law, late));
}

static void test_an_alias_by_who_is_no_member_counts_for_nothing(void **state)
{
    (void)state;

    put(GX_OP_ALIAS, ANN, GX_LAW_NONE);
    settle();
    assert_int_equal(gx_law_alias(&law, ANN), GX_LAW_NONE);
    put(GX_OP_ADMIT, OLGA, ANN);
    uint32_t good = put(GX_OP_ALIAS, ANN, GX_LAW_NONE);
    put(GX_OP_REMOVE, OLGA, ANN);
    put(GX_OP_ALIAS, ANN, GX_LAW_NONE);
    settle();
    assert_int_equal(gx_law_alias(&law, ANN), good);
}

static void test_a_title_is_the_last_by_an_admin(void **state)
{
    (void)state;

    uint32_t owners = put(GX_OP_META, OLGA, GX_LAW_NONE);
    put(GX_OP_ADMIT, OLGA, ANN);
    put(GX_OP_META, ANN, GX_LAW_NONE);
    settle();
    assert_int_equal(gx_law_title(&law), owners);
    put(GX_OP_PROMOTE, OLGA, ANN);
    uint32_t anns = put(GX_OP_META, ANN, GX_LAW_NONE);
    settle();
    assert_int_equal(gx_law_title(&law), anns);
    put(GX_OP_DEMOTE, OLGA, ANN);
    put(GX_OP_META, ANN, GX_LAW_NONE);
    settle();
    assert_int_equal(gx_law_title(&law), anns);
}

/* ---- questions ------------------------------------------------------------------------------------------------------------ */

static void test_a_stranger_may_do_nothing(void **state)
{
    (void)state;

    assert_answer(GX_RULE_AUTHOR, GX_DENY_NOT_MEMBER, op_of(GX_OP_ADMIT, ANN, BOB));
    assert_answer(GX_RULE_RANK, GX_DENY_NO_RANK, op_of(GX_OP_REMOVE, ANN, OLGA));
    assert_answer(GX_RULE_RANK, GX_DENY_NO_RANK, op_of(GX_OP_PROMOTE, ANN, ANN));
}

static void test_a_token_must_exist_and_its_maker_be_a_member(void **state)
{
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    uint32_t token = put_token(ANN, 0);
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, by_qr(OLGA, BOB, token));
    assert_answer(GX_RULE_TOKEN, GX_DENY_TOKEN_UNKNOWN, by_qr(OLGA, BOB, GX_LAW_NONE));
    assert_answer(GX_RULE_TOKEN, GX_DENY_TOKEN_UNKNOWN, by_qr(OLGA, BOB, 0));
    put(GX_OP_LEAVE, ANN, GX_LAW_NONE);
    assert_answer(GX_RULE_ISSUER, GX_DENY_TOKEN_REVOKED, by_qr(OLGA, BOB, token));
}

static void test_a_token_ends_by_its_uses_and_by_being_revoked(void **state)
{
    struct gx_law_op revoke = op_of(GX_OP_REVOKE, OLGA, GX_LAW_NONE);
    (void)state;

    uint32_t token = put_token(OLGA, 1);
    put_knowing(last, by_qr(OLGA, ANN, token));
    assert_answer(GX_RULE_USED_UP, GX_DENY_TOKEN_USED_UP, by_qr(OLGA, BOB, token));
    /* Served a second time to who is a member: it takes nothing. */
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, by_qr(OLGA, ANN, token));
    assert_answer(GX_RULE_USED_UP, GX_DENY_TOKEN_USED_UP, by_qr(OLGA, GX_LAW_NONE, token));
    revoke.token = token;
    put_knowing(last, revoke);
    assert_answer(GX_RULE_REVOKED, GX_DENY_TOKEN_REVOKED, by_qr(OLGA, BOB, token));
    assert_answer(GX_RULE_TOKEN, GX_DENY_TOKEN_UNKNOWN, op_of(GX_OP_REVOKE, OLGA, GX_LAW_NONE));
}

static void test_all_tokens_of_a_member_are_revoked_at_once_and_later_ones_are_not(void **state)
{
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    uint32_t before = put_token(ANN, 0);
    put(GX_OP_REVOKE, OLGA, ANN);
    uint32_t after = put_token(ANN, 0);
    assert_answer(GX_RULE_REVOKED, GX_DENY_TOKEN_REVOKED, by_qr(OLGA, BOB, before));
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, by_qr(OLGA, BOB, after));
}

static void test_codes_close_before_the_group_is_full(void **state)
{
    (void)state;

    uint32_t token = put_token(OLGA, 0);
    put(GX_OP_ADMIT, OLGA, ANN);
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, by_qr(OLGA, BOB, token));
    put(GX_OP_ADMIT, OLGA, BOB);
    assert_answer(GX_RULE_QR_CLOSED, GX_DENY_QR_CLOSED, by_qr(OLGA, CAT, token));
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, op_of(GX_OP_ADMIT, OLGA, CAT));
    put(GX_OP_ADMIT, OLGA, CAT);
    assert_answer(GX_RULE_FULL, GX_DENY_FULL, op_of(GX_OP_ADMIT, OLGA, DAN));
    assert_answer(GX_RULE_FULL, GX_DENY_FULL, op_of(GX_OP_ADMIT, OLGA, GX_LAW_NONE));
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, op_of(GX_OP_ADMIT, OLGA, ANN));
}

static void test_a_sponsor_waits_for_the_owner_after_the_quota(void **state)
{
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    put(GX_OP_ADMIT, ANN, BOB);
    put(GX_OP_REMOVE, OLGA, BOB);       /* a seat is free, and a point witnessed it */
    put(GX_OP_ADMIT, ANN, CAT);
    put(GX_OP_ADMIT, CAT, DAN);         /* on the account of who admitted Cat */
    put(GX_OP_LEAVE, DAN, GX_LAW_NONE);
    assert_answer(GX_RULE_QUOTA, GX_DENY_QUOTA, op_of(GX_OP_ADMIT, ANN, EVE));
    assert_answer(GX_RULE_QUOTA, GX_DENY_QUOTA, op_of(GX_OP_ADMIT, CAT, EVE));
    put(GX_OP_CHECKPOINT, OLGA, GX_LAW_NONE);
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, op_of(GX_OP_ADMIT, ANN, EVE));
}

static void test_who_is_banned_comes_back_after_a_pardon_of_the_same_rank(void **state)
{
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    put(GX_OP_PROMOTE, OLGA, ANN);
    uint32_t ban = put(GX_OP_BAN, OLGA, BOB);
    assert_answer(GX_RULE_BANNED, GX_DENY_BANNED, op_of(GX_OP_ADMIT, OLGA, BOB));
    assert_true(gx_law_is_banned(&law, BOB) && !gx_law_is_banned(&law, ANN));
    put(GX_OP_UNBAN, ANN, BOB);
    settle();
    assert_true(gx_law_is_banned(&law, BOB));
    uint32_t refused = put(GX_OP_ADMIT, OLGA, BOB);
    settle();
    assert_int_equal(gx_law_culprit(&law, refused), ban);
    put(GX_OP_UNBAN, OLGA, BOB);
    settle();
    assert_false(gx_law_is_banned(&law, BOB));
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, op_of(GX_OP_ADMIT, OLGA, BOB));
}

static void test_ranks_are_the_owners_to_give_and_only_to_members(void **state)
{
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    assert_answer(GX_RULE_TARGET, GX_DENY_NO_RANK, op_of(GX_OP_PROMOTE, OLGA, BOB));
    assert_answer(GX_RULE_RANK, GX_DENY_NO_RANK, op_of(GX_OP_PROMOTE, OLGA, OLGA));
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, op_of(GX_OP_PROMOTE, OLGA, ANN));
    put(GX_OP_PROMOTE, OLGA, ANN);
    assert_answer(GX_RULE_RANK, GX_DENY_NO_RANK, op_of(GX_OP_DEMOTE, ANN, ANN));
    assert_answer(GX_RULE_RANK, GX_DENY_NO_RANK, op_of(GX_OP_REMOVE, ANN, OLGA));
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, op_of(GX_OP_REMOVE, ANN, BOB));
    settle();
    assert_int_equal(gx_law_rank(&law, ANN), GX_RANK_ADMIN);
    assert_int_equal(gx_law_rank(&law, BOB), GX_RANK_NONE);
}

static void test_the_owner_leaves_only_after_a_transfer(void **state)
{
    struct gx_law_op transfer = op_of(GX_OP_TRANSFER, OLGA, ANN), by_ann = op_of(GX_OP_TRANSFER, ANN, OLGA);
    (void)state;

    transfer.accepted = by_ann.accepted = true;
    assert_answer(GX_RULE_OWNER, GX_DENY_OWNER, op_of(GX_OP_LEAVE, OLGA, GX_LAW_NONE));
    assert_answer(GX_RULE_TARGET, GX_DENY_NO_RANK, transfer);
    put(GX_OP_ADMIT, OLGA, ANN);
    assert_answer(GX_RULE_RANK, GX_DENY_NO_RANK, by_ann);
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, transfer);
    put_knowing(last, transfer);
    settle();
    assert_true(gx_law_is_giver(&law, ANN, 0) && !gx_law_is_giver(&law, ANN, 1) && !gx_law_is_giver(&law, OLGA, 0));
    assert_int_equal(gx_law_rank(&law, OLGA), GX_RANK_ADMIN);
    assert_answer(GX_RULE_OWNER, GX_DENY_OWNER, op_of(GX_OP_LEAVE, ANN, GX_LAW_NONE));
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, op_of(GX_OP_LEAVE, OLGA, GX_LAW_NONE));
}

static void test_an_admin_who_left_has_no_say_though_nobody_witnessed_it(void **state)
{
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    put(GX_OP_PROMOTE, OLGA, ANN);
    put(GX_OP_LEAVE, ANN, GX_LAW_NONE);
    assert_answer(GX_RULE_LEFT, GX_DENY_NO_RANK, op_of(GX_OP_BAN, ANN, BOB));
}

/* A copied request is no consent after a LEAVE; the law says by which. */
static void test_an_old_request_is_not_good_after_leaving(void **state)
{
    struct gx_law_op admit;
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    uint32_t leave = put(GX_OP_LEAVE, ANN, GX_LAW_NONE);
    admit = op_of(GX_OP_ADMIT, OLGA, ANN);
    assert_int_equal(gx_law_add(&law, &admit, &(struct gx_law_edges){.deps = &leave, .n_deps = 1, .heads = (uint32_t[]){0}, .n_heads = 1, .prev = 0}), GX_OK);
    last = law.n_ops - 1;
    settle();
    assert_int_equal(law.now.results[last].rule, GX_RULE_CONSENT);
    assert_int_equal(gx_law_deny(GX_RULE_CONSENT), GX_DENY_NO_RANK);
    assert_int_equal(gx_law_culprit(&law, last), leave);
    assert_answer(GX_RULE_NONE, GX_DENY_NONE, op_of(GX_OP_ADMIT, OLGA, ANN));
}

static void test_every_rule_has_a_name_and_every_operation_too(void **state)
{
    (void)state;

    for (int rule = 1; rule < GX_RULE_COUNT; rule++) {
        assert_true(gx_law_rule_name((enum gx_law_rule)rule)[0] != 0);
        assert_int_not_equal(gx_law_deny((enum gx_law_rule)rule), GX_DENY_NONE);
    }
    for (int kind = 0; kind < GX_OP_COUNT; kind++)
        assert_string_not_equal(gx_law_kind_name((enum gx_law_kind)kind), "?");
    assert_string_equal(gx_law_kind_name(GX_OP_COUNT), "?");
    assert_string_equal(gx_law_rule_name(GX_RULE_COUNT), "?");
    assert_int_equal(gx_law_deny(GX_RULE_MAINLINE), GX_DENY_NO_RANK);
}

/* ---- what ended it --------------------------------------------------------------------------------------------------------- */

static void test_a_membership_ends_by_the_removals_in_effect(void **state)
{
    uint32_t out[8];
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    settle();
    assert_int_equal(gx_law_ending(&law, out, 8, ANN), 0);
    assert_int_equal(gx_law_voucher(&law, ANN), OLGA);
    assert_int_equal(gx_law_voucher(&law, OLGA), GX_LAW_NONE);
    assert_int_equal(gx_law_seat(&law, BOB), GX_LAW_NONE);
    uint32_t removal = put(GX_OP_REMOVE, OLGA, ANN);
    settle();
    assert_int_equal(gx_law_ending(&law, out, 8, ANN), 1);
    assert_int_equal(out[0], removal);
    assert_int_equal(gx_law_ending(&law, out, 0, ANN), 0);
}

/* Two give the last seat away at once.  Who was bumped is given the other admission, which sorts first, and the owner's point. */
static void test_who_was_bumped_is_told_by_whom(void **state)
{
    uint32_t out[8], n, found = 0;
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    uint32_t all = put(GX_OP_ADMIT, OLGA, BOB);
    uint32_t first = put_knowing(all, op_of(GX_OP_ADMIT, ANN, CAT));
    uint32_t second = put_knowing(all, op_of(GX_OP_ADMIT, BOB, DAN));
    settle();
    assert_true(gx_law_is_member(&law, CAT) && !gx_law_is_member(&law, DAN));
    assert_int_equal(law.now.results[second].rule, GX_RULE_FULL);
    n = gx_law_ending(&law, out, 8, DAN);
    for (uint32_t i = 0; i < n; i++)
        found += out[i] == first || out[i] == second || out[i] == all;
    assert_int_equal(found, 3);
    assert_int_equal(gx_law_culprit(&law, second), GX_LAW_NONE);
    assert_int_equal(gx_law_ending(&law, out, 1, DAN), 1);
}

/* Cat left, so a copy of Cat's admission took the token's one use again, before Dan came.  Without the LEAVE nobody could see why. */
static void test_who_was_bumped_is_told_of_the_leave_that_made_it_so(void **state)
{
    uint32_t out[8], n, found = 0;
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    put(GX_OP_ADMIT, OLGA, CAT);
    uint32_t token = put_token(OLGA, 1);
    uint32_t leave = put_knowing(token, op_of(GX_OP_LEAVE, CAT, GX_LAW_NONE));
    put_knowing(token, by_qr(ANN, CAT, token));
    uint32_t bumped = put_knowing(token, by_qr(ANN, DAN, token));
    settle();
    assert_int_equal(law.now.results[bumped].rule, GX_RULE_USED_UP);
    n = gx_law_ending(&law, out, 8, DAN);
    for (uint32_t i = 0; i < n; i++)
        found += out[i] == leave;
    assert_int_equal(found, 1);
}

/* ---- the hash --------------------------------------------------------------------------------------------------------------- */

static void hash(uint8_t out[32])
{
    uint32_t scratch[CAST];

    settle();
    gx_law_state_hash(&law, out, scratch);
}

static void test_the_state_hash_tells_members_ranks_bans_and_names_apart(void **state)
{
    static const struct { uint8_t kind; uint32_t author, target; } steps[] = {
        {GX_OP_ADMIT, OLGA, ANN}, {GX_OP_PROMOTE, OLGA, ANN}, {GX_OP_ALIAS, ANN, GX_LAW_NONE},  {GX_OP_META, OLGA, GX_LAW_NONE},
        {GX_OP_BAN, OLGA, BOB},   {GX_OP_DEMOTE, OLGA, ANN},  {GX_OP_LEAVE, ANN, GX_LAW_NONE},
    };
    uint8_t seen[GX_ARRAY_LEN(steps) + 1][32], same[32];
    (void)state;

    hash(seen[0]);
    for (size_t i = 0; i < GX_ARRAY_LEN(steps); i++) {
        put(steps[i].kind, steps[i].author, steps[i].target);
        hash(seen[i + 1]);
        for (size_t k = 0; k <= i; k++)
            assert_memory_not_equal(seen[k], seen[i + 1], 32);
    }
    put(GX_OP_CHECKPOINT, OLGA, GX_LAW_NONE);       /* changes nothing */
    hash(same);
    assert_memory_equal(seen[GX_ARRAY_LEN(steps)], same, 32);
}

/* ---- bringing up to date ------------------------------------------------------------------------------------------------------ */

/* A removal comes behind the admission in L, in the same unwitnessed stretch, and makes it void all the same. */
static void test_a_removal_heard_later_reaches_back_to_what_its_target_did(void **state)
{
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    put(GX_OP_ADMIT, OLGA, BOB);
    uint32_t all = put(GX_OP_PROMOTE, OLGA, BOB);
    uint32_t admit = put_knowing(all, op_of(GX_OP_ADMIT, ANN, CAT));
    settle();
    assert_true(gx_law_is_member(&law, CAT));
    uint32_t beside = put_knowing(all, op_of(GX_OP_BESIDE, BOB, GX_LAW_NONE));
    uint32_t removal = put_knowing(beside, op_of(GX_OP_REMOVE, BOB, ANN));
    settle();
    assert_true(law.now.results[removal].pos > law.now.results[admit].pos);
    assert_false(gx_law_is_member(&law, CAT) || gx_law_is_member(&law, ANN));
    assert_int_equal(law.now.results[admit].rule, GX_RULE_AUTHOR);
    assert_int_equal(gx_law_culprit(&law, admit), removal);
}

static void test_a_revocation_heard_later_reaches_back_to_who_came_by_the_token(void **state)
{
    struct gx_law_op revoke = op_of(GX_OP_REVOKE, OLGA, GX_LAW_NONE);
    (void)state;

    put(GX_OP_ADMIT, OLGA, ANN);
    uint32_t token = put_token(ANN, 0);
    uint32_t admit = put_knowing(token, by_qr(ANN, CAT, token));
    settle();
    assert_true(gx_law_is_member(&law, CAT));
    revoke.author = ANN;
    revoke.token = token;
    uint32_t beside = put_knowing(token, op_of(GX_OP_BESIDE, ANN, GX_LAW_NONE));
    uint32_t revocation = put_knowing(beside, revoke);
    settle();
    assert_true(law.now.results[revocation].pos > law.now.results[admit].pos);
    assert_int_equal(law.now.results[admit].rule, GX_RULE_REVOKED);
    assert_int_equal(gx_law_culprit(&law, admit), revocation);
    assert_false(gx_law_is_member(&law, CAT));
}

/* Nothing is judged twice where operations follow one another. */
static void test_settling_costs_what_was_added(void **state)
{
    (void)state;

    for (int i = 0; i < 1000; i++) {
        put(GX_OP_BESIDE, ANN, GX_LAW_NONE);
        settle();
    }
    assert_int_equal(law.n_judged, 1001);
}

/* ---- many operations --------------------------------------------------------------------------------------------------------------- */

#define MANY 1700u                  /* some blocks of pasts, and not a whole number of them */

static uint64_t pasts[MANY][MANY / 64 + 1];
static uint32_t rng;

static uint32_t pick(uint32_t n)
{
    rng = rng * 1664525u + 1013904223u;
    return (rng >> 8) % n;
}

static void know(uint64_t *past, uint32_t y)
{
    for (uint32_t w = 0; w <= MANY / 64; w++)
        past[w] |= pasts[y][w];
    past[y / 64] |= 1ull << (y % 64);
}

/* Mostly near the end, at times from anywhere. */
static uint32_t some_dep(uint32_t x)
{
    uint32_t back = pick(8) == 0 ? x : x < 6 ? x : 6;

    return x - 1 - pick(back);
}

static void put_any(struct gx_law *copy)
{
    static const uint8_t kinds[] = {GX_OP_ADMIT,  GX_OP_ADMIT, GX_OP_ADMIT, GX_OP_LEAVE,   GX_OP_REMOVE, GX_OP_BAN,
                                    GX_OP_REVOKE, GX_OP_UNBAN, GX_OP_META,  GX_OP_PROMOTE, GX_OP_BESIDE, GX_OP_CHECKPOINT};
    uint32_t x = law.n_ops, deps[] = {some_dep(x), some_dep(x)};
    struct gx_law_edges edges = {.deps = deps, .n_deps = 2, .heads = deps, .n_heads = 2, .prev = pick(3) == 0 ? some_dep(x) : GX_LAW_NONE};
    struct gx_law_op op = op_of(kinds[pick(GX_ARRAY_LEN(kinds))], pick(3) == 0 ? OLGA : pick(CAST), pick(CAST));

    op.device = op.author == OLGA && pick(3) != 0;
    for (uint32_t i = 0; i < 2; i++)
        know(pasts[x], deps[i]);
    if (edges.prev != GX_LAW_NONE)
        know(pasts[x], edges.prev);
    assert_int_equal(gx_law_add(&law, &op, &edges), GX_OK);
    assert_int_equal(gx_law_add(copy, &op, &edges), GX_OK);
}

static void assert_same_results(const struct gx_law *copy)
{
    for (uint32_t i = 0; i < law.n_ops; i++) {
        assert_int_equal(law.now.results[i].rule, copy->now.results[i].rule);
        assert_int_equal(law.now.results[i].pos, copy->now.results[i].pos);
        assert_int_equal(law.now.results[i].seat, copy->now.results[i].seat);
    }
    for (uint32_t p = 0; p < CAST; p++)
        assert_int_equal(gx_law_rank(&law, p), gx_law_rank(copy, p));
}

static void test_many_operations_have_the_pasts_and_results_of_the_definition(void **state)
{
    struct gx_law copy;
    (void)state;

    rng = 1;
    memset(pasts, 0, sizeof pasts);
    gx_law_begin(&copy, &(struct gx_law_memory){.resize = resize}, CAP, QR_MAX, QUOTA);
    for (uint8_t p = 0; p < CAST; p++)
        assert_int_equal(gx_law_add_person(&copy, &(struct gx_sign_pk){.b = {(uint8_t)(CAST - p)}}), p);
    assert_int_equal(gx_law_add(&copy, &law.nodes[0].op, &(struct gx_law_edges){.prev = GX_LAW_NONE}), GX_OK);
    while (law.n_ops < MANY) {
        put_any(&copy);
        if (pick(5) == 0)
            settle();
    }
    settle();
    for (uint32_t x = 0; x < MANY; x++)
        for (uint32_t y = 0; y < MANY; y++)
            assert_int_equal(gx_law_past(&law, y, x), pasts[x][y / 64] >> (y % 64) & 1);
    assert_int_equal(gx_law_resolve(&copy), GX_OK);
    assert_same_results(&copy);
    gx_law_end(&copy);
}

/* ---- bounds --------------------------------------------------------------------------------------------------------------------- */

/* CREATE, and some of everything that needs memory. */
static enum gx_err write_all(void)
{
    static const struct { uint8_t kind; uint32_t author, target; } steps[] = {
        {GX_OP_ADMIT, OLGA, ANN},   {GX_OP_LEAVE, ANN, GX_LAW_NONE}, {GX_OP_ADMIT, OLGA, ANN},
        {GX_OP_PROMOTE, OLGA, ANN}, {GX_OP_ADMIT, ANN, BOB},         {GX_OP_TRANSFER, OLGA, ANN},
    };
    enum gx_err err = GX_OK;

    for (uint8_t p = 0; p < 40; p++)
        if (gx_law_add_person(&law, &(struct gx_sign_pk){.b = {p}}) == GX_LAW_NONE)
            return GX_E_MEMORY;
    for (uint32_t i = 0; i < 600 && err == GX_OK; i++) {
        struct gx_law_op op = i == 0 ? op_of(GX_OP_CREATE, OLGA, OLGA) : i <= GX_ARRAY_LEN(steps) ?
            op_of(steps[i - 1].kind, steps[i - 1].author, steps[i - 1].target) : op_of(GX_OP_CHECKPOINT, ANN, GX_LAW_NONE);

        op.accepted = op.kind == GX_OP_TRANSFER;
        /* The third admission names no LEAVE; of two operations in a row the second does not know the first. */
        err = gx_law_add(&law, &op, &(struct gx_law_edges){.deps = (uint32_t[]){i < 8 ? i - 1 : i - 1 - i % 2}, .n_deps = i > 0, .prev = GX_LAW_NONE});
        if (err == GX_OK && i % 7 == 0)
            err = gx_law_settle(&law);
    }
    return err == GX_OK ? gx_law_resolve(&law) : err;
}

static void test_without_memory_at_any_time_an_error_is_all_there_is(void **state)
{
    enum gx_err err = GX_E_MEMORY;
    uint64_t n = 0;
    (void)state;

    gx_law_end(&law);
    while (err != GX_OK) {
        n_until_none = ++n;
        begin_law();
        err = write_all();
        n_until_none = UINT64_MAX;
        gx_law_end(&law);
        assert_int_equal(n_blocks, 0);
        assert_true(err == GX_OK || err == GX_E_MEMORY);
    }
    assert_true(n > 50);
}

static void test_a_group_has_an_end(void **state)
{
    struct gx_law_op op = op_of(GX_OP_BESIDE, OLGA, GX_LAW_NONE);
    (void)state;

    while (law.n_ops < GX_GROUP_CONTROL_MAX)
        put(GX_OP_BESIDE, OLGA, GX_LAW_NONE);
    assert_int_equal(try_put(&op, last, GX_LAW_NONE), GX_E_TOO_BIG);
    settle();
    assert_int_equal(law.now.n_main, GX_GROUP_CONTROL_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_alias_in_force_is_the_members_last),
        TEST(test_an_alias_that_is_heard_late_is_not_for_that_reason_the_last),
        TEST(test_an_alias_by_who_is_no_member_counts_for_nothing),
        TEST(test_a_title_is_the_last_by_an_admin),
        TEST(test_a_stranger_may_do_nothing),
        TEST(test_a_token_must_exist_and_its_maker_be_a_member),
        TEST(test_a_token_ends_by_its_uses_and_by_being_revoked),
        TEST(test_all_tokens_of_a_member_are_revoked_at_once_and_later_ones_are_not),
        TEST(test_codes_close_before_the_group_is_full),
        TEST(test_a_sponsor_waits_for_the_owner_after_the_quota),
        TEST(test_who_is_banned_comes_back_after_a_pardon_of_the_same_rank),
        TEST(test_ranks_are_the_owners_to_give_and_only_to_members),
        TEST(test_the_owner_leaves_only_after_a_transfer),
        TEST(test_an_admin_who_left_has_no_say_though_nobody_witnessed_it),
        TEST(test_an_old_request_is_not_good_after_leaving),
        TEST(test_every_rule_has_a_name_and_every_operation_too),
        TEST(test_a_membership_ends_by_the_removals_in_effect),
        TEST(test_who_was_bumped_is_told_by_whom),
        TEST(test_who_was_bumped_is_told_of_the_leave_that_made_it_so),
        TEST(test_the_state_hash_tells_members_ranks_bans_and_names_apart),
        TEST(test_a_removal_heard_later_reaches_back_to_what_its_target_did),
        TEST(test_a_revocation_heard_later_reaches_back_to_who_came_by_the_token),
        TEST(test_settling_costs_what_was_added),
        TEST(test_many_operations_have_the_pasts_and_results_of_the_definition),
        TEST(test_without_memory_at_any_time_an_error_is_all_there_is),
        TEST(test_a_group_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
