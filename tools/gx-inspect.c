/* gx-inspect: what lies in a store, and what a frame says.  Reads only; a node may be running beside it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/print.h"
#include "store/check.h"
#include "store/rows.h"

#define LINE_BYTES 4096u

enum { EXIT_PROBLEMS = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "Usage: gx-inspect dump HOME [--group HEXPREFIX]   every event of the store in HOME, one line each\n"
    "       gx-inspect check HOME                      read and verify everything; problems to stderr\n"
    "       gx-inspect frame < BYTES                   what one frame says\n"
    "\n"
    "  -g, --group HEXPREFIX   only groups whose id begins so\n"
    "  -h, --help              this text\n"
    "\n"
    "HOME is the folder that holds " GX_STORE_FILE ".  Nothing is written.\n"
    "Exit status: 0, 1 when there are problems, 2 when the command line makes no sense.\n";

static struct gx_store *open_store(const char *home)
{
    const struct gx_store_options options = {.read_only = true};
    struct gx_store *store;
    int sys_errno;
    enum gx_err err = gx_store_open(&store, home, &options, &sys_errno);

    if (err == GX_E_STORE)
        fprintf(stderr, "gx-inspect: %s/%s: %s\n", home, GX_STORE_FILE, strerror(sys_errno));
    else if (err != GX_OK)
        fprintf(stderr, "gx-inspect: %s/%s: %s\n", home, GX_STORE_FILE, gx_err_text(err));
    return store;
}

static int failed(const char *what, enum gx_err err)
{
    fprintf(stderr, "gx-inspect: %s: %s\n", what, gx_err_text(err));
    return EXIT_PROBLEMS;
}

static bool begins_with(const struct gx_group_id *id, const char *prefix)
{
    char hex[GX_HEX_BYTES(sizeof id->b)];

    gx_hex(hex, id->b, sizeof id->b);
    return strncmp(hex, prefix, strlen(prefix)) == 0;
}

static void print_group(const struct gx_group_row *group)
{
    static const char *const states[] = {[GX_GROUP_JOINING] = "joining", [GX_GROUP_MEMBER] = "member", [GX_GROUP_LEFT] = "left", [GX_GROUP_REMOVED] = "removed"};
    char hex[GX_HEX_BYTES(sizeof group->id.b)];

    gx_hex(hex, group->id.b, sizeof group->id.b);
    printf("group %u %s %s\n", group->gnum, hex, states[group->state]);
}

static void print_log(const struct gx_log_row *row)
{
    char log[GX_HEX_BYTES(sizeof row->id.b)], device[GX_HEX_BYTES(sizeof row->device.b)];

    gx_hex(log, row->id.b, sizeof row->id.b);
    gx_hex(device, row->device.b, sizeof row->device.b);
    printf("log %u %s %s device %s base %u head %u messages %u unread %u dropped %u bytes %llu\n", row->lnum, log, row->cls == GX_LOG_CONTROL ? "control" : "messages",
           device, row->base_seq, row->head_seq, row->n_messages, row->n_messages - row->read_messages,
           row->base_seq - row->begun_seq, (unsigned long long)row->bytes);
}

/* The events of one chunk as the store gave it. */
static enum gx_err dump_chunk(struct gx_txn *txn, struct gx_span bytes, const struct gx_log_row *row, const struct gx_group_id *group)
{
    struct gx_chunk chunk;
    struct gx_chunk_iter it;
    struct gx_event ev;
    enum gx_err err = gx_chunk_decode(&chunk, bytes);

    if (err != GX_OK)
        return err;
    gx_chunk_begin(&it, &chunk, group);
    while ((err = gx_chunk_next(&it, &ev, NULL)) == GX_OK) {
        char line[LINE_BYTES];
        uint64_t arrival = 0;
        err = gx_events_arrival(txn, &arrival, row, (uint32_t)ev.seq);
        if (err != GX_OK)
            return err;
        gx_print_event(line, sizeof line, &ev);
        printf("%llu %s\n", (unsigned long long)arrival, line);
    }
    return err == GX_E_ABSENT ? GX_OK : err;
}

