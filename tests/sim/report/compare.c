/* Where two reports differ. */
#include "tests/sim/report/report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 160u

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *all = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    if (all == NULL && error.line > 0)
        fprintf(stderr, "%s:%d:%d: %s\n", path, error.line, error.column, error.text);
    else if (all == NULL)
        fprintf(stderr, "%s: %s\n", path, error.text);
    if (all == NULL)
        return NULL;
    if (!json_is_string(json_object_get(all, "commit")) || !json_is_string(json_object_get(all, "trace_hash")) ||
        !json_is_object(json_object_get(all, "latency_ms"))) {
        fprintf(stderr, "%s: this is no report.json of gx-sim\n", path);
        json_decref(all);
        return NULL;
    }
    return all;
}

/* As JSON, in one line, and not too long a one. */
static void value_text(const json_t *v, char out[72])
{
    char *text = v == NULL ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));

    if (text == NULL)
        snprintf(out, 72, "-");
    else if (strlen(text) > 66)
        snprintf(out, 72, "%.66s...", text);
    else
        snprintf(out, 72, "%s", text);
    free(text);
}

static void say(FILE *out, const char *path, const json_t *a, const json_t *b)
{
    char text[2][72];
    double was = json_number_value(a), is = json_number_value(b);

    value_text(a, text[0]);
    value_text(b, text[1]);
    fprintf(out, "%-24s %s, %s", path, text[0], text[1]);
    if (json_is_number(a) && json_is_number(b) && fabs(was) > 0 && strcmp(path, "seed") != 0)       /* a name, of which no share is told */
        fprintf(out, is / was >= 10 ? "  %.0f times" : "  %+.3g %%", is / was >= 10 ? is / was : 100 * (is - was) / fabs(was));
    fputc('\n', out);
}

/* A hundred numbers make one line: where they are farthest apart. */
static bool differ_cdf(FILE *out, const char *path, const json_t *a, const json_t *b)
{
    size_t n = json_array_size(a) < json_array_size(b) ? json_array_size(a) : json_array_size(b), differing = 0, where = 0;
    double most = 0;

    for (size_t i = 0; i < n; i++) {
        double apart = fabs(json_number_value(json_array_get(a, i)) - json_number_value(json_array_get(b, i)));

        differing += apart > 0;
        if (apart > most) {
            most = apart;
            where = i;
        }
    }
    if (differing > 0)
        fprintf(out, "%-24s %zu of %zu differ, the most at %zu %%: %lld, %lld\n", path, differing, n, where + 1,
                (long long)json_integer_value(json_array_get(a, where)), (long long)json_integer_value(json_array_get(b, where)));
    if (json_array_size(a) != json_array_size(b))
        fprintf(out, "%-24s reaches %zu %%, %zu %%\n", path, json_array_size(a), json_array_size(b));
    return differing > 0 || json_array_size(a) != json_array_size(b);
}

/* Nor are steps told one by one: what is made of them is. */
static bool differ_steps(FILE *out, const char *path, const json_t *a, const json_t *b)
{
    size_t most = json_array_size(a) > json_array_size(b) ? json_array_size(a) : json_array_size(b), differing = 0;

    for (size_t i = 0; i < most; i++)
        differing += !json_equal(json_array_get(a, i), json_array_get(b, i));
    fprintf(out, "%-24s %zu of %zu differ\n", path, differing, most);
    return true;
}

static bool differ(FILE *out, const char *path, json_t *a, json_t *b);

static bool differ_object(FILE *out, const char *path, json_t *a, json_t *b)
{
    char deeper[PATH_BYTES];
    const char *key = NULL;
    json_t *value = NULL;
    bool any = false;

    for (int side = 0; side < 2; side++)
        json_object_foreach(side == 0 ? a : b, key, value) {
            if ((side == 1 && json_object_get(a, key) != NULL) || (path[0] == 0 && strcmp(key, "commit") == 0))
                continue;
            snprintf(deeper, sizeof deeper, "%s%s%s", path, path[0] == 0 ? "" : ".", key);
            any = differ(out, deeper, json_object_get(a, key), json_object_get(b, key)) || any;
        }
    return any;
}

static bool differ(FILE *out, const char *path, json_t *a, json_t *b)
{
    char deeper[PATH_BYTES];
    bool any = false;
    bool mixed = json_is_number(a) && json_is_number(b) && json_is_real(a) != json_is_real(b);       /* 1.0 is 1 */

    if (json_equal(a, b) || (mixed && !(fabs(json_number_value(a) - json_number_value(b)) > 0)))
        return false;
    if (json_is_object(a) && json_is_object(b))
        return differ_object(out, path, a, b);
    if (json_is_array(a) && json_is_array(b)) {
        if (strcmp(path, "latency_ms.cdf") == 0)
            return differ_cdf(out, path, a, b);
        if (strstr(path, "_ms.steps") != NULL)
            return differ_steps(out, path, a, b);
        for (size_t i = 0; i < json_array_size(a) || i < json_array_size(b); i++) {
            snprintf(deeper, sizeof deeper, "%s[%zu]", path, i);
            any = differ(out, deeper, json_array_get(a, i), json_array_get(b, i)) || any;
        }
        return any;
    }
    say(out, path, a, b);
    return true;
}

/* What is below a ms is told as one.  0: nothing is known of one. */
static double factor(FILE *out, const json_t *a, const json_t *b)
{
    json_t *half[2] = {json_object_get(json_object_get(a, "latency_ms"), "p50"), json_object_get(json_object_get(b, "latency_ms"), "p50")};
    double ms[2] = {fmax(1, json_number_value(half[0])), fmax(1, json_number_value(half[1]))}, times = ms[0] < ms[1] ? ms[1] / ms[0] : ms[0] / ms[1];

    if (!json_is_number(half[0]) || !json_is_number(half[1]))
        return 0;
    fprintf(out, "median delivery          %.0f ms, %.0f ms: a factor of %.2f\n", ms[0], ms[1], times);
    return times;
}

static bool alike(const json_t *a, const json_t *b, double times, double within)
{
    double share[2] = {json_number_value(json_object_get(json_object_get(a, "delivery"), "ratio")),
                       json_number_value(json_object_get(json_object_get(b, "delivery"), "ratio"))};

    return json_is_true(json_object_get(a, "ok")) && json_is_true(json_object_get(b, "ok")) && !(fabs(share[0] - share[1]) > 0) && times > 0 && times <= within;
}

int gx_report_compare(const char *path_a, const char *path_b, double within, FILE *out)
{
    json_t *a = load(path_a), *b = load(path_b);
    int result = 2;

    if (a != NULL && b != NULL) {
        fprintf(out, "%s: commit %s\n%s: commit %s\n", path_a, json_string_value(json_object_get(a, "commit")), path_b,
                json_string_value(json_object_get(b, "commit")));
        result = differ_object(out, "", a, b);
        if (result == 0)
            fputs("no difference\n", out);

        double times = result == 0 && within <= 0 ? 0 : factor(out, a, b);

        if (within > 0)
            result = alike(a, b, times, within) ? 0 : 1;
    }
    json_decref(a);
    json_decref(b);
    return result;
}
