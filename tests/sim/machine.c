/* What a world takes of the machine, looked at before anything runs. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#define BYTES_A_NODE (1u << 20)         /* half of it in the folder; a node in a group of 20 takes 0.4 MB by all, one of 500 takes 4 */
#define MAPS_A_NODE 4u                  /* its store, and what LMDB and the engine take from the system */
#define OTHERS 64u

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

static bool memory(uint64_t nodes, const char *dir, char why[200])
{
    uint64_t need = nodes * BYTES_A_NODE, free_kb = number_of("/proc/meminfo", "MemAvailable:", UINT64_MAX), room = UINT64_MAX;
    struct statvfs fs;

    if (statvfs(dir, &fs) == 0)
        room = (uint64_t)fs.f_bavail * fs.f_frsize;
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
           memory(at_once * options->n_nodes, options->dir == NULL ? "/dev/shm" : options->dir, why);
}
