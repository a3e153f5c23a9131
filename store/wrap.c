#include "store/wrap.h"

#include <stdlib.h>

#include "store/rows.h"

/* What is sealed is named by table and key, so that rows do not change places. */
#define AAD_BYTES (1u + 16u + sizeof(((struct gx_key *)0)->b))
#define PAIR_BYTES 64u
#define WRAP_ROW_BYTES (PAIR_BYTES + GX_SEAL_BYTES)
#define HELD_MAX 48u                /* a page of secret memory; who is in more groups looks the others up */

struct pair {
    uint32_t gnum;
    struct gx_wrap_key wrap, archive;
    bool changed;                   /* rows under `wrap` were put or deleted since it was made or taken up */
};

struct gx_wraps {
    struct gx_root_key root;
    bool due;                       /* to be changed soon: keys of a forgotten group are among those of before */
    bool all_changed;               /* which of those that are not at hand any more changed is not known */
    uint32_t n;
    struct pair held[HELD_MAX];
};

/* By which number the rows of a table are sealed. */
enum by { CLEAR, BY_GROUP, BY_ARCHIVE, BY_PERSON };

static const uint8_t sealed_by[GX_TABLE_COUNT] = {
    [GX_TABLE_JOIN] = BY_GROUP,     [GX_TABLE_INVITE] = BY_GROUP, [GX_TABLE_ASKED] = BY_GROUP,  [GX_TABLE_REVEALED] = BY_GROUP,
    [GX_TABLE_EPOCH] = BY_GROUP,    [GX_TABLE_PREKEY] = BY_GROUP, [GX_TABLE_KEPT] = BY_GROUP,   [GX_TABLE_KEY] = BY_ARCHIVE,
    [GX_TABLE_CONTACT] = BY_PERSON, [GX_TABLE_TOLD] = BY_PERSON,  [GX_TABLE_INVITED] = BY_PERSON,
};

bool gx_wrap_seals(enum gx_table t)
{
    return sealed_by[t] != CLEAR;
}

/* --- keys ---------------------------------------------------------------------------------------------------------------------------- */

static size_t write_aad(uint8_t out[AAD_BYTES], enum gx_table t, struct gx_span key)
{
    size_t n = strlen(gx_table_name(t));

    GX_ASSERT(n <= 16 && key.n <= AAD_BYTES - 17);
    out[0] = (uint8_t)n;
    memcpy(out + 1, gx_table_name(t), n);
    memcpy(out + 1 + n, key.p, key.n);
    return 1 + n + key.n;
}

/* out: text.n + GX_SEAL_BYTES. */
static void seal(uint8_t *out, struct gx_store *store, const uint8_t key[32], enum gx_table t, struct gx_span row_key, struct gx_span text)
{
    struct gx_aead_nonce nonce;
    uint8_t aad[AAD_BYTES];
    size_t n = write_aad(aad, t, row_key);

    GX_ASSERT(store->rng != NULL);
    gx_rng_fill(store->rng, nonce.b, sizeof nonce.b);
    memcpy(out, nonce.b, sizeof nonce.b);
    gx_aead_seal(out + sizeof nonce.b, key, &nonce, gx_span(aad, n), text);
}

/* out: sealed.n - GX_SEAL_BYTES. */
static enum gx_err unseal(uint8_t *out, const uint8_t key[32], enum gx_table t, struct gx_span row_key, struct gx_span sealed)
{
    struct gx_aead_nonce nonce;
    uint8_t aad[AAD_BYTES];

    if (sealed.n < GX_SEAL_BYTES || row_key.n > AAD_BYTES - 17)
        return GX_E_CORRUPT;
    size_t n = write_aad(aad, t, row_key);
    memcpy(nonce.b, sealed.p, sizeof nonce.b);
    return gx_aead_open(out, key, &nonce, gx_span(aad, n), gx_span(sealed.p + sizeof nonce.b, sealed.n - sizeof nonce.b)) ? GX_OK : GX_E_CORRUPT;
}

