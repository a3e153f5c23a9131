#include "store/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/codec.h"

/* The data format of LMDB 0.9 on a 64-bit little-endian machine, as far as it is needed here. */
#define PAGE_HEADER_BYTES 16u       /* pgno u64 | pad u16 | flags u16 | lower u16 | upper u16 (or pages u32 of an overflow) */
#define PAGE_BRANCH 0x01u
#define PAGE_LEAF 0x02u
#define PAGE_META 0x08u
#define META_BYTES 152u             /* header | magic u32 | version u32 | address u64 | mapsize u64 | db x 2 | last page u64 | txnid u64 */
#define META_MAGIC 0xbeefc0deu
#define META_VERSION 1u
#define NODE_HEADER_BYTES 8u        /* lo u16 | hi u16 | flags u16 | key size u16 */
#define NODE_BIGDATA 0x01u
#define PAGE_NONE UINT64_MAX
#define MISSING_MAX 65536u          /* a transaction that gives back more than 256 MiB at the very end does not happen */
#define DEPTH_MAX 32u

struct meta {
    uint32_t page_bytes;
    uint64_t root[2];               /* of the free list, of the main table */
    uint64_t last_page, txnid;
};

struct image {
    int fd;
    uint64_t pages;                 /* whole pages in the file */
    struct meta meta;
    uint8_t *missing;               /* one byte a page from `pages` to last_page: 1 until it is seen on the free list */
    uint64_t n_missing;
    uint64_t left;                  /* pages that may yet be read: each has one place in the tree of the free list, so no more than there are */
};

static enum gx_err read_at(int fd, uint8_t *out, size_t n, uint64_t at)
{
    while (n > 0) {
        ssize_t got = pread(fd, out, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? GX_E_CORRUPT : GX_E_STORE;
        out += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return GX_OK;
}

static enum gx_err meta_read(struct meta *out, int fd, uint64_t at, uint64_t pgno)
{
    uint8_t bytes[META_BYTES];
    enum gx_err err = read_at(fd, bytes, sizeof bytes, at);

    if (err != GX_OK)
        return err;
    struct gx_rd r = gx_rd(gx_span(bytes, sizeof bytes));
    bool right = gx_rd_u64(&r) == pgno;
    gx_rd_u16(&r);
    right = (gx_rd_u16(&r) & PAGE_META) != 0 && right;
    gx_rd_u32(&r);
    if (gx_rd_u32(&r) != META_MAGIC || !right)
        return GX_E_CORRUPT;
    if (gx_rd_u32(&r) != META_VERSION)
        return GX_E_VERSION;
    gx_rd_u64(&r);
    gx_rd_u64(&r);
    for (size_t i = 0; i < 2; i++) {
        uint32_t pad = gx_rd_u32(&r);
        if (i == 0)
            out->page_bytes = pad;
        gx_rd_u32(&r);
        gx_rd_span(&r, 32);
        out->root[i] = gx_rd_u64(&r);
    }
    out->last_page = gx_rd_u64(&r);
    out->txnid = gx_rd_u64(&r);
    return gx_rd_finish(&r) == GX_OK ? GX_OK : GX_E_CORRUPT;
}

static enum gx_err metas_read(struct image *im)
{
    struct meta m[2];
    enum gx_err err = meta_read(&m[0], im->fd, 0, 0);

    if (err != GX_OK)
        return err;
    if (m[0].page_bytes < 512 || m[0].page_bytes > 65536 || (m[0].page_bytes & (m[0].page_bytes - 1)) != 0)
        return GX_E_CORRUPT;
    err = meta_read(&m[1], im->fd, m[0].page_bytes, 1);
    if (err != GX_OK)
        return err;
    if (m[1].page_bytes != m[0].page_bytes)
        return GX_E_CORRUPT;
    im->meta = m[m[1].txnid > m[0].txnid];
    for (size_t i = 0; i < 2; i++)
        if (im->meta.root[i] != PAGE_NONE && (im->meta.root[i] < 2 || im->meta.root[i] > im->meta.last_page))
            return GX_E_CORRUPT;
    return im->meta.last_page < 1 ? GX_E_CORRUPT : GX_OK;
}

/* Pages that lead to each other, or many to one, would otherwise be read for ever. */
static bool may_read(struct image *im, uint64_t n)
{
    if (n > im->left)
        return false;
    im->left -= n;
    return true;
}

static enum gx_err page_read(struct image *im, uint8_t *out, uint64_t pgno)
{
    if (pgno < 2 || pgno >= im->pages || !may_read(im, 1))
        return GX_E_CORRUPT;
    return read_at(im->fd, out, im->meta.page_bytes, pgno * im->meta.page_bytes);
}

/* A list of free pages: count u64, then as many numbers. */
static enum gx_err list_mark(struct image *im, struct gx_span list)
{
    struct gx_rd r = gx_rd(list);
    uint64_t n = gx_rd_u64(&r);

    if (r.failed || n > r.left / 8)
        return GX_E_CORRUPT;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t pgno = gx_rd_u64(&r);
        if (pgno >= im->pages && pgno <= im->meta.last_page && im->missing[pgno - im->pages] != 0) {
            im->missing[pgno - im->pages] = 0;
            im->n_missing--;
        }
    }
    return GX_OK;
}

static enum gx_err big_list_mark(struct image *im, uint64_t pgno, size_t n)
{
    uint64_t end = pgno * im->meta.page_bytes + PAGE_HEADER_BYTES + n;

