/* The two files by which a node learns what killed it.  Whatever stands in them: the list stays within its bounds, a frame that was named is on it, the next
 * start finds nothing named, and only what has its strikes is taken out of a step. */
#include "node/os/poison.h"
#include "crypto/hash.h"
#include "node/os/version.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/folder.h"

#include <fcntl.h>

static void put_file(const struct gx_home *home, const char *name, struct gx_span bytes)
{
    char path[GX_PATH_MAX];

    gx_home_path(path, home, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    GX_ASSERT(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    close(fd);
}

/* The head of a list of this version, unless the input brings its own. */
static void put_list(const struct gx_home *home, bool own, struct gx_span rest)
{
    static uint8_t bytes[24 + 4096];
    uint8_t version[32];
    size_t n = 0;

    if (!own) {
        gx_hash(version, "gx-version", gx_span(GX_VERSION, sizeof GX_VERSION));
        memcpy(bytes, "gx pois1", 8);
        memcpy(bytes + 8, version, 16);
        n = 24;
    }
    if (rest.n > sizeof bytes - n)
        rest.n = sizeof bytes - n;
    if (rest.n > 0)
        memcpy(bytes + n, rest.p, rest.n);
    put_file(home, "poison", gx_span(bytes, n + rest.n));
}

static const struct gx_poison_entry *entry_of(const struct gx_poison *p, const uint8_t hash[GX_POISON_HASH])
{
    for (size_t i = 0; i < p->n; i++)
        if (memcmp(p->entries[i].hash, hash, GX_POISON_HASH) == 0)
            return &p->entries[i];
    return NULL;
}

/* The second start reads what the first one wrote. */
static void start_twice(const struct gx_home *home)
{
    static struct gx_poison p, q;
    uint8_t hash[GX_POISON_HASH];
    struct gx_fail why;
    bool found = false, again = false;

    GX_ASSERT(gx_poison_open(&p, &found, hash, home, &why));
    GX_ASSERT(p.n <= GX_POISON_MAX && (!found || (entry_of(&p, hash) != NULL && entry_of(&p, hash)->strikes > 0)));
    gx_poison_close(&p);
    GX_ASSERT(gx_poison_open(&q, &again, hash, home, &why) && !again);
    GX_ASSERT(!found || (q.n == p.n && memcmp(q.entries, p.entries, p.n * sizeof p.entries[0]) == 0));

    uint8_t frame[] = {1, 2, 3};
    struct gx_input in[2] = {{.kind = GX_IN_FRAME, .bytes = gx_span(frame, sizeof frame)}, {.kind = GX_IN_TIMER}};
    size_t left = gx_poison_batch(&q, in, 2);
    GX_ASSERT(left + q.skipped == 2 && in[left - 1].kind == GX_IN_TIMER);
    gx_poison_done(&q);
    gx_poison_close(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gx_home home;
    struct fuzz_in in = {data, size};

    if (home.data[0] == 0) {
        char dir[FOLDER_MAX];

        GX_ASSERT(folder_make(dir));
        snprintf(home.data, sizeof home.data, "%s", dir);
    }
    bool own = (fuzz_u8(&in) & 1) != 0;
    struct gx_span list = fuzz_take(&in, fuzz_u16(&in));
    put_list(&home, own, list);
    put_file(&home, "progress", gx_span(in.p, in.left));
    start_twice(&home);
    return 0;
}
