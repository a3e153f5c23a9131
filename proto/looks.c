#include "proto/looks.h"

#include "proto/looks_tables.h"
#include "proto/utf8.h"

static_assert(GX_LOOKS_BYTES_MAX > LOOKS_GROWTH * GX_NAME_BYTES_MAX, "the skeleton of every name fits");

#define REPLACEMENT 0xfffdu
#define JOINER_NOT 0x200cu
#define JOINER 0x200du
#define DOT_ABOVE 0x0307u
#define KEYCAP 0x20e3u
#define BRAILLE_BLANK 0x2800u

static bool is_between(uint32_t cp, uint32_t first, uint32_t last)
{
    return cp >= first && cp <= last;
}

static bool is_blank(uint32_t cp)
{
    return cp == ' ' || is_between(cp, '\t', '\r') || cp == 0x85 || cp == 0xa0 || cp == 0x1680 || is_between(cp, 0x2000, 0x200a) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == BRAILLE_BLANK || cp == 0x3000;
}

/* They choose between the forms of the character before them. */
static bool is_selector(uint32_t cp)
{
    return is_between(cp, 0xfe00, 0xfe0f) || is_between(cp, 0xe0100, 0xe01ef);
}

/* The name as far as it is looked at. */
static struct gx_span head_of(const char *name)
{
    return gx_span(name, strnlen(name, GX_NAME_BYTES_MAX));
}

/* --- the skeleton ---------------------------------------------------------------------------------------------------------------------- */

struct skeleton {
    char *out;
    size_t n;
    bool blank;                                 /* one is due before the next character */
    uint32_t base;                              /* the last character that is no mark */
    uint32_t marks[GX_UTF8_MARKS_MAX];          /* on it, ascending, each once */
    size_t n_marks, n_marks_met;
};

static void put(struct skeleton *s, uint32_t cp)
{
    unsigned char b[4];
    size_t n = 0;

    if (cp < 0x80) {
        b[n++] = (unsigned char)cp;
    } else {
        unsigned more = cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
        b[n++] = (unsigned char)(0xff00u >> (more + 1) | cp >> 6 * more);
        while (more-- > 0)
            b[n++] = (unsigned char)(0x80 | (cp >> 6 * more & 0x3f));
    }
    GX_ASSERT(n < GX_LOOKS_BYTES_MAX - s->n);
    memcpy(s->out + s->n, b, n);
    s->n += n;
}

static void put_marks(struct skeleton *s)
{
    for (size_t i = 0; i < s->n_marks; i++)
        put(s, s->marks[i]);
    s->n_marks = s->n_marks_met = 0;
}

/* Sorted: one above and one below look the same whichever was typed first. */
static void add_mark(struct skeleton *s, uint32_t cp)
{
    size_t at = 0;

    /* The letter has a dot there already. */
    if (cp == DOT_ABOVE && (s->base == 'l' || s->base == 'j') && s->n_marks_met == 0)
        return;
    if (s->n_marks_met++ >= GX_UTF8_MARKS_MAX)
        return;
    while (at < s->n_marks && s->marks[at] < cp)
        at++;
    if (at < s->n_marks && s->marks[at] == cp)
        return;
    memmove(s->marks + at + 1, s->marks + at, (s->n_marks - at) * sizeof *s->marks);
    s->marks[at] = cp;
    s->n_marks++;
}

static void add(struct skeleton *s, uint32_t cp)
{
    if (gx_utf8_is(cp, GX_UTF8_MARK)) {
        add_mark(s, cp);
        return;
    }
    put_marks(s);
    s->base = cp;
    if (cp == ' ') {
        s->blank = s->n > 0;
        return;
    }
    if (s->blank)
        put(s, ' ');
    s->blank = false;
    put(s, cp);
}

/* What stands for cp in a skeleton; empty when it stands for itself. */
static struct gx_span look_of(uint32_t cp)
{
    const char *line;
    size_t low = 0, high = GX_ARRAY_LEN(looks_runs);

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (cp >= looks_runs[mid].first + looks_runs[mid].n)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == GX_ARRAY_LEN(looks_runs) || cp < looks_runs[low].first)
        return gx_span(NULL, 0);
    line = looks_pool[looks_runs[low].at / LOOKS_POOL_BYTES] + looks_runs[low].at % LOOKS_POOL_BYTES;
    for (uint32_t skip = cp - looks_runs[low].first; skip > 0; skip--)
        line = strchr(line, '\n') + 1;
    return gx_span(line, strcspn(line, "\n"));
}

static void add_look(struct skeleton *s, uint32_t cp)
{
    struct gx_span look = look_of(cp);

    if (look.n == 0)
        add(s, cp);
    while (look.n > 0) {
        uint32_t part = REPLACEMENT;
        size_t n = gx_utf8_char(&part, look);

        GX_ASSERT(n > 0);
        add(s, part);
        look = gx_span(look.p + n, look.n - n);
    }
}

