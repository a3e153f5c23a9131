/* Admission against the caps, as a state space: every interleaving of writing and hearing, every order of ids.  proto/LAW.md, "The full law".
 *
 * What is modelled.  Three nodes: of the owner (0), of an admin (1), and of a joiner (2), who admits others once it is a member by its own view.
 * Joiners 3 and 4 have no node.  All begin with the same four operations: CREATE, the owner's ADMIT and PROMOTE of 1, and a TOKEN made by 1.  From
 * there a node may at any time
 *   - hear an operation whose past it has.  Nothing bounds how long it waits, so every delay, reordering and partition is an interleaving;
 *   - if it is a member by its own view: admit anybody who is none, by invitation or by the TOKEN, when its view has room for them;
 *   - if it is the owner's: remove a member, or write a CHECKPOINT when there is something that the owner has not witnessed;
 *   - if it is the admin's, and it knows of no removal of the admin: remove a member of no rank.
 * Until OPS operations were written, at most LOG by one author.  After each move the mover's view is resolved, and asked:
 *   CAP_HOLDS      never more members than CAP
 *   QR_CAP_HOLDS   nor than QR_MAX, if nobody came by invitation
 *   CONVERGENCE    nodes that have the same operations have the same members, by the same operations
 *   FINALITY       what the owner had witnessed as effective or void is so today, and a member then is one today, unless removed since
 *   OWN_ACT        what its author's view allowed is effective in that view
 * The moves are Promela, and Resolve, a function of the state, is C; nothing that C keeps between two moves is read by the next.
 *
 * What makes it small and still faithful.
 *   - An operation is what it says and its past.  Signatures, encodings and the network are not here: the law is a function of that alone.
 *   - An id is a place among the operations of the same depth, chosen freely when it is written: L compares ids of one depth only.  A log is a
 *     chain, so at one depth there are at most three.
 *   - The owner has one device that does not fork, so the mainline is the owner's log: all its operations are comparable (§6).
 *   - Nobody is promoted later, so an admin's REMOVE is void for one reason: the owner's REMOVE of the admin at a point before its S (§7).
 *   - Joiners 3 and 4 are alike: 4 knocks only when 3 was admitted once.
 *   - That what is left of Resolve is the law's is not taken on trust: admission.py gives samples of the views to tests/vectors/law_model.py.
 * CONVERGENCE would hold of anything that never looks at the order of arrival.  This Resolve is given that order and sorts what it is given: were L
 * not a total order, equal operations would stay as they came.  BY_ARRIVAL shows that the states are there in which it matters.
 *
 * What is left out.  LEAVE, BAN, REVOKE, later PROMOTEs, TRANSFER, uses and quotas, nodes that write against their view or backdate, forks:
 * prop/law_random has them, at random; here a smaller law is searched whole.  Nor does this say anything of more nodes, operations or seats than
 * are here: two seats are free, one of which a QR code cannot have, and three nodes and three joiners want them.
 *
 * Variants, by a define:
 *   (none)       the law
 *   NAIVE        "count my members, then admit"; the members are those of all ADMITs.  Nobody is removed
 *   BY_ARRIVAL   an ablation: ADMITs are replayed in the order in which they came
 *   BY_DEPTH     an ablation: in the order (depth, id), without what the owner has witnessed
 *   ASK=n        only the assertions of these bits are asked, so that an ablation is shown to break the one it should
 *   SETS         the order of arrival is no part of a state, so that one more operation fits; CONVERGENCE says nothing then
 *   SAMPLE=n     each n-th view that was resolved is printed as a line of JSON
 *   OPS=n, CAP=n, QR_MAX=n */
#define CAP_HOLDS 1
#define QR_CAP_HOLDS 2
#define CONVERGENCE 4
#define FINALITY 8
#define OWN_ACT 16
#ifndef ASK
#define ASK 31
#endif
#ifndef OPS
#define OPS 4
#endif
#define NODES 3
#define LOG 3
#define SLOTS 9         /* NODES * LOG */
#define PERSONS 5
#ifndef CAP
#define CAP 4
#endif
#ifndef QR_MAX
#define QR_MAX 3
#endif
#define OWNER 0
#define ADMIN 1
#define ISSUER 1        /* of the TOKEN that everybody has */

#define NOTHING 0
#define CHECKPOINT 1
#define REMOVE 2
#define BY_INVITATION 3
#define BY_QR 4

