/* `group why`: the proof of a membership or an act, or the rule that voided it, in sentences. */
#include "node/engine/commands.h"

#define PROOF_MAX 600u              /* an admission for each member, and what stands around it */
#define CANDIDATES_MAX 16u

static const char *name_of(struct gx_engine *e, struct gx_group *g, uint32_t person)
{
    return person == g->me ? "you" : gx_person_label(e, g, person);
}

static const char *id_of(struct gx_engine *e, const struct gx_group *g, uint32_t op)
{
    char digits[GX_LABEL_DIGITS + 1];

    gx_hex(digits, g->law.nodes[op].op.id.b, GX_LABEL_DIGITS / 2);
    return gx_answers_format(e, ":%s", digits);
}

/* "Bo's removal of Mei" */
static const char *act_text(struct gx_engine *e, struct gx_group *g, uint32_t x)
{
    const struct gx_law_op *op = &g->law.nodes[x].op;
    const char *author = gx_person_label(e, g, op->author), *target = op->target == GX_LAW_NONE ? "" : gx_person_label(e, g, op->target);

    switch ((enum gx_law_kind)op->kind) {
    case GX_OP_CREATE:
        return gx_answers_format(e, "the founding of the group by %s", author);
    case GX_OP_ADMIT:
        return gx_answers_format(e, "the admission of %s by %s", target, author);
    case GX_OP_LEAVE:
        return gx_answers_format(e, "the leaving of %s", author);
    case GX_OP_REMOVE:
        return gx_answers_format(e, "the removal of %s by %s", target, author);
    case GX_OP_BAN:
        return gx_answers_format(e, "the ban of %s by %s", target, author);
    case GX_OP_UNBAN:
        return gx_answers_format(e, "the end of %s's ban by %s", target, author);
    case GX_OP_TOKEN:
        return gx_answers_format(e, "an invitation of %s", author);
    case GX_OP_REVOKE:
        return op->target == GX_LAW_NONE ? gx_answers_format(e, "the ending of an invitation by %s", author)
                                         : gx_answers_format(e, "the ending of all invitations of %s by %s", target, author);
    case GX_OP_PROMOTE:
        return gx_answers_format(e, "the promotion of %s by %s", target, author);
    case GX_OP_DEMOTE:
        return gx_answers_format(e, "the demotion of %s by %s", target, author);
    case GX_OP_TRANSFER:
        return gx_answers_format(e, "the handing over of the group from %s to %s", author, target);
    case GX_OP_CHECKPOINT:
        return gx_answers_format(e, "a note of %s of what was seen", author);
    case GX_OP_META:
        return gx_answers_format(e, "a name that %s gave to the group", author);
    case GX_OP_ALIAS:
        return gx_answers_format(e, "a name that %s took", author);
    case GX_OP_BESIDE:
        return gx_answers_format(e, "an act of %s that changes no membership", author);
    case GX_OP_COUNT:
        break;
    }
    GX_ASSERT(!"a kind that is not in the list");
}

/* Why it is void. */
static const char *rule_text(struct gx_engine *e, struct gx_group *g, uint32_t x, uint32_t culprit)
{
    const struct gx_law_op *op = &g->law.nodes[x].op;
    const char *author = gx_person_label(e, g, op->author), *target = op->target == GX_LAW_NONE ? "" : gx_person_label(e, g, op->target);
    const char *by = culprit == GX_LAW_NONE ? "" : act_text(e, g, culprit);
    uint32_t issuer = op->token == GX_LAW_NONE ? op->author : g->law.nodes[op->token].op.author;

    switch ((enum gx_law_rule)g->law.now.results[x].rule) {
    case GX_RULE_AUTHOR:
        return culprit == GX_LAW_NONE ? gx_answers_format(e, "%s was no member when writing it", author)
                                      : gx_answers_format(e, "%s was no member any more: %s had ended that", author, by);
    case GX_RULE_ISSUER:
        return gx_answers_format(e, "the invitation was %s's, who was no member%s%s", gx_person_label(e, g, issuer), by[0] == 0 ? "" : ": ended by ", by);
    case GX_RULE_TOKEN:
        return "it names no invitation that its author can have known";
    case GX_RULE_BANNED:
        return gx_answers_format(e, "%s was banned (%s)", target, by);
    case GX_RULE_CONSENT:
        return gx_answers_format(e, "%s asked for it before leaving: who left has to ask again", target);
    case GX_RULE_REVOKED:
        return gx_answers_format(e, "the invitation was ended (%s)", by);
    case GX_RULE_USED_UP:
        return "the invitation was used as often as it may be, by others who came first";
    case GX_RULE_QUOTA:
        return gx_answers_format(e, "%u people had been let in on the same account since the owner's node last looked", g->law.quota);
    case GX_RULE_FULL:
        return gx_answers_format(e, "the group had all the %u members it may have: others came first", g->rules.cap);
    case GX_RULE_QR_CLOSED:
        return gx_answers_format(e, "codes admit while there are fewer than %u members: others came first", g->rules.qr_max);
    case GX_RULE_RANK:
        return gx_answers_format(e, "%s had not the rank for it", author);
    case GX_RULE_TARGET:
        return op->kind == GX_OP_TRANSFER ? gx_answers_format(e, "%s had not agreed to it, or was no member", target)
                                          : gx_answers_format(e, "%s was no member, as far as %s could know", target, author);
    case GX_RULE_LEFT:
        return gx_answers_format(e, "%s had left, and was given no rank since", author);
    case GX_RULE_OWNER:
        return "the owner cannot leave without handing the group over";
    case GX_RULE_MAINLINE:
        return "it was not the owner's device that wrote it, or that device wrote two of them at once";
    case GX_RULE_NONE:
    case GX_RULE_COUNT:
        break;
    }
    return "";
}

