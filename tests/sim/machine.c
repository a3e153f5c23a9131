/* What a world takes of the machine, looked at before anything runs. */
#include "tests/sim/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#define BYTES_A_NODE (1u << 20)         /* half of it in the folder; a node in a group of 20 takes 0.4 MB by all, one of 500 takes 12 */
#define MAPS_A_NODE 4u                  /* its store, and what LMDB and the engine take from the system */
#define OTHERS 64u
#define LMDB_BYTES (3u << 20)           /* of an environment, beside its map: zeroes, most of which it never touches */
#define PROCESS_BYTES (256u << 20)      /* of addresses, not of memory */
#define ROOM_BYTES (256u << 10)         /* where less is free, a commit does not fit */

/* Raises the limit as far as it may be raised. */
static bool files(uint64_t nodes, bool writemap, char why[200])
{
    struct rlimit limit = {0};
    uint64_t need = (writemap ? 1 : 2) * nodes + OTHERS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return true;
    limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= need)
        return true;
    snprintf(why, 200, "%" PRIu64 " nodes need %" PRIu64 " open files, and %" PRIu64 " are allowed: ulimit -n %" PRIu64, nodes, need,
             (uint64_t)limit.rlim_cur, need);
    return false;
}

/* Addresses, and the length of a file: a store is a map of 64 MB, and with writemap a file of that length, most of which is a hole. */
static bool lengths(uint64_t nodes, bool writemap, char why[200])
{
    const struct { int resource; uint64_t need; const char *what, *how; } limits[] = {
        {RLIMIT_AS, nodes * (SIM_MAP_BYTES + LMDB_BYTES) + PROCESS_BYTES, "MB of addresses", "-v"},
        {RLIMIT_FSIZE, writemap ? SIM_MAP_BYTES : BYTES_A_NODE, "MB a file", "-f"},
    };

    for (size_t i = 0; i < GX_ARRAY_LEN(limits); i++) {
        struct rlimit limit = {0};

        if (getrlimit(limits[i].resource, &limit) != 0 || limit.rlim_cur >= limits[i].need)
            continue;
        snprintf(why, 200, "%" PRIu64 " nodes need %" PRIu64 " %s, and %" PRIu64 " are allowed: ulimit %s unlimited", nodes, limits[i].need >> 20, limits[i].what,
                 (uint64_t)limit.rlim_cur >> 20, limits[i].how);
        return false;
    }
    return true;
}

/* The number behind `name` in a file of /proc. */
static uint64_t number_of(const char *path, const char *name, uint64_t otherwise)
{
    char line[200];
    size_t n = strlen(name);
    FILE *f = fopen(path, "r");
    uint64_t found = otherwise;

    while (f != NULL && found == otherwise && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, n) == 0)
            found = strtoull(line + n, NULL, 10);
    if (f != NULL)
        fclose(f);
    return found;
}

static bool maps(uint64_t nodes, char why[200])
{
    uint64_t need = MAPS_A_NODE * nodes + OTHERS, most = number_of("/proc/sys/vm/max_map_count", "", UINT64_MAX);

    if (need <= most)
        return true;
    snprintf(why, 200, "%" PRIu64 " nodes need %" PRIu64 " maps, and %" PRIu64 " are allowed: sysctl vm.max_map_count=%" PRIu64, nodes, need, most, need);
    return false;
}

static uint64_t room_in(const char *dir)
{
    struct statvfs fs;

    return statvfs(dir, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : UINT64_MAX;
}

bool gx_sim_has_room(const char *dir)
{
    return room_in(dir) >= ROOM_BYTES;
}

static bool memory(uint64_t nodes, const char *dir, char why[200])
{
    uint64_t need = nodes * BYTES_A_NODE, free_kb = number_of("/proc/meminfo", "MemAvailable:", UINT64_MAX), room = room_in(dir);

    if (need / 2 <= room && need >> 10 <= free_kb)
        return true;
    if (need / 2 > room)
        snprintf(why, 200, "%" PRIu64 " nodes at once need some %" PRIu64 " MB in %.60s, and %" PRIu64 " are free", nodes, need >> 21, dir, room >> 20);
    else
        snprintf(why, 200, "%" PRIu64 " nodes at once need some %" PRIu64 " MB of memory, and %" PRIu64 " are free", nodes, need >> 20, free_kb >> 10);
    return false;
}

bool gx_sim_machine_can(const struct gx_sim_options *options, uint64_t at_once, char why[200])
{
    return files(options->n_nodes, !options->no_writemap, why) && maps(options->n_nodes, why) &&
           lengths(options->n_nodes, !options->no_writemap, why) &&
           memory(at_once * options->n_nodes, options->dir == NULL ? "/dev/shm" : options->dir, why);
}
