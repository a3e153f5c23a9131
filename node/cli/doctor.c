/* doctor: is this home in good order?  Each thing that is looked at is one line: what was found, and what to do about it. */
#include "node/cli/doctor.h"

#include "node/os/disk.h"
#include "node/os/open.h"
#include "node/os/system.h"
#include "store/check.h"

#include <stdarg.h>
#include <sys/stat.h>

#define LOCK_WAIT_MS 2000u

void gx_exam_found(struct gx_exam *x, const char *name, const char *state, const char *hint, const char *format, ...)
{
    char text[1200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    x->bad = x->bad || strcmp(state, "bad") == 0;
    json_t *check = json_pack("{s:s, s:s, s:s}", "name", name, "state", state, "text", text);
    if (hint != NULL)
        (void)json_object_set_new(check, "hint", json_string(hint));
    (void)json_array_append_new(x->checks, check);
}

static void look_at_vault(struct gx_exam *x)
{
    const struct gx_home *home = &x->cli->home;
    struct gx_passphrase none = {.n = 0};
    struct gx_vault *vault = NULL;
    struct gx_fail why;

    if (gx_vault_asks(home)) {
        gx_exam_found(x, "vault", "ok", NULL, "it has a passphrase");
    } else if (gx_vault_open(&vault, home, &none, &why)) {
        gx_exam_found(x, "vault", "warn", "guanxi passwd sets a passphrase", "there is no passphrase: whoever reads this disk reads your messages");
    } else {
        gx_exam_found(x, "vault", "bad", why.hint[0] == 0 ? NULL : why.hint, "%s", why.message);
    }
    gx_vault_close(vault);
}

static void look_at_disk(struct gx_exam *x)
{
    char name[24];
    enum gx_disk disk = gx_disk_look(x->cli->home.data, name);
    const char *hint = "use disk encryption";

    if (disk == GX_DISK_ERASES)
        gx_exam_found(x, "disk", "ok", NULL, "the file system (%s) writes in place: keys that are written over are gone", name);
    else if (disk == GX_DISK_KEEPS)
        gx_exam_found(x, "disk", "warn", hint, "the file system (%s) does not write in place: old keys stay on the disk, and what was deleted can be found by who has it",
              name);
    else
        gx_exam_found(x, "disk", "warn", hint, "nobody knows whether the file system (%s) writes in place: old keys may stay on the disk", name);
    if (gx_disk_swaps())
        gx_exam_found(x, "swap", "warn", "encrypt it, or switch it off", "there is swap: message keys that are in use may be written into it");
    else
        gx_exam_found(x, "swap", "ok", NULL, "there is none");
}

static void look_at_files(struct gx_exam *x)
{
    static const char *const names[] = {"vault", "vault.key", "incarnation", "store.mdb", "log", "log.1"};
    const struct gx_home *home = &x->cli->home;
    char path[GX_PATH_MAX];
    struct stat st;
    unsigned open_to_others = 0;

    for (size_t i = 0; i < GX_ARRAY_LEN(names); i++) {
        gx_home_path(path, home, names[i]);
        if (lstat(path, &st) != 0 || (st.st_mode & 077) == 0)
            continue;
        gx_exam_found(x, "rights", "bad", "chmod go= on it", "others may read %s", path);
        open_to_others++;
    }
    if (open_to_others == 0)
        gx_exam_found(x, "rights", "ok", NULL, "no file is open to others");
    gx_home_path(path, home, "recovery-words.txt");
    if (lstat(path, &st) == 0)
        gx_exam_found(x, "words", "warn", "copy them to paper, and delete the file", "the recovery words are still in %s", path);
}

/* Everything but what is sealed.  Not beside a running node: a long look at the store keeps it from using its free pages. */
static void check_store(struct gx_exam *x)
{
    const struct gx_home *home = &x->cli->home;
    struct gx_check_report report = {0};
    struct gx_store *store = NULL;
    struct gx_txn *txn = NULL;
    struct gx_fail why;
    uint8_t uuid[16];

    if (!gx_open_store(&store, uuid, home, NULL, NULL, true, &why)) {
        gx_exam_found(x, "store", "bad", why.hint[0] == 0 ? NULL : why.hint, "%s", why.message);
        return;
    }
    enum gx_err err = gx_txn_begin(&txn, store, false);
    if (err == GX_OK)
        err = gx_store_check(txn, &report, NULL, NULL);
    gx_txn_abort(&txn);
    gx_store_close(store);
    if (err != GX_OK)
        gx_exam_found(x, "store", "bad", NULL, "it cannot be read: %s", gx_err_text(err));
    else if (report.problems > 0)
        gx_exam_found(x, "store", "bad", "gx-inspect check says which; put back a copy of store.mdb, or join again", "%ju problems in %ju events",
              (uintmax_t)report.problems, (uintmax_t)report.events);
    else
        gx_exam_found(x, "store", "ok", NULL, "%ju events are whole, and their signatures hold", (uintmax_t)report.events);
}

static void look_at_store(struct gx_exam *x)
{
    struct gx_lock lock;
    struct gx_fail why;

    if (gx_cli_node_up(x->cli)) {
        gx_exam_found(x, "store", "ok", NULL, "the node is running, and looks at what it reads; all of it is read with the node down");
    } else if (!gx_lock_take(&lock, &x->cli->home, false, LOCK_WAIT_MS, &why)) {
        gx_exam_found(x, "store", "bad", why.hint[0] == 0 ? NULL : why.hint, "%s", why.message);
    } else {
        check_store(x);
        gx_lock_release(&lock);
    }
}

/* A running node says what holds of it (node/os/fence.h). */
static void look_at_confinement(struct gx_exam *x)
{
    static const char *const parts[] = {"landlock", "seccomp", "no_new_privs", "no_core"};
    struct gx_reply reply = {0};
    char lacking[64] = "";
    size_t n = 0, k;
    json_t *name;

    if (gx_cli_node_up(x->cli))
        gx_cli_ask(x->cli, &reply, "status", NULL, GX_CALL_MS, NULL);
    const json_t *confined = json_object_get(json_object_get(reply.result, "node"), "confined");
    for (size_t i = 0; i < GX_ARRAY_LEN(parts); i++) {
        bool holds = false;

        json_array_foreach(confined, k, name)
            holds = holds || strcmp(json_string_value(name), parts[i]) == 0;
        if (!holds)
            n += (size_t)snprintf(lacking + n, sizeof lacking - n, " %s", parts[i]);
    }
    if (!json_is_array(confined))
        gx_exam_found(x, "confinement", "ok", NULL, "the node is down; it confines itself as it starts");
    else if (n > 0)
        gx_exam_found(x, "confinement", "warn", "use a kernel that has them; the node's log says more", "the node runs without:%s", lacking);
    else
        gx_exam_found(x, "confinement", "ok", NULL, "the node reaches its home and the net, and can start no program");
    gx_reply_clear(&reply);
}

int gx_cmd_doctor(struct gx_cli *cli, const struct gx_args *args)
{
    static const char *const heads[] = {"what", "state", "found"};
    struct gx_exam x = {.cli = cli, .checks = json_array()};
    struct gx_columns t;
    struct gx_fail why;
    size_t i;
    json_t *check;
    (void)args;

    gx_harden();
    if (!gx_vault_exists(&cli->home) && !gx_vault_missing(&cli->home, &why)) {
        json_decref(x.checks);
        return gx_cli_fail(cli, &why);
    }
    look_at_vault(&x);
    look_at_disk(&x);
    look_at_files(&x);
    look_at_store(&x);
    gx_exam_clock(&x);
    gx_exam_listeners(&x);
    gx_exam_lan(&x);
    look_at_confinement(&x);
    if (cli->json) {
        json_t *whole = json_pack("{s:O}", "checks", x.checks);

        (void)gx_show_json(whole);
        json_decref(whole);
    } else {
        gx_columns_begin(&t, heads, GX_ARRAY_LEN(heads));
        t.whole = true;
        json_array_foreach(x.checks, i, check) {
            char line[2048];
            const char *hint = gx_json_text(check, "hint");

            snprintf(line, sizeof line, "%s%s%s", gx_json_text(check, "text"), hint[0] == 0 ? "" : "; ", hint);
            gx_columns_text(&t, gx_json_text(check, "name"));
            gx_columns_text(&t, gx_json_text(check, "state"));
            gx_columns_text(&t, line);
        }
        gx_columns_end(cli, &t);
    }
    json_decref(x.checks);
    return x.bad ? GX_EXIT_FAILED : GX_EXIT_DONE;
}
