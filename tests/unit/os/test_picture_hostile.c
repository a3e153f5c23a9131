/* Files made to break the reader.  Apart from test_picture.c because each case is a fork, and large pictures make forks slow. */
#include "tests/unit/os/canvas.h"

/* A small code, so that a case takes milliseconds. */
#define SMALL "GX1:ABCDEFG"

static struct canvas small_code(void)
{
    struct canvas c = blank(29 * 2, 29 * 2, 255);

    put(&c, SMALL, 8, 8, 2);
    return c;
}

static void test_other_formats_are_malformed(void **state)
{
    static const char *const starts[] = {"", "G", "GIF89a\1\0\1\0", "BM", "P5 1 1 255 x", "#?RADIANCE\n", "8BPS", "GX1:AAAA", "<svg/>"};
    char back[GX_TOKEN_TEXT_MAX];
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(starts); i++) {
        uint8_t file[64] = {0};

        memcpy(file, starts[i], strlen(starts[i]));
        assert_int_equal(gx_picture_read(back, sizeof back, gx_span(file, sizeof file), "GX"), GX_E_MALFORMED);
    }
    assert_int_equal(gx_picture_read(back, sizeof back, gx_span(NULL, 0), "GX"), GX_E_MALFORMED);
}

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* The file is short: had it been decoded, it would have been called malformed for want of data. */
static void test_oversize_declared_in_a_header_is_refused_before_decoding(void **state)
{
    static const uint32_t sizes[][2] = {{6400, 6400},  {40000001, 1}, {1, 40000001}, {65535, 65535},
                                        {16777216, 3}, {1u << 25, 2}, {0x7fffffff, 0x7fffffff}};
    struct canvas c = small_code();
    struct file png = png_of(&c), jpeg = jpeg_of(&c, 50);
    char back[GX_TOKEN_TEXT_MAX];
    size_t sof = 0;
    (void)state;

    for (size_t i = 0; i < GX_ARRAY_LEN(sizes); i++) {
        put_u32(png.p + 16, sizes[i][0]);
        put_u32(png.p + 20, sizes[i][1]);
        assert_int_equal(gx_picture_read(back, sizeof back, gx_span(png.p, png.n), "GX"), GX_E_TOO_BIG);
    }
    while (sof + 9 < jpeg.n && !(jpeg.p[sof] == 0xff && jpeg.p[sof + 1] == 0xc0))
        sof++;
    put_u32(jpeg.p + sof + 5, 0xfffeffff);      /* height and width */
    assert_true(jpeg.p[sof + 7] == 0xff);
    assert_int_equal(gx_picture_read(back, sizeof back, gx_span(jpeg.p, jpeg.n), "GX"), GX_E_TOO_BIG);
    free(png.p);
    free(jpeg.p);
    free(c.px);
}

/* A case is a fork, which costs much more of a program under a sanitizer; and a child that this ends is a refusal like another. */
#ifdef GX_SLOW
enum { CASES = 300, CUT = 7 };
#else
enum { CASES = 1000, CUT = 1 };
#endif

/* Counters show that the cases reached both the decoder's refusals and pictures that were decoded. */
struct tally {
    unsigned read, absent, refused;
};

static void feed(struct tally *t, const uint8_t *p, size_t n, const char *want)
{
    char back[GX_TOKEN_TEXT_MAX];
    uint8_t *exact = malloc(n > 0 ? n : 1);     /* of its own, so that a sanitizer sees one byte too many */
    enum gx_err err;

    assert_non_null(exact);
    memcpy(exact, p, n);
    err = gx_picture_read(back, sizeof back, gx_span(exact, n), "GX");
    free(exact);
    if (err == GX_OK) {
        assert_string_equal(back, want);
        t->read++;
    } else if (err == GX_E_ABSENT) {
        t->absent++;
    } else {
        assert_true(err == GX_E_MALFORMED || err == GX_E_TOO_BIG || err == GX_E_MEMORY);
        t->refused++;
    }
}

static void report(const char *what, struct tally t)
{
    print_message("%s: %u read, %u without a code, %u refused\n", what, t.read, t.absent, t.refused);
}

static void test_truncations_of_a_png_are_refused_or_read(void **state)
{
    struct canvas c = small_code();
    struct file f = png_of(&c);
    struct tally t = {0};
    (void)state;

    for (size_t n = 0; n < f.n; n += CUT)
        feed(&t, f.p, n, SMALL);
    report("truncated PNG", t);
    assert_int_equal(t.read + t.absent + t.refused, (f.n + CUT - 1) / CUT);
    assert_true(t.refused > 0);
    free(f.p);
    free(c.px);
}

