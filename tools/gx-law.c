/* gx-law: the law of a group as a filter, so that anyone can check it.  Operations in, members out.  LAW.md */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/law.h"

enum { EXIT_ILL_FORMED = 2 };

static const char usage[] =
    "Usage: gx-law < OPERATIONS > RESULT\n"
    "\n"
    "Standard input: lines of JSON.  The first: {\"cap\":500,\"qr_max\":100,\"owner\":\"NAME\",\"quota\":32}.\n"
    "Each of the others is one operation, in any order:\n"
    "  op       its name, which stands for the event id (compared bytewise)\n"
    "  author   who wrote it\n"
    "  device   number of the author's device; 0, the default, is the first\n"
    "  kind     CREATE (exactly one, by the owner) ADMIT LEAVE REMOVE BAN UNBAN TOKEN REVOKE PROMOTE DEMOTE TRANSFER CHECKPOINT META\n"
    "  deps     list of names: the heads of the control graph it knew\n"
    "  prev     the control operation before it in its own log, or null\n"
    "  target   whom ADMIT REMOVE BAN UNBAN PROMOTE DEMOTE TRANSFER are about; REVOKE: all tokens of a member\n"
    "  via      ADMIT: QR or INV\n"
    "  token    ADMIT by QR, REVOKE: name of a TOKEN\n"
    "  heads    ADMIT: the control heads named in the join request\n"
    "  uses     TOKEN: how many may join by it; 0: no limit of its own\n"
    "  accepted TRANSFER: true if it holds a valid acceptance\n"
    "\n"
    "Standard output, one JSON object: members (member, rank), count, effective, void (op, and rule: the first question it fails),\n"
    "order, mainline.\n"
    "\n"
    "  -h, --help   this text\n"
    "\n"
    "Exit status: 0, or 2 with the line's number when the input is ill-formed, cyclic, names what is not there, or has more than 100,000\n"
    "operations or 255 deps.\n";

/* An operation as it was read; its place in the law is that of its causal order. */
struct given {
    struct gx_law_op op;            /* token: a number of the input until it is added */
    uint32_t *deps, *heads;
    uint32_t n_deps, n_heads, prev;
    uint32_t depth, looked_at;      /* depth: one more than it is; 0: not known yet.  looked_at: how many edges */
    uint32_t place;
};

struct input {
    struct gx_law law;
    uint32_t cap, qr_max, quota;
    struct given *ops;
    uint32_t n_ops;
    json_t **lines;                 /* one an operation, kept while ids point into them */
    unsigned *line_of;
    uint32_t room;
    json_t *index;                  /* op -> number */
    json_t *persons;                /* name -> number */
    const char **names;             /* number -> name, borrowed from lines and head */
    uint32_t n_persons;
    json_t *head;
    const char *owner;
    unsigned line;                  /* the one being read */
};

_Noreturn static void ill_formed(unsigned line, const char *what)
{
    fprintf(stderr, "gx-law: line %u: %s\n", line, what);
    _exit(EXIT_ILL_FORMED);         /* nothing was written yet; what was read goes with the process */
}

