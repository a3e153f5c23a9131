/* Feed each file of a folder to a fuzz target, some of its truncations, and it with a byte too many: what was found once is looked at in every run of the
 * tests.
 *
 *   replay_<name> tests/fuzz/corpus/<name> [CUTS]       CUTS: how many truncations of a file, at most; 512, fewer where a run takes long */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_BYTES_MAX (128u * 1024u)

/* From memory of exactly that size, so that the sanitizer sees a read past the end. */
static void feed(const uint8_t *data, size_t n)
{
    uint8_t *exact = malloc(n > 0 ? n : 1);

    GX_ASSERT(exact != NULL);
    memcpy(exact, data, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

static size_t replay_file(const char *path, size_t cuts)
{
    static uint8_t data[INPUT_BYTES_MAX + 1];
    FILE *f = fopen(path, "rb");

    GX_ASSERT(f != NULL);
    size_t n = fread(data, 1, INPUT_BYTES_MAX, f);
    fclose(f);
    feed(data, n);
    if (cuts == 0)
        return n;
    for (size_t cut = 0; cut < n; cut += n / cuts + 1)
        feed(data, cut);
    data[n] = 0;
    feed(data, n + 1);
    return n;
}

/* A target that failed leaves none of its folders behind: those go at the exit. */
static void on_abort(int sig)
{
    (void)sig;
    exit(1);
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    size_t bytes = 0;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "use: %s <folder> [cuts]\n", argv[0]);
        return 2;
    }
    size_t cuts = argc == 3 ? strtoul(argv[2], NULL, 10) : 512;
    (void)signal(SIGABRT, on_abort);
    DIR *dir = opendir(argv[1]);
    if (dir == NULL) {
        fprintf(stderr, "%s: no such folder\n", argv[1]);
        return 2;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        bytes += replay_file(path, cuts);
        files++;
    }
    closedir(dir);
    printf("%u files, %zu bytes replayed\n", files, bytes);
    return files > 0 ? 0 : 1;
}
