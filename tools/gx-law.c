/* gx-law: the law of a group as a filter, so that anyone can check it.  Operations in, members out.  LAW.md, "The full law". */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/resolve.h"

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

struct input {
    struct gx_resolve law;
    json_t **lines;                 /* one an operation, kept while ids point into them */
    unsigned *line_of;
    uint32_t room;
    json_t *index;                  /* op -> number */
    json_t *persons;                /* name -> number */
    const char **names;             /* number -> name, borrowed from lines and head */
    json_t *head;
    const char *owner;
    unsigned line;                  /* the one being read */
};

_Noreturn static void ill_formed(unsigned line, const char *what)
{
    fprintf(stderr, "gx-law: line %u: %s\n", line, what);
    exit(EXIT_ILL_FORMED);
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
    uint32_t n = in->law.n_persons;

    if (known != NULL)
        return (uint32_t)json_integer_value(known);
    if (json_object_set_new_nocheck(in->persons, name, json_integer(n)) != 0)
        must_have(NULL);
    in->names = must_have(realloc(in->names, (n + 1) * sizeof *in->names));
    in->names[n] = name;
    in->law.n_persons++;
    return n;
}

static uint32_t find_op(const struct input *in, const char *name)
{
    const json_t *known = name == NULL ? NULL : json_object_get(in->index, name);

    return known == NULL ? GX_RESOLVE_NONE : (uint32_t)json_integer_value(known);
}