/* An operation is a slot: LOG slots an author, in the order of its log, so that it is one state whoever wrote first elsewhere. */
byte kind[SLOTS]
byte target[SLOTS]
byte depth[SLOTS]       /* above the three that all begin with */
byte place[SLOTS]       /* the id: where it stands among those of the same depth */
short past[SLOTS]       /* a bit for each slot */
short known[NODES]
byte written
#ifndef SETS
byte arrival[NODES * OPS]   /* slot + 1, in the order in which each node has them */
#endif

c_code {
enum { UNWITNESSED = 99, FOUNDING = -1 };
enum verdict { EFFECTIVE, NO_AUTHOR, NO_ISSUER, FULL, QR_CLOSED, NO_RANK };

struct view {
    int slots[SLOTS], n;            /* L */
    int set, effective, seats;      /* slots, as bits */
    int members;                    /* persons, as bits */
    enum verdict verdict[SLOTS];
};

/* Of the last move; written and read within one step, so no part of a state. */
static struct view view;
static int wrote;

/* What the search met.  It counts moves, and is no part of a state either. */
static struct {
    long resolved, full, contested, qr_closed, qr_contested, duplicate, no_author, no_issuer, no_rank, kept_out, returned, same_set;
    long seat_by_witness, author_by_witness;
} met;

static int has(int bits, int at) { return bits >> at & 1; }
static int count(int bits) { return __builtin_popcount((unsigned)bits); }
static int is_admit(int x) { return now.kind[x] == BY_INVITATION || now.kind[x] == BY_QR; }
static int concurrent(int x, int y) { return x != y && !has(now.past[x], y) && !has(now.past[y], x); }

/* LAW §6: S.  The owner's log is the mainline. */
static int witnessed(int set, int x)
{
    for (int c = OWNER * LOG; c < (OWNER + 1) * LOG; c++)
        if (has(set, c) && (c == x || has(now.past[c], x)))
            return c;
    return UNWITNESSED;
}

/* LAW §6: L. */
static int earlier(int set, int x, int y)
{
#if defined(BY_ARRIVAL)
    return 0;
#elif !defined(BY_DEPTH)
    int sx = witnessed(set, x), sy = witnessed(set, y);

    if (sx != sy)
        return sx < sy;
#endif
    return now.depth[x] != now.depth[y] ? now.depth[x] < now.depth[y] : now.place[x] < now.place[y];
}

static void insert(struct view *v, int x)
{
    int at = v->n++;

    for (; at > 0 && earlier(v->set, x, v->slots[at - 1]); at--)
        v->slots[at] = v->slots[at - 1];
    v->slots[at] = x;
}

static void sort(struct view *v, int node)
{
    v->n = 0;
#ifdef SETS
    for (int x = 0; x < SLOTS; x++)
        if (has(v->set, x))
            insert(v, x);
#else
    for (int i = node * OPS; i < (node + 1) * OPS && now.arrival[i] != 0; i++)
        if (has(v->set, now.arrival[i] - 1))
            insert(v, now.arrival[i] - 1);
#endif
}

/* LAW §7: does this REMOVE cost an admin the rank? */
static int is_demotion(int x) { return now.kind[x] == REMOVE && now.target[x] == ADMIN && x / LOG == OWNER; }

/* LAW §7.  The owner's REMOVEs are its own points, so that S is their slot; those that a REMOVE knows come before its S anyway. */
static int has_rank(int set, int x)
{
    for (int c = OWNER * LOG; x / LOG != OWNER && c < (OWNER + 1) * LOG; c++)
        if (has(set, c) && is_demotion(c) && c < witnessed(set, x))
            return 0;
    return 1;
}

static int removals_of(const struct view *v, int set, int person)
{
    int bits = 0;

    for (int x = 0; x < SLOTS; x++)
        if (has(v->effective & set, x) && now.kind[x] == REMOVE && now.target[x] == person)
            bits |= 1 << x;
    return bits;
}

static int past_of(int x) { return x == FOUNDING ? 0 : now.past[x]; }
static int admits(int x, int person) { return x == FOUNDING ? person <= 1 : is_admit(x) && now.target[x] == person; }

/* LAW §8: "every effective removal of j in its past", of those in `set`. */
static int is_member(const struct view *v, int set, int person)
{
    int removals = removals_of(v, set, person);

    for (int a = FOUNDING; a < SLOTS; a++)
        if ((a == FOUNDING || has(v->effective & set, a)) && admits(a, person) && (removals & ~past_of(a)) == 0)
            return 1;
    return 0;
}

static int members(const struct view *v, int set)
{
    int bits = 0;

    for (int person = 0; person < PERSONS; person++)
        bits |= is_member(v, set, person) << person;
    return bits;
}

static int is_harmless(int set, int r, int a, int x)
{
    return has(past_of(a), r) || has(now.past[r], x) || witnessed(set, x) < witnessed(set, r);
}

/* LAW §8: AUTHOR-OK(x, person). */
static int author_ok(const struct view *v, int x, int person)
{
    int removals = removals_of(v, v->set, person);

    for (int a = FOUNDING; a < SLOTS; a++) {
        int ok = admits(a, person) && (a == FOUNDING || has(v->effective & now.past[x], a));

        for (int r = 0; ok && r < SLOTS; r++)
            ok = !has(removals, r) || is_harmless(v->set, r, a, x);
        if (ok)
            return 1;
    }
    return 0;
}

static enum verdict judge(struct view *v, int before, int x)
{
    int now_members = members(v, before), qr = now.kind[x] == BY_QR;

    if (!author_ok(v, x, x / LOG))
        return NO_AUTHOR;
    if (qr && !author_ok(v, x, ISSUER))
        return NO_ISSUER;
    if (has(now_members, now.target[x]))
        return EFFECTIVE;
    if (count(now_members) >= CAP)
        return FULL;
    if (qr && count(now_members) >= QR_MAX)
        return QR_CLOSED;
    v->seats |= 1 << x;
    return EFFECTIVE;
}

/* Resolve, of `set` as `node` came to know it. */
static void resolve(struct view *v, int node, int set)
{
    memset(v, 0, sizeof *v);
    v->set = set;
    sort(v, node);
    for (int x = 0; x < SLOTS; x++)
        if (has(set, x) && now.kind[x] == REMOVE) {
            v->verdict[x] = has_rank(set, x) ? EFFECTIVE : NO_RANK;
            v->effective |= (v->verdict[x] == EFFECTIVE) << x;
        }
    for (int i = 0, before = 0; i < v->n; before |= 1 << v->slots[i++]) {
        int x = v->slots[i];

        if (!is_admit(x))
            continue;
#ifndef NAIVE
        v->verdict[x] = judge(v, before, x);
#endif
        v->effective |= (v->verdict[x] == EFFECTIVE) << x;
    }
    v->members = members(v, set);
}

/* What a node asks before it writes. */
static int may_admit(int me, int person, int how)
{
    struct view v;

    if (now.written == OPS || now.kind[me * LOG + LOG - 1] != NOTHING)
        return 0;
    if (person == PERSONS - 1) {    /* joiners without a node are alike: the last comes after the one before it */
        int seen = 0;

        for (int x = 0; x < SLOTS; x++)
            seen |= is_admit(x) && now.target[x] == person - 1;
        if (!seen)
            return 0;
    }
    resolve(&v, me, now.known[me]);
    return has(v.members, me) && !has(v.members, person) && count(v.members) < CAP &&
           (how != BY_QR || (count(v.members) < QR_MAX && has(v.members, ISSUER)));
}

static int may_remove(int me, int person)
{
    struct view v;

#ifdef NAIVE
    return 0;
#endif
    if ((me != OWNER && (me != ADMIN || person == ADMIN)) || now.written == OPS || now.kind[me * LOG + LOG - 1] != NOTHING)
        return 0;
    for (int x = 0; me == ADMIN && x < SLOTS; x++)
        if (has(now.known[me], x) && is_demotion(x))
            return 0;
    resolve(&v, me, now.known[me]);
    return has(v.members, person);
}

static int may_checkpoint(int me)
{
#ifdef NAIVE
    return 0;
#endif
    if (me != OWNER || now.written == OPS || now.kind[me * LOG + LOG - 1] != NOTHING)
        return 0;
    for (int x = 0; x < SLOTS; x++)
        if (has(now.known[me], x) && witnessed(now.known[me], x) == UNWITNESSED)
            return 1;
    return 0;
}

static int may_hear(int me, int x)
{
    return now.kind[x] != NOTHING && !has(now.known[me], x) && (now.past[x] & ~now.known[me]) == 0;
}

static int depth_over(int set)
{
    int most = 0;

    for (int x = 0; x < SLOTS; x++)
        if (has(set, x) && now.depth[x] > most)
            most = now.depth[x];
    return most + 1;
}

static int rivals(int me)
{
    int n = 0;

    for (int x = 0; x < SLOTS; x++)
        n += now.kind[x] != NOTHING && now.depth[x] == depth_over(now.known[me]);
    return n;
}

static void keep(int me, int x)
{
#ifndef SETS
    now.arrival[me * OPS + count(now.known[me])] = x + 1;
#endif
    now.known[me] |= 1 << x;
}

static int put(int me, int what, int person, int at)
{
    int x = me * LOG;

    while (now.kind[x] != NOTHING)
        x++;
    now.depth[x] = depth_over(now.known[me]);
    for (int y = 0; y < SLOTS; y++)
        if (now.kind[y] != NOTHING && now.depth[y] == now.depth[x] && now.place[y] >= at)
            now.place[y]++;
    now.kind[x] = what;
    now.target[x] = person;
    now.place[x] = at;
    now.past[x] = now.known[me];
    now.written++;
    keep(me, x);
    return x;
}

/* The assertions. */

static int cap_holds(void) { return count(view.members) <= CAP; }

static int qr_cap_holds(void)
{
    for (int x = 0; x < SLOTS; x++)
        if (has(view.effective, x) && now.kind[x] == BY_INVITATION)
            return 1;
    return count(view.members) <= QR_MAX;
}

/* Two nodes that have the same operations have the same members, by the same operations. */
static int converges(int me)
{
    for (int node = 0; node < NODES; node++) {
        struct view other;

        if (node == me || now.known[node] != now.known[me])
            continue;
        resolve(&other, node, now.known[node]);
        if (other.members != view.members || other.effective != view.effective)
            return 0;
#ifndef SETS
        met.same_set += memcmp(&now.arrival[me * OPS], &now.arrival[node * OPS], OPS) != 0;
#endif
    }
    return 1;
}

/* What the owner had witnessed is today as it was then; and who was a member then is one, unless removed since. */
static int is_final(int me)
{
    for (int c = OWNER * LOG; c < (OWNER + 1) * LOG; c++) {
        struct view then;

        if (!has(view.set, c))
            continue;
        resolve(&then, me, now.past[c] | 1 << c);
        if ((view.effective & then.set) != then.effective)
            return 0;
        for (int person = 0; person < PERSONS; person++)
            if (has(then.members, person) && !has(view.members, person) && (removals_of(&view, view.set, person) & ~then.set) == 0)
                return 0;
    }
    return 1;
}

/* What was allowed by its author's view is effective there. */
static int own_act_counts(int x) { return now.kind[x] == CHECKPOINT || has(view.effective, x); }

static int is_contested(int x)
{
    for (int y = 0; y < SLOTS; y++)
        if (has(view.seats, y) && concurrent(x, y))
            return 1;
    return 0;
}

static int is_late(int x)
{
    for (int y = 0; y < SLOTS; y++)
        if (has(view.seats, y) && witnessed(view.set, y) < witnessed(view.set, x) &&
            (now.depth[x] != now.depth[y] ? now.depth[x] < now.depth[y] : now.place[x] < now.place[y]))
            return 1;
    return 0;
}

/* It stands though its author was removed by one that did not know of it: it was witnessed first. */
static int is_author_by_witness(int x)
{
    int removals = removals_of(&view, view.set, x / LOG) & ~now.past[x];

    for (int r = 0; r < SLOTS; r++)
        if (has(removals, r) && !has(now.past[r], x))
            return 1;
    return 0;
}

#ifdef SAMPLE
/* For admission.py, which has it judged by another. */
static void sample(void)
{
    const char *separator = "";

    if (met.resolved % SAMPLE != 0)
        return;
    printf("{\"members\": %d, \"ops\": [", view.members);
    for (int x = 0; x < SLOTS; x++)
        if (has(view.set, x)) {
            printf("%s[%d, %d, %d, %d, %d, %d, %d]", separator, x, now.kind[x], now.target[x], now.depth[x], now.place[x], now.past[x],
                   (int)view.verdict[x]);
            separator = ", ";
        }
    printf("]}\n");
}
#endif

static void look_around(void)
{
    met.resolved++;
    for (int x = 0; x < SLOTS; x++) {
        if (!has(view.set, x))
            continue;
        enum verdict verdict = view.verdict[x];
        met.no_rank += verdict == NO_RANK;
        if (!is_admit(x))
            continue;
        int removals = removals_of(&view, view.set, now.target[x]);
        met.full += verdict == FULL;
        met.contested += verdict == FULL && count(view.members) == CAP && is_contested(x);
        met.qr_closed += verdict == QR_CLOSED;
        met.qr_contested += verdict == QR_CLOSED && count(view.members) == QR_MAX && is_contested(x);
        met.duplicate += verdict == EFFECTIVE && !has(view.seats, x);
        met.no_author += verdict == NO_AUTHOR;
        met.no_issuer += verdict == NO_ISSUER;
        met.kept_out += verdict == EFFECTIVE && !has(view.members, now.target[x]);
        met.returned += verdict == EFFECTIVE && has(view.members, now.target[x]) && removals != 0;
        met.seat_by_witness += verdict == FULL && is_late(x);
        met.author_by_witness += verdict == EFFECTIVE && is_author_by_witness(x);
    }
#ifdef SAMPLE
    sample();
#endif
}

static void say_what_was_met(void)
{
#define SAY(what) printf("met %-18s %ld\n", #what, met.what)
    SAY(resolved);
    SAY(full);
    SAY(contested);
    SAY(qr_closed);
    SAY(qr_contested);
    SAY(duplicate);
    SAY(no_author);
    SAY(no_issuer);
    SAY(no_rank);
    SAY(kept_out);
    SAY(returned);
    SAY(same_set);
    SAY(seat_by_witness);
    SAY(author_by_witness);
}
}

