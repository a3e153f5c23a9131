/* Does a disk forget?  What erasing needs of the file system under a home: KEYS §14. */
#ifndef GX_OS_DISK_H
#define GX_OS_DISK_H

#include "node/os/home.h"

enum gx_disk { GX_DISK_ERASES, GX_DISK_KEEPS, GX_DISK_UNKNOWN };

/* What is written over in a file of `dir` is gone from the disk with file systems that write in place, and stays, out of reach of the file, with those that
 * write elsewhere each time.  name: what it is called, "?" where nobody knows. */
enum gx_disk gx_disk_look(const char *dir, char name[24]);

/* Is there swap, into which the system may write memory? */
bool gx_disk_swaps(void);

#endif
