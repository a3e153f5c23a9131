#include "node/os/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define LINE_BYTES 4096u

/* Numbers of statfs(2).  ext, xfs: in place (ext4 but with data=journal, which writes all twice).  Those that copy on write or keep a log write elsewhere. */
static const struct {
    unsigned long type;
    const char *name;
    enum gx_disk disk;
} known[] = {
    {0xef53, "ext", GX_DISK_ERASES},      {0x58465342, "xfs", GX_DISK_ERASES},  {0x01021994, "tmpfs", GX_DISK_ERASES}, {0x4d44, "vfat", GX_DISK_ERASES},
    {0x2011bab0, "exfat", GX_DISK_ERASES}, {0x9123683e, "btrfs", GX_DISK_KEEPS}, {0x2fc12fc1, "zfs", GX_DISK_KEEPS},    {0xf2f52010, "f2fs", GX_DISK_KEEPS},
    {0x3434, "nilfs", GX_DISK_KEEPS},      {0xca451a4e, "bcachefs", GX_DISK_KEEPS}, {0x794c7630, "overlayfs", GX_DISK_UNKNOWN},
    {0x6969, "nfs", GX_DISK_UNKNOWN},      {0xff534d42, "cifs", GX_DISK_UNKNOWN}, {0xfe534d42, "smb", GX_DISK_UNKNOWN}, {0x65735546, "fuse", GX_DISK_UNKNOWN},
};

/* Is the file system of that device mounted with data=journal? */
static bool journals_data(dev_t dev)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char line[LINE_BYTES], wanted[32];
    bool found = false;

    snprintf(wanted, sizeof wanted, " %u:%u ", major(dev), minor(dev));
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        found = found || (strstr(line, wanted) != NULL && strstr(line, "data=journal") != NULL);
    if (f != NULL)
        fclose(f);
    return found;
}

enum gx_disk gx_disk_look(const char *dir, char name[24])
{
    enum gx_disk disk = GX_DISK_UNKNOWN;
    struct statfs fs;
    struct stat st;

    snprintf(name, 24, "?");
    if (statfs(dir, &fs) != 0 || stat(dir, &st) != 0)
        return disk;
    for (size_t i = 0; i < GX_ARRAY_LEN(known); i++)
        if (((unsigned long)fs.f_type & 0xffffffff) == known[i].type) {
            snprintf(name, 24, "%s", known[i].name);
            disk = known[i].disk;
        }
    if (strcmp(name, "ext") == 0 && journals_data(st.st_dev)) {
        snprintf(name, 24, "ext, data=journal");
        disk = GX_DISK_KEEPS;
    }
    return disk;
}

bool gx_disk_swaps(void)
{
    FILE *f = fopen("/proc/swaps", "re");
    char line[LINE_BYTES];
    unsigned lines = 0;

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        lines++;
    if (f != NULL)
        fclose(f);
    return lines > 1;           /* the first is a head */
}
