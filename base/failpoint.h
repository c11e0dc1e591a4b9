/* Named places where a test can make the program stop, fail or wait.  Compiled to nothing
 * unless WEIR_FAILPOINTS is defined (test builds).  The environment variable WEIR_FAILPOINTS
 * chooses: "wal.after_write=kill@37;seal.before_manifest=fail@1;outbox.send=wait:200@3+".  The
 * number is the hit that it is meant for, from 1; '+' = and all later ones; none = all.  wait
 * takes ms.  A list that makes no sense ends the program: a test of nothing must not pass. */
#ifndef WEIR_BASE_FAILPOINT_H
#define WEIR_BASE_FAILPOINT_H

#include <stdbool.h>

#ifdef WEIR_FAILPOINTS
/* True when the place should fail; kills or sleeps by itself when told so. */
bool failpoint(const char *name);
/* True when WEIR_SABOTAGE names this fault: a promise that the program then breaks on purpose, so
 * that the tests can be shown to notice (tests/sabotage). */
bool sabotage(const char *name);
#else
static inline bool failpoint(const char *name)
{
    (void)name;
    return false;
}
static inline bool sabotage(const char *name)
{
    (void)name;
    return false;
}
#endif

#endif