struct proof {
    uint32_t list[PROOF_MAX];
    uint32_t n;
};

static void put(struct proof *p, uint32_t op)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->list[i] == op)
            return;
    if (op != GX_LAW_NONE && p->n < PROOF_MAX)
        p->list[p->n++] = op;
}

/* An admission, the invitation it rests on, and by what right its author could write it, up to the founder. */
static void put_path(struct proof *p, const struct gx_group *g, uint32_t x)
{
    for (; x != GX_LAW_NONE && p->n < PROOF_MAX; x = gx_known_admit(g, x)) {
        put(p, x);
        put(p, g->law.nodes[x].op.kind == GX_OP_ADMIT ? g->law.nodes[x].op.token : GX_LAW_NONE);
    }
}

static void put_reason(struct gx_law *law, struct proof *p, uint32_t x)
{
    uint32_t culprit = gx_law_culprit(law, x), s = law->now.results[x].s;

    put(p, x);
    put(p, culprit);
    if (s != GX_LAW_INFINITE)
        put(p, law->now.main[s]);
}

static const char *seen_text(const struct gx_group *g, uint32_t x)
{
    return gx_law_is_settled(&g->law, x) ? "The owner's node has seen it." : "The owner's node has not seen it yet: until then it may still change.";
}

/* A sentence begins with a capital, but for a name: that is spelled as it is. */
static const char *sentence(struct gx_engine *e, const char *text)
{
    static const char *const begins[] = {"the ", "you ", "a ", "an "};
    bool ours = false;

    for (size_t i = 0; i < GX_ARRAY_LEN(begins) && !ours; i++)
        ours = strncmp(text, begins[i], strlen(begins[i])) == 0;
    return ours ? gx_answers_format(e, "%c%s", text[0] - 'a' + 'A', text + 1) : text;
}

static void answer(struct gx_answer_builder *b, struct gx_group *g, const uint8_t *subject, uint32_t x, bool effective, const char *text,
                   const struct proof *p)
{
    enum gx_law_rule rule = x == GX_LAW_NONE ? GX_RULE_NONE : (enum gx_law_rule)g->law.now.results[x].rule;

    gx_answers_hex(b, "subject", subject, 32);
    gx_answers_bool(b, "effective", effective);
    if (rule != GX_RULE_NONE)
        gx_answers_kept(b, "rule", gx_law_rule_name(rule));
    gx_answers_kept(b, "text", sentence(b->e, text));
    if (x != GX_LAW_NONE) {
        gx_answers_bool(b, "settled", gx_law_is_settled(&g->law, x));
        gx_answers_number(b, "when_ms", g->ops[x].wall_ms);
    }
    gx_answers_list(b, "by");
    for (uint32_t i = 0; i < p->n; i++)
        gx_answers_hex(b, NULL, g->law.nodes[p->list[i]].op.id.b, 32);
    gx_answers_end(b);
    gx_answers_send(b);
}

static void why_event(struct gx_answer_builder *b, struct gx_group *g, uint32_t x)
{
    struct proof *p = gx_arena_take(&b->e->arena, sizeof *p);
    bool effective = gx_law_effective(&g->law, x);
    const char *text = NULL;

    if (!gx_engine_ok(b->e, p == NULL ? GX_E_MEMORY : GX_OK))
        return;
    if (effective) {
        put_path(p, g, x);
        text = gx_answers_format(b->e, "%s counts. %s", act_text(b->e, g, x), seen_text(g, x));
    } else {
        put_reason(&g->law, p, x);
        text = gx_answers_format(b->e, "%s does not count: %s. %s", act_text(b->e, g, x), rule_text(b->e, g, x, gx_law_culprit(&g->law, x)),
                                 seen_text(g, x));
    }
    answer(b, g, g->law.nodes[x].op.id.b, x, effective, text, p);
}

