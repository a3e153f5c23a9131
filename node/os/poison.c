#include "node/os/poison.h"

#include "crypto/hash.h"
#include "node/os/version.h"
#include "proto/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct gx_poison_page {
    uint8_t magic[8];
    volatile uint32_t progress;             /* index of the input the engine is at; UINT32_MAX: none */
    volatile uint32_t n;                    /* inputs of this step */
    volatile uint32_t crashed;              /* the signal it died of */
    uint32_t zero;
    uint8_t frames[GX_STEP_INPUTS_MAX][GX_POISON_HASH];     /* all 0: not a frame */
};

static const uint8_t page_magic[8] = "gx prog1";
static const uint8_t list_magic[8] = "gx pois1";
static const uint8_t no_frame[GX_POISON_HASH];

#define LIST_HEAD_BYTES (8u + 16u)
#define LIST_ENTRY_BYTES (GX_POISON_HASH + 1u)
#define LIST_BYTES_MAX (LIST_HEAD_BYTES + GX_POISON_MAX * LIST_ENTRY_BYTES)

/* For the signal handler, which has no other way to know. */
static struct gx_poison_page *page_of_process;
static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
static struct sigaction before[GX_ARRAY_LEN(deadly)];
static uint8_t signal_stack[65536];

/* Leave a note, then die as if nothing stood in between. */
static void on_deadly(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (page_of_process != NULL)
        page_of_process->crashed = (uint32_t)sig;
    for (size_t i = 0; i < GX_ARRAY_LEN(deadly); i++)
        (void)sigaction(deadly[i], &before[i], NULL);
    /* A fault of the machine comes again when this returns; one that was sent does not. */
    if (info->si_code <= 0)
        (void)raise(sig);
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_sigaction = on_deadly, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};

    sigemptyset(&action.sa_mask);
    (void)sigaltstack(&stack, NULL);
    for (size_t i = 0; i < GX_ARRAY_LEN(deadly); i++)
        (void)sigaction(deadly[i], &action, &before[i]);
}

static void version_mark(uint8_t out[16])
{
    uint8_t hash[32];

    gx_hash(hash, "gx-version", gx_span(GX_VERSION, sizeof GX_VERSION));
    memcpy(out, hash, 16);
}

/* A list that cannot be read is no list: it only saves a crash. */
static void list_read(struct gx_poison *p, const struct gx_home *home)
{
    uint8_t bytes[LIST_BYTES_MAX], version[16];
    size_t n;

    version_mark(version);
    if (gx_file_read(bytes, &n, sizeof bytes, home, "poison") != GX_OK || n < LIST_HEAD_BYTES ||
        (n - LIST_HEAD_BYTES) % LIST_ENTRY_BYTES != 0 || memcmp(bytes, list_magic, 8) != 0 || memcmp(bytes + 8, version, 16) != 0)
        return;
    p->n = (n - LIST_HEAD_BYTES) / LIST_ENTRY_BYTES;
    for (size_t i = 0; i < p->n; i++) {
        const uint8_t *at = bytes + LIST_HEAD_BYTES + i * LIST_ENTRY_BYTES;
        memcpy(p->entries[i].hash, at, GX_POISON_HASH);
        p->entries[i].strikes = at[GX_POISON_HASH];
    }
}

static bool list_write(const struct gx_poison *p, const struct gx_home *home)
{
    uint8_t bytes[LIST_BYTES_MAX];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    uint8_t version[16];

    version_mark(version);
    gx_wr_bytes(&w, list_magic, sizeof list_magic);
    gx_wr_bytes(&w, version, sizeof version);
    for (size_t i = 0; i < p->n; i++) {
        gx_wr_bytes(&w, p->entries[i].hash, GX_POISON_HASH);
        gx_wr_u8(&w, p->entries[i].strikes);
    }
    GX_ASSERT(!w.failed);
    return gx_file_replace(home, "poison", bytes, w.n, NULL) == GX_OK;
}

static struct gx_poison_entry *list_find(struct gx_poison *p, const uint8_t hash[GX_POISON_HASH])
{
    for (size_t i = 0; i < p->n; i++)
        if (memcmp(p->entries[i].hash, hash, GX_POISON_HASH) == 0)
            return &p->entries[i];
    return NULL;
}