static enum gx_err dump_log(struct gx_txn *txn, const struct gx_log_row *row, const struct gx_group_id *group)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX];

    print_log(row);
    for (uint32_t seq = row->base_seq + 1; seq <= row->head_seq;) {
        struct gx_wr w = gx_wr(bytes, sizeof bytes);
        uint32_t next;
        enum gx_err err = gx_events_read_chunk(txn, &w, &next, row, group, seq, GX_CHUNK_EVENTS_MAX, GX_CHUNK_BYTES_MAX);
        if (err == GX_OK)
            err = dump_chunk(txn, gx_wr_span(&w), row, group);
        if (err != GX_OK) {
            fprintf(stderr, "gx-inspect: log %u from event %u on: %s\n", row->lnum, seq, gx_err_text(err));
            return err;
        }
        seq = next;
    }
    return GX_OK;
}

static int dump(struct gx_txn *txn, const char *prefix)
{
    struct gx_group_row group = {0};
    int status = 0;
    enum gx_err err;

    while ((err = gx_group_next(txn, &group, group.gnum)) == GX_OK) {
        struct gx_log_row row = {0};
        if (!begins_with(&group.id, prefix))
            continue;
        print_group(&group);
        while ((err = gx_log_next(txn, &row, group.gnum, row.lnum)) == GX_OK)
            if (dump_log(txn, &row, &group.id) != GX_OK)
                status = EXIT_PROBLEMS;
        if (err != GX_E_ABSENT)
            return failed("a row of the table of logs", err);
    }
    return err == GX_E_ABSENT ? status : failed("a row of the table of groups", err);
}

static void say(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "%s\n", line);
}

static int check(struct gx_txn *txn)
{
    struct gx_check_report r;
    enum gx_err err = gx_store_check(txn, &r, say, NULL);

    if (err != GX_OK)
        return failed("the check could not end", err);
    printf("groups %llu, logs %llu, events %llu, segments %llu, journal %llu, operations %llu, sealed rows %llu, problems %llu\n", (unsigned long long)r.groups,
           (unsigned long long)r.logs, (unsigned long long)r.events, (unsigned long long)r.segments, (unsigned long long)r.journal,
           (unsigned long long)r.ops, (unsigned long long)r.unopened, (unsigned long long)r.problems);
    return r.problems == 0 ? 0 : EXIT_PROBLEMS;
}

/* Runs on one snapshot.  It may take longer than a node's reads may: pages freed meanwhile wait for it. */
static int with_store(const char *home, const char *prefix, bool checking)
{
    struct gx_store *store = open_store(home);
    struct gx_txn *txn;

    if (store == NULL)
        return EXIT_PROBLEMS;
    enum gx_err err = gx_txn_begin(&txn, store, false);
    int status = err != GX_OK ? failed("reading", err) : checking ? check(txn) : dump(txn, prefix);
    gx_txn_abort(&txn);
    gx_store_close(store);
    return status;
}

static int frame(void)
{
    static uint8_t bytes[GX_FRAME_BYTES_MAX + 1];
    char line[LINE_BYTES];
    struct gx_frame f;
    size_t n = fread(bytes, 1, sizeof bytes, stdin);

    if (ferror(stdin)) {
        fprintf(stderr, "gx-inspect: stdin: %s\n", strerror(errno));
        return EXIT_PROBLEMS;
    }
    enum gx_err err = n > GX_FRAME_BYTES_MAX ? GX_E_TOO_BIG : gx_frame_decode(&f, gx_span(bytes, n));
    if (err != GX_OK)
        return failed("the frame", err);
    gx_print_frame(line, sizeof line, &f);
    printf("%s\n", line);
    return 0;
}

static int wrong_usage(void)
{
    fputs(usage, stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"group", required_argument, NULL, 'g'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *prefix = "";
    int c;

    while ((c = getopt_long(argc, argv, "g:h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (c != 'g')
            return wrong_usage();
        prefix = optarg;
    }
    const char *verb = optind < argc ? argv[optind] : "";
    int n_args = argc - optind - 1;
    int status;
    if (strcmp(verb, "dump") == 0 && n_args == 1)
        status = with_store(argv[optind + 1], prefix, false);
    else if (strcmp(verb, "check") == 0 && n_args == 1 && *prefix == 0)
        status = with_store(argv[optind + 1], prefix, true);
    else if (strcmp(verb, "frame") == 0 && n_args == 0 && *prefix == 0)
        status = frame();
    else
        return wrong_usage();
    if (fflush(stdout) != 0) {
        fprintf(stderr, "gx-inspect: stdout: %s\n", strerror(errno));
        return EXIT_PROBLEMS;
    }
    return status;
}
