/* Inside the store layer only: the tables as one list, what a store and a transaction are made of, and the few calls through which all
 * other files here reach LMDB.  SCHEMA §1. */
#ifndef GX_STORE_SCHEMA_H
#define GX_STORE_SCHEMA_H

#include <lmdb.h>

#include "proto/codec.h"
#include "store/env.h"
#include "store/tail.h"

/* Name in C, name in LMDB, key, value, when it is written.  Numbers in keys are big-endian, in values little-endian.  SCHEMA.md has the same
 * rows; tests/unit/store/test_env.c holds the two against each other. */
#define GX_TABLE_LIST(X)                                                                                                     \
    X(META, "meta", "name", "format and uuid; the next numbers", "by a new group or log, a chunk, the fold")                 \
    X(GROUP, "group", "gnum", "id, state, own membership", "when touched")                                                   \
    X(OP, "op", "gnum, cnum", "one control event: id, place, depth, arrival", "with its event")                              \
    X(JOIN, "join", "gnum", "token, wish for a name, doors to try", "while a join is under way")                             \
    X(INVITE, "invite", "gnum, token event id", "seed, hint", "when an invitation is made")                                  \
    X(DOOR, "door", "token event id", "port", "when a door opens")                                                           \
    X(ENDPOINT, "endpoint", "gnum, device", "signed record", "when a newer one is heard")                                    \
    X(HELD, "held", "lnum, device", "base seq, seq", "when a peer says so")                                                            \
    X(KNOWS, "knows", "lnum, cnum", "seq", "by a message that first knows an admission of its author")                       \
    X(ADDR, "addr", "family, address, port", "nothing", "by the person")                                                     \
    X(LOG, "log", "gnum, lnum", "member, device, base, head, counts", "once a touched log and step")                         \
    X(CONTACT, "contact", "ID_pk", "card, flags, names, doors, direct chats", "when a card is scanned or comes; by the person") \
    X(ASKED, "asked", "gnum", "who invited, as which member", "while a contact has to let this node in")                     \
    X(OFFERED, "offered", "gnum, ID_pk", "until when", "when a contact is invited")                                          \
    X(INVITED, "invited", "invite event id", "who invites, the group, its title", "while the person has to answer")          \
    X(REVEALED, "revealed", "gnum, M_pk", "ID_pk", "when a contact says which member it is")                                 \
    X(TOLD, "told", "reveal event id", "which member a contact says to be", "while that member is not known")                   \
    X(EPOCH, "epoch", "gnum, cnum", "state, and where each sender's chain is", "when it is heard of; by what is sealed under it") \
    X(PREKEY, "prekey", "gnum, public key", "its secret", "when this node makes one")                                           \
    X(KEPT, "kept", "gnum, cnum, log tag, place", "message key", "when a message is passed over")                                \
    X(KEY, "key", "gnum, arrival / 64", "message keys", "with each sealed event that can be opened")                                   \
    X(LOCKED, "locked", "gnum, lnum", "first and last event without a key, first not looked at", "when these change")            \
    X(WRAP, "wrap", "gnum", "the keys that the secret rows of a group are sealed under", "with its first such row; when keys are changed")        \
    X(JOURNAL, "journal", "arrival", "place, previous arrival, prev id, record", "each event that comes alone")              \
    X(SEGMENT, "segment", "gnum, lnum, first seq", "ids, offsets, arrivals, records", "chunks as received; by the fold")     \
    X(ARRIVAL, "arrival", "first arrival", "places: up to 500, or one run", "with each chunk; by the fold")

enum gx_table {
#define GX_X(name, text, key, value, written) GX_TABLE_##name,
    GX_TABLE_LIST(GX_X)
#undef GX_X
        GX_TABLE_COUNT
};
const char *gx_table_name(enum gx_table t);

struct gx_counters {
    uint64_t next_arrival;      /* all three from 1 */
    uint32_t next_gnum, next_lnum;
    uint64_t gone;              /* arrivals that no row names any more */
};

struct gx_store {
    MDB_env *env;
    MDB_dbi dbi[GX_TABLE_COUNT];
    struct gx_tails tails;
    bool writing;               /* a write transaction is open */
    bool read_only, volatile_store;
    unsigned flags;             /* LMDB's */
    size_t map_bytes;           /* as it was asked for; 0: by the disk */
    uint32_t begun;             /* write transactions so far: now and then the readers' table is cleaned */
    struct gx_wraps *wraps;     /* keys that are at hand; NULL: opened without a root key */
    struct gx_rng *rng;
    uint8_t uuid[16];
};

/* A key of a row: at most 36 bytes. */
struct gx_key {
    uint8_t b[40];
    size_t n;
};

/* A row that was opened, of one table: the value that was handed out last. */
#define GX_SEALED_TABLES 11u
struct gx_opened {
    uint8_t *p;
    size_t room;
    /* Which one it is: a row that is asked for again is not opened again.  A row that was put anew has another nonce. */
    struct gx_key key;
    uint8_t sealed[24 + 16];    /* its nonce, and the tag at its end */
};

struct gx_txn {
    struct gx_store *store;
    MDB_txn *mdb;
    bool write;
    bool tails_touched;         /* the tail index may hold what only this transaction knows */
    enum gx_err failed;         /* the first write that failed: commit returns it and undoes everything */
    struct gx_counters counters, counters_begun;
    struct gx_counters counters_row;    /* what the row in meta says: the journal may know of a later arrival */
    uint64_t used_bytes;        /* counted once by gx_txn_room, then added up; 0: not counted yet */
    bool wraps_touched;         /* keys at hand may be those of this transaction alone */
    struct gx_opened opened[GX_SEALED_TABLES];
};