    if (pgno < 2 || pgno >= im->pages || end > im->pages * im->meta.page_bytes || !may_read(im, (PAGE_HEADER_BYTES + n - 1) / im->meta.page_bytes + 1))
        return GX_E_CORRUPT;
    uint8_t *list = malloc(n);
    if (list == NULL)
        return GX_E_MEMORY;
    enum gx_err err = read_at(im->fd, list, n, pgno * im->meta.page_bytes + PAGE_HEADER_BYTES);
    if (err == GX_OK)
        err = list_mark(im, gx_span(list, n));
    free(list);
    return err;
}

static enum gx_err tree_mark(struct image *im, uint64_t pgno, unsigned depth);

static enum gx_err node_mark(struct image *im, struct gx_span node, bool branch, unsigned depth)
{
    struct gx_rd r = gx_rd(node);
    uint32_t lo = gx_rd_u16(&r), hi = gx_rd_u16(&r), flags = gx_rd_u16(&r), key = gx_rd_u16(&r);

    if (branch)
        return r.failed ? GX_E_CORRUPT : tree_mark(im, lo | (uint64_t)hi << 16 | (uint64_t)flags << 32, depth + 1);
    gx_rd_span(&r, key);
    size_t n = lo | (size_t)hi << 16;
    if ((flags & NODE_BIGDATA) == 0) {
        struct gx_span list = gx_rd_span(&r, n);
        return r.failed ? GX_E_CORRUPT : list_mark(im, list);
    }
    uint64_t overflow = gx_rd_u64(&r);
    return r.failed ? GX_E_CORRUPT : big_list_mark(im, overflow, n);
}

/* Walk the tree of the free list below page pgno. */
static enum gx_err tree_mark(struct image *im, uint64_t pgno, unsigned depth)
{
    if (depth > DEPTH_MAX)
        return GX_E_CORRUPT;
    uint8_t *page = malloc(im->meta.page_bytes);
    if (page == NULL)
        return GX_E_MEMORY;
    enum gx_err err = page_read(im, page, pgno);
    if (err != GX_OK)
        goto out;

    struct gx_rd r = gx_rd(gx_span(page, im->meta.page_bytes));
    bool right = gx_rd_u64(&r) == pgno;
    gx_rd_u16(&r);
    uint32_t flags = gx_rd_u16(&r), lower = gx_rd_u16(&r);
    gx_rd_u16(&r);
    if (!right || (flags & (PAGE_BRANCH | PAGE_LEAF)) == 0 || lower < PAGE_HEADER_BYTES || lower > im->meta.page_bytes) {
        err = GX_E_CORRUPT;
        goto out;
    }
    for (uint32_t i = 0; err == GX_OK && i < (lower - PAGE_HEADER_BYTES) / 2; i++) {
        uint32_t at = gx_rd_u16(&r);
        err = at < PAGE_HEADER_BYTES || at > im->meta.page_bytes
                  ? GX_E_CORRUPT
                  : node_mark(im, gx_span(page + at, im->meta.page_bytes - at), (flags & PAGE_BRANCH) != 0, depth);
    }
out:
    free(page);
    return err;
}

/* Is all that the file lacks free? */
static enum gx_err missing_check(struct image *im)
{
    im->n_missing = im->meta.last_page + 1 - im->pages;
    if (im->n_missing > MISSING_MAX || im->meta.root[0] == PAGE_NONE)
        return GX_E_CORRUPT;
    im->missing = malloc(im->n_missing);
    if (im->missing == NULL)
        return GX_E_MEMORY;
    memset(im->missing, 1, im->n_missing);
    im->left = im->pages;
    enum gx_err err = tree_mark(im, im->meta.root[0], 0);
    free(im->missing);
    if (err != GX_OK)
        return err;
    return im->n_missing == 0 ? GX_OK : GX_E_CORRUPT;
}

/* The length is read last: a page is in the file before a meta page counts it, so a file that grows meanwhile is never too short. */
static enum gx_err look(struct image *im)
{
    struct stat st;
    enum gx_err err = metas_read(im);

    if (err != GX_OK)
        return err;
    if (fstat(im->fd, &st) != 0)
        return GX_E_STORE;
    im->pages = (uint64_t)st.st_size / im->meta.page_bytes;
    if (im->pages > im->meta.last_page)
        return GX_OK;
    /* However free it is said to be: it is the first page that LMDB reads. */
    return im->meta.root[1] != PAGE_NONE && im->meta.root[1] >= im->pages ? GX_E_CORRUPT : missing_check(im);
}

enum gx_err gx_image_check(const char *path, int *sys_errno)
{
    struct image im = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    struct stat st;

    *sys_errno = 0;
    if (im.fd < 0) {
        *sys_errno = errno;
        return errno == ENOENT ? GX_E_ABSENT : GX_E_STORE;
    }
    enum gx_err err = fstat(im.fd, &st) != 0 ? GX_E_STORE : S_ISREG(st.st_mode) ? GX_OK : GX_E_CORRUPT;
    if (err == GX_OK) {
        /* A node that writes beside us may change pages while we read them: damage stays, that does not. */
        for (unsigned tries = 0; tries < 3 && (tries == 0 || err == GX_E_CORRUPT); tries++)
            err = look(&im);
    }
    if (err == GX_E_STORE)
        *sys_errno = errno;
    close(im.fd);
    return err;
}