static enum gx_err pair_put(struct gx_txn *txn, const struct pair *pair, const struct gx_root_key *root)
{
    struct gx_key key = gx_key_u32(pair->gnum);
    uint8_t both[PAIR_BYTES], row[WRAP_ROW_BYTES];

    memcpy(both, pair->wrap.b, 32);
    memcpy(both + 32, pair->archive.b, 32);
    seal(row, txn->store, root->b, GX_TABLE_WRAP, gx_span(key.b, key.n), gx_span(both, sizeof both));
    gx_wipe(both, sizeof both);
    txn->wraps_touched = true;
    return gx_table_put(txn, GX_TABLE_WRAP, &key, gx_span(row, sizeof row));
}

static enum gx_err pair_decode(struct pair *out, const struct gx_root_key *root, struct gx_span key, struct gx_span row)
{
    uint8_t both[PAIR_BYTES];

    if (key.n != 4 || row.n != WRAP_ROW_BYTES || unseal(both, root->b, GX_TABLE_WRAP, key, row) != GX_OK)
        return GX_E_CORRUPT;
    *out = (struct pair){.gnum = gx_get_be32(key.p)};
    memcpy(out->wrap.b, both, 32);
    memcpy(out->archive.b, both + 32, 32);
    gx_wipe(both, sizeof both);
    return GX_OK;
}

enum gx_err gx_wrap_check(struct gx_txn *txn, struct gx_span key)
{
    struct gx_key own = {.n = key.n};
    struct gx_span row;
    struct pair pair;

    if (key.n != 4)
        return GX_E_CORRUPT;
    memcpy(own.b, key.p, key.n);
    enum gx_err err = gx_table_get(txn, &row, GX_TABLE_WRAP, &own);
    if (err == GX_OK)
        err = pair_decode(&pair, &txn->store->wraps->root, key, row);
    gx_wipe(&pair, sizeof pair);
    return err;
}

static void drop_held(struct gx_wraps *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        w->all_changed = w->all_changed || w->held[i].changed;
    gx_wipe(w->held, sizeof w->held);
    w->n = 0;
}

/* The keys of a group.  make: where it has none yet. */
static enum gx_err pair_of(struct gx_txn *txn, struct pair **out, uint32_t gnum, bool make)
{
    struct gx_wraps *w = txn->store->wraps;
    struct gx_key key = gx_key_u32(gnum);
    struct gx_span row;

    if (w == NULL)
        return GX_E_LOCKED;
    for (uint32_t i = 0; i < w->n; i++)
        if (w->held[i].gnum == gnum) {
            *out = &w->held[i];
            return GX_OK;
        }
    if (w->n == HELD_MAX)
        drop_held(w);               /* they are looked up again */
    struct pair *pair = &w->held[w->n];
    enum gx_err err = gx_table_get(txn, &row, GX_TABLE_WRAP, &key);
    if (err == GX_OK) {
        err = pair_decode(pair, &w->root, gx_span(key.b, key.n), row);
    } else if (err == GX_E_ABSENT && make) {
        *pair = (struct pair){.gnum = gnum};
        GX_ASSERT(txn->store->rng != NULL);
        gx_rng_fill(txn->store->rng, pair->wrap.b, sizeof pair->wrap.b);
        gx_rng_fill(txn->store->rng, pair->archive.b, sizeof pair->archive.b);
        err = pair_put(txn, pair, &w->root);
    } else if (err == GX_E_ABSENT) {
        err = GX_E_CORRUPT;         /* there is a sealed row, and not the key it was sealed with */
    }
    if (err != GX_OK)
        return err;
    w->n++;
    *out = pair;
    return GX_OK;
}

/* Number and key of the rows that stand there. */
static enum gx_err key_of(struct gx_txn *txn, const uint8_t **out, enum gx_table t, struct gx_span row_key, bool write)
{
    struct pair *pair;