/* A syllable of Hangul is its two or three letters: Unicode, 3.12. */
static void add_hangul(struct skeleton *s, uint32_t syllable)
{
    uint32_t i = syllable - 0xac00;

    add_look(s, 0x1100 + i / (21 * 28));
    add_look(s, 0x1161 + i / 28 % 21);
    if (i % 28 != 0)
        add_look(s, 0x11a7 + i % 28);
}

void gx_looks_skeleton(char out[GX_LOOKS_BYTES_MAX], const char *name)
{
    struct skeleton s = {.out = out};
    struct gx_span rest = head_of(name);

    while (rest.n > 0) {
        uint32_t cp = REPLACEMENT;
        size_t n = gx_utf8_char(&cp, rest);

        n = n > 0 ? n : 1;
        rest = gx_span(rest.p + n, rest.n - n);
        if (is_blank(cp))
            add(&s, ' ');
        else if (is_selector(cp) || gx_utf8_is(cp, GX_UTF8_HIDDEN))
            continue;
        else if (gx_utf8_is(cp, GX_UTF8_UNASSIGNED))
            add(&s, REPLACEMENT);
        else if (is_between(cp, 0xac00, 0xd7a3))
            add_hangul(&s, cp);
        else
            add_look(&s, cp);
    }
    put_marks(&s);
    out[s.n] = 0;
}

/* --- what is odd ------------------------------------------------------------------------------------------------------------------------- */

/* Arabic and its neighbours, the scripts of India, Myanmar, Khmer and Mongolian: whether their letters join, a joiner says. */
static bool is_joined_script(uint32_t cp)
{
    return is_between(cp, 0x0620, 0x0dff) || is_between(cp, 0x1000, 0x109f) || is_between(cp, 0x1780, 0x18af);
}

static bool is_chinese(uint32_t cp)
{
    return is_between(cp, 0x3400, 0x9fff) || is_between(cp, 0xf900, 0xfaff) || is_between(cp, 0x20000, 0x3ffff);
}

static bool is_keycap_base(uint32_t cp)
{
    return cp == '#' || cp == '*' || is_between(cp, '0', '9');
}

static bool joiner_is_odd(uint32_t cp, uint32_t before, uint32_t after)
{
    if (is_joined_script(before) && is_joined_script(after))
        return false;
    return cp != JOINER || !(is_selector(before) || gx_utf8_is(before, GX_UTF8_PICTURE)) || !gx_utf8_is(after, GX_UTF8_PICTURE);
}

static bool selector_is_odd(uint32_t cp, uint32_t before, uint32_t after)
{
    if (cp == 0xfe0e || cp == 0xfe0f)
        return !gx_utf8_is(before, GX_UTF8_PICTURE) && !(is_keycap_base(before) && after == KEYCAP);
    return !is_chinese(before);
}

static bool ends_word(uint32_t cp)
{
    bool letter = (cp | 0x20) >= 'a' && (cp | 0x20) <= 'z';

    if (cp < 0x80)
        return !letter && !is_between(cp, '0', '9');
    return is_blank(cp) || is_between(cp, 0x2010, 0x206f) || is_between(cp, 0x3000, 0x303f) || gx_utf8_is(cp, GX_UTF8_PICTURE);
}

/* One bit an alphabet. */
static unsigned alphabet_of(uint32_t cp)
{
    return gx_utf8_is(cp, GX_UTF8_LATIN) ? 1 : gx_utf8_is(cp, GX_UTF8_GREEK) ? 2 : gx_utf8_is(cp, GX_UTF8_CYRILLIC) ? 4 : 0;
}

bool gx_looks_odd(const char *name)
{
    struct gx_span rest = head_of(name);
    uint32_t before = ' ';
    size_t marks = 0;
    unsigned alphabets = 0;
    bool seen = rest.n == 0;

    if (name[rest.n] != 0)
        return true;
    while (rest.n > 0) {
        uint32_t cp = 0, after = 0;
        size_t n = gx_utf8_char(&cp, rest);

        if (n == 0)
            return true;
        rest = gx_span(rest.p + n, rest.n - n);
        if (gx_utf8_char(&after, rest) == 0)
            after = 0;
        if (cp == JOINER || cp == JOINER_NOT) {
            if (joiner_is_odd(cp, before, after))
                return true;
        } else if (is_selector(cp)) {
            if (selector_is_odd(cp, before, after))
                return true;
        } else if (cp == BRAILLE_BLANK || gx_utf8_is(cp, GX_UTF8_HIDDEN) || gx_utf8_is(cp, GX_UTF8_UNASSIGNED)) {
            return true;
        } else if (gx_utf8_is(cp, GX_UTF8_MARK)) {
            if (++marks > GX_UTF8_MARKS_MAX || cp == before || is_blank(before))
                return true;
        } else {
            marks = 0;
            alphabets = ends_word(cp) ? 0 : alphabets | alphabet_of(cp);
            seen |= !is_blank(cp);
            if ((alphabets & (alphabets - 1)) != 0)
                return true;
        }
        before = cp;
    }
    return !seen;
}
