/* Finding the person that somebody named in a group. */
#include "node/engine/commands.h"

/* How well a person fits what was asked for: members before others. */
static bool is_wanted(struct gx_group *g, uint32_t person, enum gx_who want)
{
    switch (want) {
    case GX_WHO_MEMBER:
        return gx_law_is_member(&g->law, person);
    case GX_WHO_BANNED:
        return gx_law_is_banned(&g->law, person);
    case GX_WHO_ANYBODY:
        return true;
    }
    GX_ASSERT(!"a kind of person that is not in the list");
}

static uint32_t find(struct gx_engine *e, struct gx_group *g, uint32_t *out, const char *who, enum gx_who want)
{
    bool is_id = who[0] == ':', is_name = who[0] == '@';
    const char *digits = is_id ? who + 1 : who, *name = is_name ? who + 1 : who;
    uint32_t n = 0;

    /* A name first: `beef` may be somebody's. */
    for (uint32_t p = 0; p < g->law.n_persons && !is_id; p++) {
        if (!is_wanted(g, p, want) || name[0] == 0 || (strcmp(gx_group_alias(e, g, p), name) != 0 && strcmp(gx_person_label(e, g, p), name) != 0))
            continue;
        if (n < GX_WHERE_CANDIDATES_MAX)
            out[n] = p;
        n++;
    }
    if (n > 0 || is_name || strlen(digits) < GX_ID_PREFIX_MIN)
        return n;
    for (uint32_t p = 0; p < g->law.n_persons; p++) {
        if (!is_wanted(g, p, want) || !gx_hex_prefix(digits, g->law.persons[p].member.b, 32))
            continue;
        if (n < GX_WHERE_CANDIDATES_MAX)
            out[n] = p;
        n++;
    }
    return n;
}

static void refuse_many(struct gx_answer_builder *b, struct gx_group *g, const uint32_t *found, uint32_t n, const char *who)
{
    gx_answers_list(b, "candidates");
    for (uint32_t i = 0; i < n && i < GX_WHERE_CANDIDATES_MAX; i++) {
        gx_answers_object(b, NULL);
        gx_answers_hex(b, "member", g->law.persons[found[i]].member.b, 32);
        gx_answers_kept(b, "alias", gx_person_label(b->e, g, found[i]));
        gx_answers_end(b);
    }
    gx_answers_end(b);
    gx_answers_refuse(b, GX_E_AMBIGUOUS, "name one by : and the beginning of their id, as `guanxi group members` shows it", "%u people here are meant by %s", n, who);
}

uint32_t gx_who_find(struct gx_answer_builder *b, struct gx_group *g, const char *who, enum gx_who want)
{
    uint32_t found[GX_WHERE_CANDIDATES_MAX], n = find(b->e, g, found, who, want);

    if (n == 1)
        return found[0];
    if (n > 1) {
        refuse_many(b, g, found, n, who);
        return GX_NONE;
    }
    if (strlen(who) > GX_NAME_BYTES_MAX + 1)
        gx_answers_refuse(b, GX_E_ABSENT, "see `guanxi group members`", "nobody here has so long a name");
    else
        gx_answers_refuse(b, GX_E_ABSENT, want == GX_WHO_BANNED ? "see `guanxi group show`" : "see `guanxi group members`",
                          want == GX_WHO_BANNED ? "nobody called %s is banned here" : "there is nobody called %s here", who);
    return GX_NONE;
}