/* After each move, of the mover's view.  Spin takes a bare call in a c_expr for a side effect; in parentheses it is believed. */
#define CHECK                                                                   \
    c_code {                                                                    \
        resolve(&view, Pnode->me, now.known[Pnode->me]);                        \
        look_around();                                                          \
    };                                                                          \
    assert(c_expr { (!(ASK & CAP_HOLDS) || cap_holds()) });                     \
    assert(c_expr { (!(ASK & QR_CAP_HOLDS) || qr_cap_holds()) });               \
    assert(c_expr { (!(ASK & CONVERGENCE) || converges(Pnode->me)) });          \
    assert(c_expr { (!(ASK & FINALITY) || is_final(Pnode->me)) })

/* An id is any place among those of the same depth. */
#define WRITES(may, what, person, say)                                          \
    :: atomic {                                                                 \
        c_expr { (may) } ->                                                     \
        c_code { Pnode->places = rivals(Pnode->me); };                          \
        do                                                                      \
        :: at < places -> at++                                                  \
        :: break                                                                \
        od;                                                                     \
        d_step {                                                                \
            c_code { wrote = put(Pnode->me, what, person, Pnode->at); };        \
            say;                                                                \
            at = 0;                                                             \
            places = 0;                                                         \
            CHECK;                                                              \
            assert(c_expr { (!(ASK & OWN_ACT) || own_act_counts(wrote)) })      \
        }                                                                       \
    }