    enum gx_err err = pair_of(txn, &pair, sealed_by[t] == BY_PERSON || row_key.n < 4 ? 0 : gx_get_be32(row_key.p), write);
    if (err != GX_OK)
        return err;
    *out = sealed_by[t] == BY_ARCHIVE ? pair->archive.b : pair->wrap.b;
    if (write && sealed_by[t] != BY_ARCHIVE)
        pair->changed = true;
    return GX_OK;
}

/* --- rows ---------------------------------------------------------------------------------------------------------------------------- */

static struct gx_opened *place_of(struct gx_txn *txn, enum gx_table t, size_t n)
{
    struct gx_opened *place = txn->opened;

    for (size_t i = 0; i < (size_t)t; i++)
        place += gx_wrap_seals((enum gx_table)i) ? 1 : 0;
    if (place->room >= n)
        return place;
    uint8_t *p = malloc(2 * n);
    if (p == NULL)
        return NULL;
    if (place->p != NULL)
        gx_wipe(place->p, place->room);
    free(place->p);
    *place = (struct gx_opened){.p = p, .room = 2 * n};
    return place;
}

static bool is_open(const struct gx_opened *place, struct gx_span key, struct gx_span raw)
{
    return place->key.n == key.n && key.n > 0 && memcmp(place->key.b, key.p, key.n) == 0 && memcmp(place->sealed, raw.p, 24) == 0 &&
           memcmp(place->sealed + 24, raw.p + raw.n - 16, 16) == 0;
}

static void remember(struct gx_opened *place, struct gx_span key, struct gx_span raw)
{
    place->key.n = key.n;
    memcpy(place->key.b, key.p, key.n);
    memcpy(place->sealed, raw.p, 24);
    memcpy(place->sealed + 24, raw.p + raw.n - 16, 16);
}

enum gx_err gx_wrap_open(struct gx_txn *txn, struct gx_span *value, enum gx_table t, struct gx_span key, struct gx_span raw)
{
    const uint8_t *k;

    *value = raw;
    if (!gx_wrap_seals(t))
        return GX_OK;
    if (raw.n < GX_SEAL_BYTES)
        return GX_E_CORRUPT;
    enum gx_err err = key_of(txn, &k, t, key, false);
    if (err != GX_OK)
        return err;
    struct gx_opened *place = place_of(txn, t, raw.n);
    if (place == NULL)
        return GX_E_MEMORY;
    *value = gx_span(place->p, raw.n - GX_SEAL_BYTES);
    if (is_open(place, key, raw))
        return GX_OK;
    place->key.n = 0;
    err = unseal(place->p, k, t, key, raw);
    if (err == GX_OK)
        remember(place, key, raw);
    return err;
}

enum gx_err gx_wrap_put(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, struct gx_span value)
{
    struct gx_span row_key = gx_span(key->b, key->n);
    const uint8_t *k;
    uint8_t *room;
    enum gx_err err = key_of(txn, &k, t, row_key, true);

    if (err == GX_OK)
        err = gx_table_reserve(txn, &room, t, key, value.n + GX_SEAL_BYTES, false);
    if (err == GX_OK)
        seal(room, txn->store, k, t, row_key, value);
    return err;
}

enum gx_err gx_wrap_deleted(struct gx_txn *txn, enum gx_table t, const struct gx_key *key)
{
    const uint8_t *k;

    return gx_wrap_seals(t) ? key_of(txn, &k, t, gx_span(key->b, key->n), true) : GX_OK;
}

enum gx_err gx_wrap_seal_field(struct gx_txn *txn, uint8_t *out, enum gx_table t, uint32_t gnum, struct gx_span text)
{
    struct gx_key key = gx_key_u32(gnum);
    struct pair *pair;
    enum gx_err err = pair_of(txn, &pair, gnum, true);