static void test_truncations_of_a_jpeg_are_refused_or_read(void **state)
{
    struct canvas c = small_code();
    struct file f = jpeg_of(&c, 50);
    struct tally t = {0};
    (void)state;

    for (size_t n = 0; n < f.n; n += CUT)
        feed(&t, f.p, n, SMALL);
    report("truncated JPEG", t);
    assert_int_equal(t.read + t.absent + t.refused, (f.n + CUT - 1) / CUT);
    assert_true(t.refused > 0);
    free(f.p);
    free(c.px);
}

/* One to four bits flipped, a byte replaced, a run doubled or dropped. */
static void damage(uint8_t *p, size_t *n, uint64_t *seed)
{
    size_t a = chance(seed) % *n, len = 1 + chance(seed) % 8;

    switch (chance(seed) % 4) {
    case 0:
        for (size_t i = 0; i < len % 4 + 1; i++)
            p[chance(seed) % *n] ^= (uint8_t)(1u << chance(seed) % 8);
        return;
    case 1:
        p[a] = (uint8_t)chance(seed);
        return;
    case 2:
        len = len > *n - a ? *n - a : len;
        memmove(p + a + len, p + a, *n - a);
        *n += len;
        return;
    default:
        len = len > *n - a ? *n - a : len;
        memmove(p + a, p + a + len, *n - a - len);
        *n -= len;
    }
}

static struct tally damaged(struct file f, uint64_t seed, unsigned cases)
{
    struct tally t = {0};
    uint8_t *p = malloc(f.n + 8);

    assert_non_null(p);
    for (unsigned i = 0; i < cases; i++) {
        size_t n = f.n;

        memcpy(p, f.p, f.n);
        damage(p, &n, &seed);
        feed(&t, p, n, SMALL);
    }
    free(p);
    free(f.p);
    return t;
}

static void test_hundreds_of_damaged_pngs_are_refused_or_read(void **state)
{
    struct canvas c = small_code();
    struct tally t = damaged(png_of(&c), 11, CASES);
    (void)state;

    report("damaged PNG, seed 11", t);
    assert_true(t.read > 0 && t.refused > 0 && t.absent > 0);
    free(c.px);
}

static void test_hundreds_of_damaged_jpegs_are_refused_or_read(void **state)
{
    struct canvas c = small_code();
    struct tally t = damaged(jpeg_of(&c, 50), 12, CASES);
    (void)state;

    report("damaged JPEG, seed 12", t);
    assert_true(t.read > 0 && t.refused > 0 && t.absent > 0);
    free(c.px);
}

/* A PNG of 16x16 pixels whose data inflate to 16 MiB: the decoder's heap has a bound. */
static void test_data_that_inflate_beyond_the_declared_size_are_refused(void **state)
{
    struct canvas c = blank(16, 16, 255), zeroes = blank(16384, 1024, 0);
    struct file f = png_of(&c);
    uint8_t *packed, *bomb;
    size_t n;
    int n_packed = 0;
    char back[GX_TOKEN_TEXT_MAX];
    enum gx_err err;
    (void)state;

    packed = stbi_zlib_compress(zeroes.px, zeroes.w * zeroes.h, &n_packed, 5);
    assert_non_null(packed);
    n = 33 + 12 + (size_t)n_packed + 12;
    bomb = malloc(n);
    assert_non_null(bomb);
    memcpy(bomb, f.p, 33);
    put_u32(bomb + 33, (uint32_t)n_packed);
    memcpy(bomb + 37, "IDAT", 4);
    memcpy(bomb + 41, packed, (size_t)n_packed);
    memset(bomb + 41 + n_packed, 0, 16);
    memcpy(bomb + n - 8, "IEND", 4);
    err = gx_picture_read(back, sizeof back, gx_span(bomb, n), "GX");
    assert_true(err == GX_E_MALFORMED || err == GX_E_MEMORY);
    free(bomb);
    free(packed);
    free(f.p);
    free(zeroes.px);
    free(c.px);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_formats_are_malformed),
        cmocka_unit_test(test_oversize_declared_in_a_header_is_refused_before_decoding),
        cmocka_unit_test(test_truncations_of_a_png_are_refused_or_read),
        cmocka_unit_test(test_truncations_of_a_jpeg_are_refused_or_read),
        cmocka_unit_test(test_hundreds_of_damaged_pngs_are_refused_or_read),
        cmocka_unit_test(test_hundreds_of_damaged_jpegs_are_refused_or_read),
        cmocka_unit_test(test_data_that_inflate_beyond_the_declared_size_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