#define ADMITS(person)                                                          \
    WRITES(may_admit(Pnode->me, person, BY_INVITATION), BY_INVITATION, person,  \
           printf("move: node %d admits %d by invitation\n", me, person))       \
    WRITES(may_admit(Pnode->me, person, BY_QR), BY_QR, person,                  \
           printf("move: node %d admits %d by QR\n", me, person))
#define REMOVES(person)                                                         \
    WRITES(may_remove(Pnode->me, person), REMOVE, person, printf("move: node %d removes %d\n", me, person))
#define HEARS(x)                                                                \
    :: d_step {                                                                 \
        c_expr { (may_hear(Pnode->me, x)) } ->                                  \
        c_code { keep(Pnode->me, x); };                                         \
        printf("move: node %d hears operation %d of %d\n", me, x % LOG, x / LOG); \
        CHECK                                                                   \
    }

proctype node(byte me)
{
    byte at, places;
end:
    do
    ADMITS(1) ADMITS(2) ADMITS(3) ADMITS(4)
    REMOVES(1) REMOVES(2) REMOVES(3) REMOVES(4)
    WRITES(may_checkpoint(Pnode->me), CHECKPOINT, 0, printf("move: node %d writes a CHECKPOINT\n", me))
    HEARS(0) HEARS(1) HEARS(2) HEARS(3) HEARS(4) HEARS(5) HEARS(6) HEARS(7) HEARS(8)
    od
}

init
{
    atomic {
        c_code { atexit(say_what_was_met); };
        run node(0);
        run node(1);
        run node(2)
    }
}