static const char *member_text(struct gx_engine *e, struct gx_group *g, uint32_t person, uint32_t seat)
{
    const struct gx_law_op *op = &g->law.nodes[seat].op;
    const char *name = name_of(e, g, person), *is = person == g->me ? "are" : "is";

    if (op->kind == GX_OP_CREATE)
        return gx_answers_format(e, "%s founded the group and %s %s.", name, is, gx_rank_text(gx_law_rank(&g->law, person)));
    if (op->token == GX_LAW_NONE)
        return gx_answers_format(e, "%s %s %s: let in by %s (%s). %s", name, is, gx_rank_text(gx_law_rank(&g->law, person)),
                                 name_of(e, g, op->author), id_of(e, g, seat), seen_text(g, seat));
    return gx_answers_format(e, "%s %s %s: let in by %s (%s) with an invitation that %s made (%s). %s", name, is,
                             gx_rank_text(gx_law_rank(&g->law, person)), name_of(e, g, op->author), id_of(e, g, seat),
                             name_of(e, g, g->law.nodes[op->token].op.author), id_of(e, g, op->token), seen_text(g, seat));
}

/* The removal or the void admission that a person's absence rests on: the latest of them. */
static uint32_t ending_of(const struct gx_group *g, uint32_t person)
{
    uint32_t x = g->law.now.standings[person].removals;

    if (x != GX_LAW_NONE)
        return x;
    for (x = g->law.persons[person].last_admit; x != GX_LAW_NONE && gx_law_effective(&g->law, x);)
        x = g->law.nodes[x].kind_before;
    return x;
}

static void why_person(struct gx_answer_builder *b, struct gx_group *g, uint32_t person)
{
    struct gx_engine *e = b->e;
    struct proof *p = gx_arena_take(&e->arena, sizeof *p);
    const uint8_t *key = g->law.persons[person].member.b;
    const char *name = name_of(e, g, person), *are = person == g->me ? "are" : "is";
    uint32_t seat = gx_law_seat(&g->law, person), x = ending_of(g, person);

    if (!gx_engine_ok(e, p == NULL ? GX_E_MEMORY : GX_OK))
        return;
    if (gx_law_is_member(&g->law, person)) {
        put_path(p, g, seat);
        answer(b, g, key, seat, true, member_text(e, g, person, seat), p);
    } else if (x == GX_LAW_NONE) {
        answer(b, g, key, GX_LAW_NONE, false, gx_answers_format(e, "%s %s no member: nobody let them in.", name, are), p);
    } else {
        put_reason(&g->law, p, x);
        answer(b, g, key, x, false,
               gx_law_effective(&g->law, x)
                   ? gx_answers_format(e, "%s %s no member: %s (%s) ended that. %s", name, are, act_text(e, g, x), id_of(e, g, x), seen_text(g, x))
                   : gx_answers_format(e, "%s %s no member: %s (%s) does not count: %s. %s", name, are, act_text(e, g, x), id_of(e, g, x),
                                       rule_text(e, g, x, gx_law_culprit(&g->law, x)), seen_text(g, x)),
               p);
    }
}

static uint32_t find_event(const struct gx_group *g, uint32_t *out, const char *text)
{
    const char *digits = text[0] == ':' ? text + 1 : text;
    uint32_t n = 0;

    for (uint32_t x = 0; strlen(digits) >= GX_ID_PREFIX_MIN && x < g->law.n_ops; x++) {
        if (!gx_hex_prefix(digits, g->law.nodes[x].op.id.b, 32))
            continue;
        if (n < CANDIDATES_MAX)
            out[n] = x;
        n++;
    }
    return n;
}

void gx_command_group_why(struct gx_engine *e, uint64_t client, const struct gx_command *cmd)
{
    struct gx_group *g = gx_command_group(e, client, cmd);
    uint32_t found[CANDIDATES_MAX], n = g == NULL || !g->has_create ? 0 : find_event(g, found, cmd->who);
    struct gx_answer_builder b;

    if (g == NULL)
        return;
    gx_answers_begin(&b, e, client, cmd->request);
    if (!g->has_create) {
        gx_answers_refuse(&b, GX_E_ABSENT, "wait until a member has let you in", "nothing of this group is known here yet");
        return;
    }
    if (n == 1) {
        why_event(&b, g, found[0]);
        return;
    }
    if (n > 1) {
        gx_answers_list(&b, "candidates");
        for (uint32_t i = 0; i < n && i < CANDIDATES_MAX; i++) {
            gx_answers_object(&b, NULL);
            gx_answers_hex(&b, "event", g->law.nodes[found[i]].op.id.b, 32);
            gx_answers_kept(&b, "text", act_text(e, g, found[i]));
            gx_answers_end(&b);
        }
        gx_answers_end(&b);
        gx_answers_refuse(&b, GX_E_AMBIGUOUS, "give more digits", "%u acts begin like this", n);
        return;
    }

    uint32_t person = gx_who_find(&b, g, cmd->who, GX_WHO_ANYBODY);

    if (person != GX_NONE)
        why_person(&b, g, person);
}