#define GX_ENV_PATH_BYTES 4096u
#define GX_STORE_FRESH GX_STORE_FILE ".new"         /* whole before it is renamed */
enum gx_err gx_env_path(char out[GX_ENV_PATH_BYTES], const char *dir, const char *file) GX_MUST_CHECK;
/* The environment of a store that has none, and its tables.  *rc: LMDB's or the system's number when it fails. */
enum gx_err gx_env_open(struct gx_store *store, const char *dir, int *rc) GX_MUST_CHECK;
int gx_env_sync_dir(const char *dir) GX_MUST_CHECK;     /* 0, or errno */

/* Make all tables / open them all; of a store that lacks one, open returns GX_E_CORRUPT. */
enum gx_err gx_schema_create(MDB_txn *mdb, const uint8_t uuid[16]) GX_MUST_CHECK;
enum gx_err gx_schema_open(struct gx_store *store, MDB_txn *mdb) GX_MUST_CHECK;

enum gx_err gx_counters_read(struct gx_txn *txn, struct gx_counters *out) GX_MUST_CHECK;
enum gx_err gx_counters_write(struct gx_txn *txn, const struct gx_counters *c) GX_MUST_CHECK;
/* c as the row and the last key of the journal together tell it.  SCHEMA §2.1 */
enum gx_err gx_counters_follow(struct gx_txn *txn, struct gx_counters *c) GX_MUST_CHECK;

enum gx_err gx_lmdb_err(int rc) GX_MUST_CHECK;

/* Keys: built on the stack. */
struct gx_key gx_key_u32(uint32_t a);
struct gx_key gx_key_u32_u32(uint32_t a, uint32_t b);
struct gx_key gx_key_u32x3(uint32_t a, uint32_t b, uint32_t c);
struct gx_key gx_key_u32_u64(uint32_t a, uint64_t b);
struct gx_key gx_key_u64(uint64_t a);
struct gx_key gx_key_u32_id(uint32_t a, const uint8_t id[32]);
struct gx_key gx_key_id(const uint8_t id[32]);
/* The first key above `key` in LMDB's order. */
struct gx_key gx_key_after(const struct gx_key *key);

/* Values and keys handed out belong to LMDB: valid until the next write through txn or its end; the value of a table whose rows are sealed (SCHEMA §1.6)
 * also only until the next is read from that table.  A sealed row is GX_E_LOCKED without its key, and GX_E_CORRUPT when it does not open. */
enum gx_err gx_table_get(struct gx_txn *txn, struct gx_span *value, enum gx_table t, const struct gx_key *key) GX_MUST_CHECK;
/* The first row whose key is at least `from`, as it lies: gx_wrap_open is the caller's, once it knows that this is a row it looks for. */
enum gx_err gx_table_seek_raw(struct gx_txn *txn, struct gx_span *key, struct gx_span *raw, enum gx_table t, const struct gx_key *from) GX_MUST_CHECK;
/* The first row whose key is at least `from`; the last row whose key is at most `at`. */
enum gx_err gx_table_seek(struct gx_txn *txn, struct gx_span *key, struct gx_span *value, enum gx_table t, const struct gx_key *from) GX_MUST_CHECK;
enum gx_err gx_table_seek_back(struct gx_txn *txn, struct gx_span *key, struct gx_span *value, enum gx_table t, const struct gx_key *at) GX_MUST_CHECK;
/* Of the rows under `prefix` (n 0: of all), whose keys end in 32 bytes: the first above `after` (NULL: the first).
 * Returns GX_E_ABSENT at the end, GX_E_CORRUPT for a key of another length. */
enum gx_err gx_table_next(struct gx_txn *txn, struct gx_span *key, struct gx_span *value, enum gx_table t, const struct gx_key *prefix,
                          const uint8_t after[32]) GX_MUST_CHECK;
enum gx_err gx_table_put(struct gx_txn *txn, enum gx_table t, const struct gx_key *key, struct gx_span value) GX_MUST_CHECK;
/* Of a table without sealed rows: n bytes for the caller to fill before its next call.  append: the key is above all others (GX_E_CORRUPT when it is not). */
enum gx_err gx_table_reserve(struct gx_txn *txn, uint8_t **room, enum gx_table t, const struct gx_key *key, size_t n, bool append) GX_MUST_CHECK;
enum gx_err gx_table_del(struct gx_txn *txn, enum gx_table t, const struct gx_key *key) GX_MUST_CHECK;
enum gx_err gx_table_del_prefix(struct gx_txn *txn, enum gx_table t, const struct gx_key *prefix) GX_MUST_CHECK;
enum gx_err gx_table_clear(struct gx_txn *txn, enum gx_table t) GX_MUST_CHECK;
uint64_t gx_table_rows(struct gx_txn *txn, enum gx_table t);
/* Bytes of all pages that hold rows now; free pages inside the file do not count. */
uint64_t gx_table_bytes(struct gx_txn *txn);

/* A walk over a whole table in order of keys; values as they lie, sealed or not.  Nothing may be written to that table meanwhile. */
struct gx_scan {
    MDB_cursor *cursor;
};
enum gx_err gx_scan_begin(struct gx_scan *scan, struct gx_txn *txn, enum gx_table t) GX_MUST_CHECK;
enum gx_err gx_scan_next(struct gx_scan *scan, struct gx_span *key, struct gx_span *value) GX_MUST_CHECK;   /* GX_E_ABSENT at the end */
void gx_scan_end(struct gx_scan *scan);

#endif