static void strike(struct gx_poison *p, const uint8_t hash[GX_POISON_HASH], bool crashed)
{
    struct gx_poison_entry *entry = list_find(p, hash);

    if (entry == NULL) {
        if (p->n == GX_POISON_MAX)
            memmove(&p->entries[0], &p->entries[1], --p->n * sizeof p->entries[0]);
        entry = &p->entries[p->n++];
        memcpy(entry->hash, hash, GX_POISON_HASH);
        entry->strikes = 0;
    }
    if (crashed)
        entry->strikes = GX_POISON_KILLS;
    else if (entry->strikes < GX_POISON_KILLS)
        entry->strikes++;
}

bool gx_poison_open(struct gx_poison *p, bool *found, uint8_t hash[GX_POISON_HASH], const struct gx_home *home, struct gx_fail *why)
{
    char path[GX_PATH_MAX];

    memset(p, 0, sizeof *p);
    *found = false;
    gx_home_path(path, home, "progress");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    /* Allocated, so that a full disk cannot turn a note into SIGBUS. */
    int rc = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)sizeof *p->page);
    void *page = rc != 0 ? MAP_FAILED : mmap(NULL, sizeof *p->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (rc == 0 && page == MAP_FAILED)
        rc = errno;
    if (fd >= 0)
        close(fd);
    if (rc != 0)
        return gx_fail_errno(why, GX_EXIT_STORE, "io", rc, "cannot use %s", path);

    p->page = page;
    list_read(p, home);
    uint32_t at = p->page->progress;
    if (memcmp(p->page->magic, page_magic, 8) == 0 && p->page->n <= GX_STEP_INPUTS_MAX && at < p->page->n &&
        memcmp(p->page->frames[at], no_frame, GX_POISON_HASH) != 0) {
        memcpy(hash, p->page->frames[at], GX_POISON_HASH);
        strike(p, hash, p->page->crashed != 0);
        (void)list_write(p, home);
        *found = true;
    }
    memset(page, 0, sizeof *p->page);
    memcpy(p->page->magic, page_magic, sizeof page_magic);
    gx_poison_done(p);
    page_of_process = p->page;
    watch_signals();
    return true;
}

void gx_poison_close(struct gx_poison *p)
{
    if (p->page == NULL)
        return;
    gx_poison_done(p);
    for (size_t i = 0; i < GX_ARRAY_LEN(deadly); i++)
        (void)sigaction(deadly[i], &before[i], NULL);
    page_of_process = NULL;
    munmap(p->page, sizeof *p->page);
    p->page = NULL;
}

volatile uint32_t *gx_poison_progress(struct gx_poison *p)
{
    return &p->page->progress;
}

size_t gx_poison_batch(struct gx_poison *p, struct gx_input *inputs, size_t n)
{
    size_t kept = 0, unmarked = 0;

    GX_ASSERT(n <= GX_STEP_INPUTS_MAX);
    while (unmarked < n && !gx_input_is_marked(&inputs[unmarked]))
        unmarked++;
    if (unmarked == n)
        return n;               /* the page stays as it is, and nothing of it is written to the disk */
    for (size_t i = 0; i < n; i++) {
        uint8_t hash[32] = {0};

        if (gx_input_is_marked(&inputs[i])) {
            gx_hash(hash, "gx-frame-mark", inputs[i].bytes);
            const struct gx_poison_entry *entry = list_find(p, hash);
            if (entry != NULL && entry->strikes >= GX_POISON_KILLS) {
                p->skipped++;
                continue;
            }
        }
        memcpy(p->page->frames[kept], hash, GX_POISON_HASH);
        if (kept != i)
            inputs[kept] = inputs[i];
        kept++;
    }
    p->page->n = (uint32_t)kept;
    return kept;
}

void gx_poison_done(struct gx_poison *p)
{
    if (p->page->progress != UINT32_MAX)
        p->page->progress = UINT32_MAX;
    if (p->page->n != 0)
        p->page->n = 0;
}
