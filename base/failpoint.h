/* Named places where a test can make the program stop, fail or wait.  Compiled to nothing
 * unless WEIR_FAILPOINTS is defined (test builds).  The environment variable WEIR_FAILPOINTS
 * chooses: "wal.after_write=kill@37;seal.before_manifest=fail@1" (from that hit on: "@37+"). */
#ifndef WEIR_BASE_FAILPOINT_H
#define WEIR_BASE_FAILPOINT_H

#include <stdbool.h>

#ifdef WEIR_FAILPOINTS
/* True when the place should fail; kills or sleeps by itself when told so. */
bool failpoint(const char *name);
#else
static inline bool failpoint(const char *name)
{
    (void)name;
    return false;
}
#endif

#endif