/* Names of operations as numbers; those that do not exist end the program (deps) or are left out (heads: they lie in no past). */
static const uint32_t *op_list(const struct input *in, uint32_t *n, const json_t *list, const char *key, bool must_exist)
{
    size_t size = json_array_size(list);
    uint32_t *out = must_have(malloc((size + 1) * sizeof *out));

    *n = 0;
    for (size_t i = 0; i < size; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        uint32_t op = find_op(in, name);
        if (name == NULL)
            ill_formed(in->line, key);
        if (op == GX_RESOLVE_NONE && must_exist)
            ill_formed(in->line, "a dep is not there");
        if (op != GX_RESOLVE_NONE)
            out[(*n)++] = op;
    }
    return out;
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

static enum gx_resolve_kind kind_of(const struct input *in, const char *name)
{
    for (int k = 0; k < GX_OP_COUNT; k++) {
        if (strcmp(name, gx_resolve_kind_name((enum gx_resolve_kind)k)) == 0)
            return (enum gx_resolve_kind)k;
    }
    ill_formed(in->line, "kind");
}

static void read_token(struct input *in, struct gx_resolve_op *op, const json_t *line)
{
    op->token = find_op(in, text(in, line, "token"));
}

static void read_admit(struct input *in, struct gx_resolve_op *op, const json_t *line)
{
    const char *via = text(in, line, "via");
    const json_t *heads = json_object_get(line, "heads");

    op->qr = strcmp(via, "QR") == 0;
    if (!op->qr && strcmp(via, "INV") != 0)
        ill_formed(in->line, "via");
    if (op->qr)
        read_token(in, op, line);
    if (!is_absent(heads) && !json_is_array(heads))
        ill_formed(in->line, "heads");
    op->heads = op_list(in, &op->n_heads, heads, "heads", false);
}

/* What only some kinds have. */
static void read_kind(struct input *in, struct gx_resolve_op *op, const json_t *line)
{
    bool has_target = !is_absent(json_object_get(line, "target"));

    switch (op->kind) {
    case GX_OP_ADMIT:
        read_admit(in, op, line);
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
            read_token(in, op, line);
        else
            op->target = person(in, text(in, line, "target"));
        return;
    case GX_OP_TOKEN:
        op->uses = number(in, line, "uses");
        return;
    case GX_OP_CREATE:
        if (strcmp(text(in, line, "author"), in->owner) != 0)
            ill_formed(in->line, "CREATE is the owner's");
        return;
    case GX_OP_LEAVE:
    case GX_OP_CHECKPOINT:
    case GX_OP_META:
    case GX_OP_COUNT:
        return;
    }
    op->target = person(in, text(in, line, "target"));
}

static void read_edges(struct input *in, struct gx_resolve_op *op, const json_t *line)
{
    const json_t *deps = json_object_get(line, "deps"), *prev = json_object_get(line, "prev");

    if (!json_is_array(deps) || json_array_size(deps) > GX_EVENT_DEPS_MAX)
        ill_formed(in->line, "deps");
    op->deps = op_list(in, &op->n_deps, deps, "deps", true);
    if (is_absent(prev))
        return;
    op->prev = find_op(in, text(in, line, "prev"));
    if (op->prev == GX_RESOLVE_NONE)
        ill_formed(in->line, "prev is not there");
    const struct gx_resolve_op *before = &in->law.ops[op->prev];
    if (before->author != op->author || before->device != op->device)
        ill_formed(in->line, "prev stands in another log");
}

static void read_op(struct input *in, uint32_t i)
{
    struct gx_resolve_op *op = &in->law.ops[i];

    in->line = in->line_of[i];
    read_edges(in, op, in->lines[i]);
    read_kind(in, op, in->lines[i]);
}

/* Names, authors and kinds first: the rest refers to them. */
static void begin_op(struct input *in, json_t *line)
{
    uint32_t n = in->law.n_ops;

    if (n == GX_GROUP_CONTROL_MAX)
        ill_formed(in->line, "too many operations");
    if (n == in->room) {
        in->room = in->room == 0 ? 1024 : 2 * in->room;
        in->law.ops = must_have(realloc(in->law.ops, in->room * sizeof *in->law.ops));
        in->lines = must_have(realloc(in->lines, in->room * sizeof(json_t *)));
        in->line_of = must_have(realloc(in->line_of, in->room * sizeof *in->line_of));
    }
    const char *name = text(in, line, "op");
    if (find_op(in, name) != GX_RESOLVE_NONE)
        ill_formed(in->line, "two operations of one name");
    if (json_object_set_new_nocheck(in->index, name, json_integer(n)) != 0)
        must_have(NULL);
    in->lines[n] = line;
    in->line_of[n] = in->line;
    in->law.ops[n] = (struct gx_resolve_op){.id = gx_span(name, strlen(name)), .prev = GX_RESOLVE_NONE, .target = GX_RESOLVE_NONE,
                                            .token = GX_RESOLVE_NONE, .author = person(in, text(in, line, "author")),
                                            .device = is_absent(json_object_get(line, "device")) ? 0 : number(in, line, "device"),
                                            .kind = kind_of(in, text(in, line, "kind"))};
    in->law.n_ops++;
}

static void begin(struct input *in, json_t *line)
{
    in->head = line;
    in->owner = text(in, line, "owner");
    in->law.cap = number(in, line, "cap");
    in->law.qr_max = number(in, line, "qr_max");
    in->law.quota = number(in, line, "quota");
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
    if (in->head == NULL || in->law.n_ops == 0)
        ill_formed(in->line + 1, "no operations");
    for (uint32_t i = 0; i < in->law.n_ops; i++)
        read_op(in, i);
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static json_t *op_name(const struct input *in, uint32_t op)
{
    return json_string((const char *)in->law.ops[op].id.p);
}

static json_t *op_names(const struct input *in, const uint32_t *ops, uint32_t n)
{
    json_t *out = json_array();

    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(out, op_name(in, ops[i]));
    return out;
}

static int cmp_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *members(const struct input *in)
{
    const char **sorted = must_have(malloc((in->law.n_members + 1) * sizeof *sorted));
    uint32_t n = 0;
    json_t *out = json_array();

    for (uint32_t p = 0; p < in->law.n_persons; p++) {
        if (in->law.members[p].is_member)
            sorted[n++] = in->names[p];
    }
    qsort(sorted, n, sizeof *sorted, cmp_names);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t p = (uint32_t)json_integer_value(json_object_get(in->persons, sorted[i]));
        json_array_append_new(out, json_pack("{ss, ss}", "member", sorted[i], "rank", gx_resolve_rank_name(in->law.members[p].rank)));
    }
    free(sorted);
    return out;
}

static json_t *answer(const struct input *in)
{
    json_t *effective = json_array(), *voided = json_array();

    for (uint32_t i = 0; i < in->law.n_ops; i++) {
        const struct gx_resolve_op *op = &in->law.ops[in->law.order[i]];
        if (op->rule == GX_RULE_NONE)
            json_array_append_new(effective, op_name(in, in->law.order[i]));
        else
            json_array_append_new(voided, json_pack("{so, ss}", "op", op_name(in, in->law.order[i]), "rule", gx_resolve_rule_name(op->rule)));
    }
    return json_pack("{so, si, so, so, so, so}", "members", members(in), "count", (int)in->law.n_members, "effective", effective, "void", voided,
                     "order", op_names(in, in->law.order, in->law.n_ops), "mainline", op_names(in, in->law.mainline, in->law.n_mainline));
}

static void release(struct input *in)
{
    for (uint32_t i = 0; i < in->law.n_ops; i++) {
        /* const for the law, which only reads; they were made here */
        free((void *)(uintptr_t)in->law.ops[i].deps);
        free((void *)(uintptr_t)in->law.ops[i].heads);
        json_decref(in->lines[i]);
    }
    json_decref(in->head);
    json_decref(in->index);
    json_decref(in->persons);
    free(in->lines);
    free(in->line_of);
    free(in->law.ops);
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
    void *scratch = must_have(malloc(gx_resolve_bytes(in.law.n_ops, in.law.n_persons)));
    enum gx_err err = gx_resolve(&in.law, scratch);
    if (err != GX_OK)
        ill_formed(in.line_of[in.law.at_fault], err == GX_E_TOO_BIG ? "over a limit" : "a cycle, or not exactly one CREATE that all descend from");
    json_t *out = must_have(answer(&in));
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(out);
    free(scratch);
    release(&in);
    return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : 0;
}