    if (err != GX_OK)
        return err;
    pair->changed = true;
    seal(out, txn->store, pair->wrap.b, t, gx_span(key.b, key.n), text);
    return GX_OK;
}

enum gx_err gx_wrap_open_field(struct gx_txn *txn, uint8_t *out, enum gx_table t, uint32_t gnum, struct gx_span sealed)
{
    struct gx_key key = gx_key_u32(gnum);
    struct pair *pair;
    enum gx_err err = pair_of(txn, &pair, gnum, false);

    return err == GX_OK ? unseal(out, pair->wrap.b, t, gx_span(key.b, key.n), sealed) : err;
}

enum gx_err gx_wrap_forget(struct gx_txn *txn, uint32_t gnum)
{
    struct gx_wraps *w = txn->store->wraps;
    struct gx_key key = gx_key_u32(gnum);

    if (w == NULL)
        return GX_E_LOCKED;
    txn->wraps_touched = true;
    drop_held(w);
    w->due = true;
    enum gx_err err = gx_table_del(txn, GX_TABLE_WRAP, &key);
    return err == GX_E_ABSENT ? GX_OK : err;
}

void gx_wraps_end(struct gx_txn *txn, bool undone)
{
    for (size_t i = 0; i < GX_SEALED_TABLES; i++) {
        if (txn->opened[i].p != NULL)
            gx_wipe(txn->opened[i].p, txn->opened[i].room);
        free(txn->opened[i].p);
    }
    if (undone && txn->wraps_touched)
        drop_held(txn->store->wraps);
}

/* --- the root key ------------------------------------------------------------------------------------------------------------------- */

enum gx_err gx_wraps_open(struct gx_store *store, const struct gx_store_options *options)
{
    struct gx_key from = gx_key_u32(0);
    struct gx_span key, row;
    struct pair pair;
    struct gx_txn *txn;

    GX_ASSERT(options->n_roots <= 2);
    store->rng = options->rng;
    if (options->n_roots == 0)
        return GX_OK;
    struct gx_wraps *w = gx_secret_alloc(sizeof *w);
    if (w == NULL)
        return GX_E_MEMORY;
    store->wraps = w;
    w->all_changed = true;          /* since the keys were changed last, as far as anybody remembers */
    w->root = options->roots[options->n_roots - 1];     /* nothing is sealed yet: the newest */
    enum gx_err err = gx_txn_begin(&txn, store, false);
    if (err != GX_OK)
        return err;
    err = gx_table_seek(txn, &key, &row, GX_TABLE_WRAP, &from);
    for (size_t i = 0; err == GX_OK && i < options->n_roots; i++) {
        if (pair_decode(&pair, &options->roots[i], key, row) == GX_OK) {
            w->root = options->roots[i];
            break;
        }
        if (i + 1 == options->n_roots)
            err = GX_E_LOCKED;
    }
    gx_wipe(&pair, sizeof pair);
    gx_txn_abort(&txn);
    return err == GX_E_ABSENT ? GX_OK : err;
}

void gx_wraps_close(struct gx_store *store)
{
    gx_secret_free(store->wraps);
    store->wraps = NULL;
}

bool gx_store_rewrap_due(const struct gx_store *store)
{
    return store->wraps != NULL && store->wraps->due;
}

bool gx_store_root_is(const struct gx_store *store, const struct gx_root_key *root)
{
    return store->wraps != NULL && gx_equal_ct(store->wraps->root.b, root->b, sizeof root->b);
}

/* The rows of one table under that number, opened with the keys of now and sealed with the new one. */
static enum gx_err reseal_table(struct gx_txn *txn, enum gx_table t, uint32_t gnum, const struct gx_wrap_key *next)
{
    struct gx_key at = sealed_by[t] == BY_PERSON ? (struct gx_key){.n = 1} : gx_key_u32(gnum);
    struct gx_span key, value;
    enum gx_err err = GX_OK;