static void *must_have(void *p)
{
    if (p == NULL) {
        fprintf(stderr, "gx-law: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return p;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool is_absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

static const char *text(const struct input *in, const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    const char *s = json_string_value(value);

    if (s == NULL || s[0] == 0)
        ill_formed(in->line, key);
    return s;
}

static uint32_t number(const struct input *in, const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT_MAX)
        ill_formed(in->line, key);
    return (uint32_t)json_integer_value(value);
}

static uint32_t person(struct input *in, const char *name)
{
    const json_t *known = json_object_get(in->persons, name);
    uint32_t n = in->n_persons;

    if (known != NULL)
        return (uint32_t)json_integer_value(known);
    if (json_object_set_new_nocheck(in->persons, name, json_integer(n)) != 0)
        must_have(NULL);
    in->names = must_have(realloc(in->names, (n + 1) * sizeof *in->names));
    in->names[n] = name;
    in->n_persons++;
    return n;
}

static uint32_t find_op(const struct input *in, const char *name)
{
    const json_t *known = name == NULL ? NULL : json_object_get(in->index, name);

    return known == NULL ? GX_LAW_NONE : (uint32_t)json_integer_value(known);
}

/* Names of operations as numbers; those that do not exist end the program (deps) or are left out (heads: they lie in no past). */
static uint32_t *op_list(const struct input *in, uint32_t *n, const json_t *list, const char *key, bool must_exist)
{
    size_t size = json_array_size(list);
    uint32_t *out = must_have(malloc((size + 1) * sizeof *out));

    *n = 0;
    for (size_t i = 0; i < size; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        uint32_t op = find_op(in, name);
        if (name == NULL)
            ill_formed(in->line, key);
        if (op == GX_LAW_NONE && must_exist)
            ill_formed(in->line, "a dep is not there");
        if (op != GX_LAW_NONE)
            out[(*n)++] = op;
    }
    return out;
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

static enum gx_law_kind kind_of(const struct input *in, const char *name)
{
    for (int k = 0; k <= GX_OP_META; k++) {     /* what stands beside the law is written META here */
        if (strcmp(name, gx_law_kind_name((enum gx_law_kind)k)) == 0)
            return (enum gx_law_kind)k;
    }
    ill_formed(in->line, "kind");
}

static void read_token(struct input *in, struct given *given, const json_t *line)
{
    given->op.token = find_op(in, text(in, line, "token"));
}

static void read_admit(struct input *in, struct given *given, const json_t *line)
{
    const char *via = text(in, line, "via");
    const json_t *heads = json_object_get(line, "heads");

    given->op.qr = strcmp(via, "QR") == 0;
    if (!given->op.qr && strcmp(via, "INV") != 0)
        ill_formed(in->line, "via");
    if (given->op.qr)
        read_token(in, given, line);
    if (!is_absent(heads) && !json_is_array(heads))
        ill_formed(in->line, "heads");
    given->heads = op_list(in, &given->n_heads, heads, "heads", false);
}

/* What only some kinds have. */
static void read_kind(struct input *in, struct given *given, const json_t *line)
{
    struct gx_law_op *op = &given->op;
    bool has_target = !is_absent(json_object_get(line, "target"));

    switch ((enum gx_law_kind)op->kind) {
    case GX_OP_ADMIT:
        read_admit(in, given, line);
        break;
    case GX_OP_REMOVE:
    case GX_OP_BAN:
    case GX_OP_UNBAN:
    case GX_OP_PROMOTE:
    case GX_OP_DEMOTE:
        break;
    case GX_OP_TRANSFER:
        if (!json_is_boolean(json_object_get(line, "accepted")))
            ill_formed(in->line, "accepted");
        op->accepted = json_is_true(json_object_get(line, "accepted"));
        break;
    case GX_OP_REVOKE:
        if (has_target == !is_absent(json_object_get(line, "token")))
            ill_formed(in->line, "a REVOKE names a token or a target");
        if (!has_target)
            read_token(in, given, line);
        else
            op->target = person(in, text(in, line, "target"));
        return;
    case GX_OP_TOKEN:
        op->uses = number(in, line, "uses");
        return;
    case GX_OP_CREATE:
        if (strcmp(text(in, line, "author"), in->owner) != 0)
            ill_formed(in->line, "CREATE is the owner's");
        op->target = op->author;
        return;
    case GX_OP_LEAVE:
    case GX_OP_CHECKPOINT:
    case GX_OP_META:
    case GX_OP_ALIAS:
    case GX_OP_BESIDE:
    case GX_OP_COUNT:
        return;
    }
    op->target = person(in, text(in, line, "target"));
}

static void read_edges(struct input *in, struct given *given, const json_t *line)
{
    const json_t *deps = json_object_get(line, "deps"), *prev = json_object_get(line, "prev");

    if (!json_is_array(deps) || json_array_size(deps) > GX_EVENT_DEPS_MAX)
        ill_formed(in->line, "deps");
    given->deps = op_list(in, &given->n_deps, deps, "deps", true);
    if (is_absent(prev))
        return;
    given->prev = find_op(in, text(in, line, "prev"));
    if (given->prev == GX_LAW_NONE)
        ill_formed(in->line, "prev is not there");
    const struct gx_law_op *before = &in->ops[given->prev].op;
    if (before->author != given->op.author || before->device != given->op.device)
        ill_formed(in->line, "prev stands in another log");
}

static void read_op(struct input *in, uint32_t i)
{
    in->line = in->line_of[i];
    read_edges(in, &in->ops[i], in->lines[i]);
    read_kind(in, &in->ops[i], in->lines[i]);
}

/* Names, authors and kinds first: the rest refers to them. */
static void begin_op(struct input *in, json_t *line)
{
    uint32_t n = in->n_ops;

    if (n == GX_GROUP_CONTROL_MAX)
        ill_formed(in->line, "too many operations");
    if (n == in->room) {
        in->room = in->room == 0 ? 1024 : 2 * in->room;
        in->ops = must_have(realloc(in->ops, in->room * sizeof *in->ops));
        in->lines = must_have(realloc(in->lines, in->room * sizeof(json_t *)));
        in->line_of = must_have(realloc(in->line_of, in->room * sizeof *in->line_of));
    }
    const char *name = text(in, line, "op");
    if (find_op(in, name) != GX_LAW_NONE)
        ill_formed(in->line, "two operations of one name");
    if (json_object_set_new_nocheck(in->index, name, json_integer(n)) != 0)
        must_have(NULL);
    in->lines[n] = line;
    in->line_of[n] = in->line;
    in->ops[n] = (struct given){.prev = GX_LAW_NONE,
                                .op = {.target = GX_LAW_NONE, .token = GX_LAW_NONE, .author = person(in, text(in, line, "author")),
                                       .device = is_absent(json_object_get(line, "device")) ? 0 : number(in, line, "device"),
                                       .kind = (uint8_t)kind_of(in, text(in, line, "kind"))}};
    in->n_ops++;
}

static void begin(struct input *in, json_t *line)
{
    in->head = line;
    in->owner = text(in, line, "owner");
    in->cap = number(in, line, "cap");
    in->qr_max = number(in, line, "qr_max");
    in->quota = number(in, line, "quota");
}

static void read_all(struct input *in)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    in->index = must_have(json_object());
    in->persons = must_have(json_object());
    while ((n = getline(&line, &room, stdin)) >= 0) {
        in->line++;
        json_t *value = json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(value))
            ill_formed(in->line, "not a JSON object");
        if (in->head == NULL)
            begin(in, value);
        else
            begin_op(in, value);
    }
    free(line);
    if (in->head == NULL || in->n_ops == 0)
        ill_formed(in->line + 1, "no operations");
    for (uint32_t i = 0; i < in->n_ops; i++)
        read_op(in, i);
}

/* ---- causal order ------------------------------------------------------------------------------------------------ */

static const struct input *sorting;     /* qsort has no place for it */

static int cmp_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *name_of(const struct input *in, uint32_t op)
{
    return json_string_value(json_object_get(in->lines[op], "op"));
}

static int cmp_ops(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    if (sorting->ops[x].depth != sorting->ops[y].depth)
        return sorting->ops[x].depth < sorting->ops[y].depth ? -1 : 1;
    return strcmp(name_of(sorting, x), name_of(sorting, y));
}

static int cmp_op_names(const void *a, const void *b)
{
    return strcmp(name_of(sorting, *(const uint32_t *)a), name_of(sorting, *(const uint32_t *)b));
}

static uint32_t n_edges(const struct given *given)
{
    return given->n_deps + (given->prev != GX_LAW_NONE);
}

static uint32_t edge(const struct given *given, uint32_t i)
{
    return i < given->n_deps ? given->deps[i] : given->prev;
}

static void find_depth(struct input *in, uint32_t start, uint32_t *way)
{
    uint32_t n_way = 0;

    way[n_way++] = start;
    while (n_way > 0) {
        struct given *x = &in->ops[way[n_way - 1]];

        if (x->looked_at == n_edges(x)) {
            uint32_t deepest = 0;
            for (uint32_t i = 0; i < n_edges(x); i++)
                deepest = in->ops[edge(x, i)].depth > deepest ? in->ops[edge(x, i)].depth : deepest;
            x->depth = deepest + 1;
            n_way--;
            continue;
        }
        uint32_t y = edge(x, x->looked_at++);

        if (in->ops[y].depth == 0 && (in->ops[y].looked_at > 0 || &in->ops[y] == x))
            ill_formed(in->line_of[y], "a cycle");
        if (in->ops[y].depth == 0)
            way[n_way++] = y;
    }
}

/* Depth first, with the way back kept: a cycle is met when an operation on the way is met again. */
static uint32_t *causal_order(struct input *in)
{
    uint32_t *order = must_have(malloc(in->n_ops * sizeof *order));

    for (uint32_t i = 0; i < in->n_ops; i++)
        if (in->ops[i].depth == 0)
            find_depth(in, i, order);
    for (uint32_t i = 0; i < in->n_ops; i++) {
        if ((in->ops[i].op.kind == GX_OP_CREATE) != (in->ops[i].depth == 1))
            ill_formed(in->line_of[i], "not exactly one CREATE, from which everything descends");
        order[i] = i;
    }
    sorting = in;
    qsort(order, in->n_ops, sizeof *order, cmp_ops);
    if (in->n_ops > 1 && in->ops[order[1]].depth == 1)
        ill_formed(in->line_of[order[0] > order[1] ? order[0] : order[1]], "not exactly one CREATE, from which everything descends");
    return order;
}

/* Ids are the places of the names among all names, so that they compare as the names do. */
static void give_ids(struct input *in)
{
    uint32_t *by_name = must_have(malloc(in->n_ops * sizeof *by_name));

    for (uint32_t i = 0; i < in->n_ops; i++)
        by_name[i] = i;
    sorting = in;
    qsort(by_name, in->n_ops, sizeof *by_name, cmp_op_names);
    for (uint32_t i = 0; i < in->n_ops; i++)
        for (int k = 0; k < 4; k++)
            in->ops[by_name[i]].op.id.b[k] = (uint8_t)(i >> (24 - 8 * k));
    free(by_name);
}

static void *resize(void *self, void *block, size_t bytes)
{
    (void)self;
    if (bytes > 0)
        return realloc(block, bytes);
    free(block);
    return NULL;
}

static void add(struct input *in, struct given *given)
{
    struct gx_law_edges edges = {.deps = given->deps, .n_deps = given->n_deps, .heads = given->heads, .n_heads = given->n_heads, .prev = GX_LAW_NONE};
    uint32_t token = given->op.token, n = 0;

    for (uint32_t i = 0; i < given->n_deps; i++)
        given->deps[i] = in->ops[given->deps[i]].place;
    for (uint32_t i = 0; i < given->n_heads; i++)       /* those added later lie in no past */
        if (in->ops[given->heads[i]].place != GX_LAW_NONE)
            given->heads[n++] = in->ops[given->heads[i]].place;
    edges.n_heads = n;
    if (given->prev != GX_LAW_NONE)
        edges.prev = in->ops[given->prev].place;
    given->op.token = token == GX_LAW_NONE ? GX_LAW_NONE : in->ops[token].place;
    given->place = in->law.n_ops;
    if (gx_law_add(&in->law, &given->op, &edges) != GX_OK)
        must_have(NULL);
}

static uint32_t *resolve(struct input *in)
{
    static const struct gx_sign_pk nobody;
    uint32_t *order = causal_order(in);

    give_ids(in);
    gx_law_begin(&in->law, &(struct gx_law_memory){.resize = resize}, in->cap, in->qr_max, in->quota);
    for (uint32_t p = 0; p < in->n_persons; p++)
        if (gx_law_add_person(&in->law, &nobody) == GX_LAW_NONE)
            must_have(NULL);
    for (uint32_t i = 0; i < in->n_ops; i++)
        in->ops[i].place = GX_LAW_NONE;
    for (uint32_t i = 0; i < in->n_ops; i++)
        add(in, &in->ops[order[i]]);
    if (gx_law_resolve(&in->law) != GX_OK)
        must_have(NULL);
    return order;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static json_t *op_name(const struct input *in, uint32_t op)
{
    return json_string(name_of(in, op));
}

/* given: the operation of the input at each place of the law. */
static json_t *op_names(const struct input *in, const uint32_t *given, const uint32_t *ops, uint32_t n)
{
    json_t *out = json_array();

    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(out, op_name(in, given[ops[i]]));
    return out;
}

static const char *rank_name(enum gx_rank rank)
{
    return rank == GX_RANK_OWNER ? "owner" : rank == GX_RANK_ADMIN ? "admin" : "member";
}

static json_t *members(const struct input *in)
{
    const char **sorted = must_have(malloc((in->n_persons + 1) * sizeof *sorted));
    uint32_t n = 0;
    json_t *out = json_array();

    for (uint32_t p = 0; p < in->n_persons; p++) {
        if (gx_law_is_member(&in->law, p))
            sorted[n++] = in->names[p];
    }
    qsort(sorted, n, sizeof *sorted, cmp_names);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t p = (uint32_t)json_integer_value(json_object_get(in->persons, sorted[i]));
        json_array_append_new(out, json_pack("{ss, ss}", "member", sorted[i], "rank", rank_name(gx_law_rank(&in->law, p))));
    }
    free(sorted);
    return out;
}

static json_t *answer(const struct input *in, const uint32_t *given)
{
    const struct gx_law_run *run = &in->law.now;
    json_t *effective = json_array(), *voided = json_array();

    for (uint32_t i = 0; i < run->n_order; i++) {
        uint32_t op = run->order[i];
        enum gx_law_rule rule = (enum gx_law_rule)run->results[op].rule;
        if (rule == GX_RULE_NONE)
            json_array_append_new(effective, op_name(in, given[op]));
        else
            json_array_append_new(voided, json_pack("{so, ss}", "op", op_name(in, given[op]), "rule", gx_law_rule_name(rule)));
    }
    return json_pack("{so, si, so, so, so, so}", "members", members(in), "count", (int)run->n_members, "effective", effective, "void", voided,
                     "order", op_names(in, given, run->order, run->n_order), "mainline", op_names(in, given, run->main, run->n_main));
}

static void release(struct input *in)
{
    gx_law_end(&in->law);
    for (uint32_t i = 0; i < in->n_ops; i++) {
        free(in->ops[i].deps);
        free(in->ops[i].heads);
        json_decref(in->lines[i]);
    }
    json_decref(in->head);
    json_decref(in->index);
    json_decref(in->persons);
    free(in->lines);
    free(in->line_of);
    free(in->ops);
    free(in->names);
}

int main(int argc, char **argv)
{
    struct input in = {.line = 0};

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc != 1) {
        fputs(usage, stderr);
        return EXIT_ILL_FORMED;
    }
    read_all(&in);
    uint32_t *given = resolve(&in);
    json_t *out = must_have(answer(&in, given));
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(out);
    free(given);
    release(&in);
    return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : 0;
}
