/* The program's version, from the build. */
#ifndef GX_OS_VERSION_H
#define GX_OS_VERSION_H

#ifndef GX_VERSION
#define GX_VERSION "0.1.0"
#endif

#endif