    while ((err = gx_table_seek_raw(txn, &key, &value, t, &at)) == GX_OK && (sealed_by[t] == BY_PERSON || (key.n >= 4 && gx_get_be32(key.p) == gnum))) {
        uint8_t *room;

        if (key.n >= sizeof at.b)
            return GX_E_CORRUPT;
        at.n = key.n;
        memcpy(at.b, key.p, key.n);
        err = gx_wrap_open(txn, &value, t, key, value);
        if (err == GX_OK)
            err = gx_table_reserve(txn, &room, t, &at, value.n + GX_SEAL_BYTES, false);
        if (err != GX_OK)
            return err;
        seal(room, txn->store, next->b, t, gx_span(at.b, at.n), value);
        at = gx_key_after(&at);
    }
    return err == GX_E_ABSENT ? GX_OK : err;
}

/* All rows of that number under a new wrap key, which is then the one at hand. */
static enum gx_err reseal_group(struct gx_txn *txn, uint32_t gnum)
{
    struct gx_group_row row = {.gnum = 0};
    struct gx_wrap_key next;
    struct pair *pair;
    enum gx_err err = gnum == 0 ? GX_E_ABSENT : gx_group_next(txn, &row, gnum - 1);
    bool has_row = err == GX_OK && row.gnum == gnum;

    err = err == GX_E_ABSENT ? GX_OK : err;
    gx_rng_fill(txn->store->rng, next.b, sizeof next.b);
    for (size_t t = 0; t < GX_TABLE_COUNT && err == GX_OK; t++)
        if (sealed_by[t] == (gnum == 0 ? BY_PERSON : BY_GROUP))
            err = reseal_table(txn, (enum gx_table)t, gnum, &next);
    if (err == GX_OK)
        err = pair_of(txn, &pair, gnum, false);
    if (err == GX_OK)
        pair->wrap = next;
    if (err == GX_OK && has_row)
        err = gx_group_put(txn, &row);
    gx_wipe(&row, sizeof row);
    gx_wipe(&next, sizeof next);
    return err;
}

static enum gx_err rewrap_all(struct gx_txn *txn, const struct gx_root_key *next)
{
    bool all = txn->store->wraps->all_changed;
    struct gx_span key, row;
    uint32_t gnum = 0;
    enum gx_err err;

    for (;;) {
        struct gx_key from = gx_key_u32(gnum);
        struct pair *pair;

        err = gx_table_seek(txn, &key, &row, GX_TABLE_WRAP, &from);
        if (err != GX_OK)
            return err == GX_E_ABSENT ? GX_OK : err;
        if (key.n != 4)
            return GX_E_CORRUPT;
        gnum = gx_get_be32(key.p);
        err = pair_of(txn, &pair, gnum, false);
        if (err == GX_OK && (all || pair->changed))
            err = reseal_group(txn, gnum);
        if (err == GX_OK)
            err = pair_of(txn, &pair, gnum, false);
        if (err == GX_OK)
            err = pair_put(txn, pair, next);
        if (err != GX_OK || gnum == UINT32_MAX)
            return err;
        gnum++;
    }
}

enum gx_err gx_store_rewrap(struct gx_store *store, const struct gx_root_key *next)
{
    struct gx_wraps *w = store->wraps;
    struct gx_txn *txn;

    if (w == NULL)
        return GX_E_LOCKED;
    enum gx_err err = gx_txn_begin(&txn, store, true);
    if (err != GX_OK)
        return err;
    txn->wraps_touched = true;
    err = rewrap_all(txn, next);
    if (err == GX_OK)
        err = gx_txn_commit(&txn);
    else
        gx_txn_abort(&txn);
    if (err != GX_OK)
        return err;
    w->root = *next;
    w->due = w->all_changed = false;
    for (uint32_t i = 0; i < w->n; i++)
        w->held[i].changed = false;
    return GX_OK;
}
