#include "tests/unit/os/canvas.h"

#include <math.h>

#define TEXT_CHARACTERS 209     /* a token of 128 bytes: version 7 */

/* A code of version 7 alone, with a margin in modules. */
static struct canvas code(const char *text, int scale, int margin)
{
    int side = (45 + 2 * margin) * scale;
    struct canvas c = blank(side, side, 255);

    put(&c, text, margin * scale, margin * scale, scale);
    return c;
}

static void invert(struct canvas *c)
{
    for (int i = 0; i < c->w * c->h * c->depth; i++)
        c->px[i] ^= 0xff;
}

static void add_noise(struct canvas *c, int strength, uint64_t seed)
{
    for (int i = 0; i < c->w * c->h; i++) {
        int v = c->px[i] + (int)(chance(&seed) % (uint64_t)(2 * strength + 1)) - strength;

        c->px[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

/* Turn about the middle, with a ground of grey, as a hand holds a phone; light falls off to one side. */
static struct canvas photograph(const struct canvas *c, double degrees, double zoom)
{
    int side = (int)(1.5 * zoom * c->w);
    struct canvas out = blank(side, side, 140);
    double s = sin(degrees * 3.14159265 / 180) / zoom, k = cos(degrees * 3.14159265 / 180) / zoom;

    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            double dx = x - side / 2.0, dy = y - side / 2.0;
            int sx = (int)floor(k * dx + s * dy + c->w / 2.0), sy = (int)floor(k * dy - s * dx + c->h / 2.0);

            if (sx >= 0 && sy >= 0 && sx < c->w && sy < c->h)
                *at(&out, x, y) = (uint8_t)(40 + *at(c, sx, sy) * (120 + 70 * x / side) / 255);
        }
    }
    return out;
}

static struct canvas quarter_turn(const struct canvas *c)
{
    struct canvas out = blank(c->h, c->w, 0);

    for (int y = 0; y < c->h; y++)
        for (int x = 0; x < c->w; x++)
            *at(&out, c->h - 1 - y, x) = *at(c, x, y);
    return out;
}

static enum gx_err read_file(char out[GX_TOKEN_TEXT_MAX], struct file f)
{
    return gx_picture_read(out, GX_TOKEN_TEXT_MAX, gx_span(f.p, f.n), "GX");
}

static void expect(struct file f, const char *text)
{
    char back[GX_TOKEN_TEXT_MAX];

    assert_int_equal(read_file(back, f), GX_OK);
    assert_string_equal(back, text);
    free(f.p);
}

static void expect_err(struct file f, enum gx_err want)
{
    char back[GX_TOKEN_TEXT_MAX] = "before";

    assert_int_equal(read_file(back, f), want);
    assert_string_equal(back, "");
    free(f.p);
}

static char text[GX_TOKEN_TEXT_MAX];

static int set_up(void **state)
{
    (void)state;
    sample(text, TEXT_CHARACTERS, 7);
    return 0;
}

/* ---- what is read ---- */

/* One pixel a module is what a careless screenshot gives; eight is print. */
static void test_code_of_one_to_sixteen_pixels_a_module_is_read(void **state)
{
    (void)state;
    for (int scale = 1; scale <= 16; scale++) {
        struct canvas c = code(text, scale, 4);

        expect(png_of(&c), text);
        free(c.px);
    }
}

static void test_white_on_black_is_read_at_every_scale(void **state)
{
    (void)state;
    for (int scale = 1; scale <= 12; scale++) {
        struct canvas c = code(text, scale, 4);

        invert(&c);
        expect(png_of(&c), text);
        free(c.px);
    }
}

static void test_code_cut_out_without_its_margin_is_read(void **state)
{
    (void)state;
    for (int scale = 1; scale <= 8; scale++) {
        struct canvas c = code(text, scale, 0);

        expect(png_of(&c), text);
        invert(&c);
        expect(png_of(&c), text);
        free(c.px);
    }
}

static void test_quarter_turns_are_read(void **state)
{
    struct canvas c = code(text, 3, 4);
    (void)state;

    for (int turns = 1; turns <= 4; turns++) {
        struct canvas turned = quarter_turn(&c);

        free(c.px);
        c = turned;
        expect(png_of(&c), text);
    }
    free(c.px);
}

static void test_jpeg_of_quality_fifty_is_read(void **state)
{
    (void)state;
    for (int scale = 2; scale <= 8; scale++) {
        struct canvas c = code(text, scale, 4);

        expect(jpeg_of(&c, 50), text);
        invert(&c);
        expect(jpeg_of(&c, 50), text);
        free(c.px);
    }
}

#ifdef GX_SLOW
enum { STRENGTH = 40, DEGREES = 25 };
#else
enum { STRENGTH = 20, DEGREES = 5 };
#endif

/* A few of the hardest may fail; most must not. */
static void test_noisy_pictures_are_nearly_always_read(void **state)
{
    unsigned read = 0, tries = 0;
    (void)state;

    for (int scale = 3; scale <= 6; scale++) {
        for (int strength = 40; strength <= 120; strength += STRENGTH) {
            struct canvas c = code(text, scale, 4);
            char back[GX_TOKEN_TEXT_MAX];
            struct file f;

            add_noise(&c, strength, (uint64_t)(scale * 1000 + strength));
            f = png_of(&c);
            if (read_file(back, f) == GX_OK) {
                assert_string_equal(back, text);
                read++;
            }
            tries++;
            free(f.p);
            free(c.px);
        }
    }
    print_message("noise: %u of %u read\n", read, tries);
    assert_true(10 * read >= 9 * tries);
}

static void test_pictures_as_a_phone_takes_them_are_nearly_always_read(void **state)
{
    unsigned read = 0, tries = 0;
    (void)state;

    for (int degrees = -25; degrees <= 25; degrees += DEGREES) {
        for (int zoom = 0; zoom < 3; zoom++) {
            struct canvas c = code(text, 4, 4);
            struct canvas photo = photograph(&c, degrees, 0.9 + 0.45 * zoom);
            char back[GX_TOKEN_TEXT_MAX];
            struct file f;

            add_noise(&photo, 12, (uint64_t)(100 * degrees + zoom));
            f = jpeg_of(&photo, 50);
            if (read_file(back, f) == GX_OK) {
                assert_string_equal(back, text);
                read++;
            }
            tries++;
            free(f.p);
            free(photo.px);
            free(c.px);
        }
    }
    print_message("photographs: %u of %u read\n", read, tries);
    assert_true(10 * read >= 9 * tries);
}

/* Twelve megapixels, the code in a corner. */
static void test_small_code_in_a_large_photograph_is_read(void **state)
{
    struct canvas c = blank(4000, 3000, 200);
    (void)state;

    put(&c, text, 2500, 1700, 9);
    expect(jpeg_of(&c, 80), text);
    free(c.px);
}

/* Modules of ten pixels and more, all over a very large picture: only a smaller copy shows them well. */
static void test_huge_code_is_read(void **state)
{
    struct canvas c = code(text, 60, 4);
    (void)state;

    expect(png_of(&c), text);
    free(c.px);
}

static void test_colours_are_read_as_grey(void **state)
{
    struct canvas grey = code(text, 3, 4);
    struct canvas c = {grey.w, grey.h, 3, malloc((size_t)(3 * grey.w * grey.h))};
    (void)state;

    assert_non_null(c.px);
    for (int i = 0; i < grey.w * grey.h; i++) {
        c.px[3 * i] = grey.px[i] ? 250 : 20;
        c.px[3 * i + 1] = grey.px[i] ? 230 : 20;
        c.px[3 * i + 2] = grey.px[i] ? 150 : 90;
    }
    expect(png_of(&c), text);
    expect(jpeg_of(&c, 50), text);
    free(c.px);
    free(grey.px);
}

/* Programs save codes as black or white on nothing; what lies beneath is then ours to choose. */
static void test_code_on_a_clear_ground_is_read_whether_black_or_white(void **state)
{
    struct canvas grey = code(text, 3, 4);
    struct canvas c = {grey.w, grey.h, 4, malloc((size_t)(4 * grey.w * grey.h))};
    (void)state;

    assert_non_null(c.px);
    for (int ink = 0; ink <= 255; ink += 255) {
        for (int i = 0; i < grey.w * grey.h; i++) {
            memset(c.px + 4 * i, ink, 3);
            c.px[4 * i + 3] = grey.px[i] ? 0 : 255;
        }
        expect(png_of(&c), text);
    }
    free(c.px);
    free(grey.px);
}

/* ---- which code ---- */

static void test_two_different_codes_are_ambiguous(void **state)
{
    struct canvas c = blank(500, 260, 255);
    char other[GX_TOKEN_TEXT_MAX];
    (void)state;

    sample(other, TEXT_CHARACTERS, 8);
    put(&c, text, 20, 30, 4);
    put(&c, other, 260, 30, 4);
    expect_err(png_of(&c), GX_E_AMBIGUOUS);
    expect_err(jpeg_of(&c, 90), GX_E_AMBIGUOUS);
    free(c.px);
}

static void test_same_code_twice_is_one_code(void **state)
{
    struct canvas c = blank(500, 260, 255);
    (void)state;

    put(&c, text, 20, 30, 4);
    put(&c, text, 260, 30, 4);
    expect(png_of(&c), text);
    free(c.px);
}

static void test_code_of_something_else_does_not_count(void **state)
{
    struct canvas c = blank(500, 260, 255);
    char back[GX_TOKEN_TEXT_MAX];
    struct file f;
    (void)state;

    put(&c, "HTTPS://EXAMPLE.ORG/", 20, 30, 4);
    expect_err(png_of(&c), GX_E_ABSENT);
    f = png_of(&c);
    assert_int_equal(gx_picture_read(back, sizeof back, gx_span(f.p, f.n), NULL), GX_OK);
    assert_string_equal(back, "HTTPS://EXAMPLE.ORG/");
    free(f.p);
    put(&c, text, 260, 30, 4);
    expect(png_of(&c), text);
    free(c.px);
}

static void test_code_longer_than_the_room_given_is_too_big(void **state)
{
    struct canvas c = code(text, 3, 4);
    struct file f = png_of(&c);
    char back[GX_TOKEN_TEXT_MAX];
    (void)state;

    assert_int_equal(gx_picture_read(back, TEXT_CHARACTERS, gx_span(f.p, f.n), "GX"), GX_E_TOO_BIG);
    assert_string_equal(back, "");
    assert_int_equal(gx_picture_read(back, TEXT_CHARACTERS + 1, gx_span(f.p, f.n), "GX"), GX_OK);
    free(f.p);
    free(c.px);
}

static void test_picture_without_a_code_has_none(void **state)
{
    (void)state;
    for (int side = 1; side <= 300; side = 2 * side + 1) {
        struct canvas c = blank(side, side, 255);

        expect_err(png_of(&c), GX_E_ABSENT);
        add_noise(&c, 255, 5);
        expect_err(png_of(&c), GX_E_ABSENT);
        free(c.px);
    }
}

static void test_file_over_sixteen_mebibytes_is_refused(void **state)
{
    struct canvas c = code(text, 2, 4);
    struct file f = png_of(&c);
    char back[GX_TOKEN_TEXT_MAX];
    (void)state;

    f.p = realloc(f.p, (16u << 20) + 1);
    assert_non_null(f.p);
    memset(f.p + f.n, 0, (16u << 20) + 1 - f.n);
    f.n = 16u << 20;
    assert_int_equal(read_file(back, f), GX_OK);       /* what follows the end of a PNG is nobody's */
    f.n++;
    assert_int_equal(read_file(back, f), GX_E_TOO_BIG);
    free(f.p);
    free(c.px);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_of_one_to_sixteen_pixels_a_module_is_read),
        cmocka_unit_test(test_white_on_black_is_read_at_every_scale),
        cmocka_unit_test(test_code_cut_out_without_its_margin_is_read),
        cmocka_unit_test(test_quarter_turns_are_read),
        cmocka_unit_test(test_jpeg_of_quality_fifty_is_read),
        cmocka_unit_test(test_noisy_pictures_are_nearly_always_read),
        cmocka_unit_test(test_pictures_as_a_phone_takes_them_are_nearly_always_read),
        cmocka_unit_test(test_small_code_in_a_large_photograph_is_read),
        cmocka_unit_test(test_huge_code_is_read),
        cmocka_unit_test(test_colours_are_read_as_grey),
        cmocka_unit_test(test_code_on_a_clear_ground_is_read_whether_black_or_white),
        cmocka_unit_test(test_two_different_codes_are_ambiguous),
        cmocka_unit_test(test_same_code_twice_is_one_code),
        cmocka_unit_test(test_code_of_something_else_does_not_count),
        cmocka_unit_test(test_code_longer_than_the_room_given_is_too_big),
        cmocka_unit_test(test_picture_without_a_code_has_none),
        cmocka_unit_test(test_file_over_sixteen_mebibytes_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
