/* The program's own malloc() goes before that of any library, so all calls come here; they go on
 * to AddressSanitizer's where it is linked, else to the C library's. */
#include "tests/loops/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IN_FRONT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);
__attribute__((weak)) void *__interceptor_malloc(size_t size);
__attribute__((weak)) void *__interceptor_calloc(size_t count, size_t size);
__attribute__((weak)) void *__interceptor_realloc(void *old, size_t size);
__attribute__((weak)) void *__interceptor_memalign(size_t alignment, size_t size);
__attribute__((weak)) void __interceptor_free(void *block);

static _Atomic uint64_t plan_n, seen, struck;
static _Atomic bool plan_on, armed;
static _Atomic int64_t live;

void faults_plan(uint64_t n, bool on)
{
    armed = false;
    plan_n = n;
    plan_on = on;
    seen = struck = 0;
}

void faults_arm(void)
{
    armed = true;
}

void faults_disarm(void)
{
    armed = false;
}

uint64_t faults_seen(void)
{
    return seen;
}

uint64_t faults_struck(void)
{
    return struck;
}

int64_t faults_live(void)
{
    return live;
}

static bool strikes(void)
{
    uint64_t n;

    if (!armed)
        return false;
    n = ++seen;
    if (plan_n == 0 || n < plan_n || (n > plan_n && !plan_on))
        return false;
    struck++;
    errno = ENOMEM;
    return true;
}

static void *counted(void *block)
{
    live += block != NULL;
    return block;
}

void *steady_malloc(size_t size)
{
    return counted(__interceptor_malloc != NULL ? __interceptor_malloc(size) : __libc_malloc(size));
}

void *steady_calloc(size_t count, size_t size)
{
    return counted(__interceptor_calloc != NULL ? __interceptor_calloc(count, size)
                                                : __libc_calloc(count, size));
}

void *steady_realloc(void *old, size_t size)
{
    void *block = __interceptor_realloc != NULL ? __interceptor_realloc(old, size)
                                                : __libc_realloc(old, size);

    live += old == NULL && block != NULL;
    return block;
}

static void *steady_memalign(size_t alignment, size_t size)
{
    return counted(__interceptor_memalign != NULL ? __interceptor_memalign(alignment, size)
                                                  : __libc_memalign(alignment, size));
}

IN_FRONT void *malloc(size_t size)
{
    return strikes() ? NULL : steady_malloc(size);
}

IN_FRONT void *calloc(size_t count, size_t size)
{
    return strikes() ? NULL : steady_calloc(count, size);
}

/* By which a sanitizer finds the stack of a thread that begins: without it the sanitizer ends the
 * process, and nothing of ours asks. */
static bool finds_a_stack(const void *caller)
{
    Dl_info info;

    return armed && dladdr(caller, &info) && info.dli_sname &&
           strcmp(info.dli_sname, "pthread_getattr_np") == 0;
}

IN_FRONT void *realloc(void *old, size_t size)
{
    if (finds_a_stack(__builtin_return_address(0)))
        return steady_realloc(old, size);
    return strikes() ? NULL : steady_realloc(old, size);
}

IN_FRONT int posix_memalign(void **block, size_t alignment, size_t size)
{
    if (strikes())
        return ENOMEM;
    *block = steady_memalign(alignment, size);
    return *block != NULL ? 0 : ENOMEM;
}

IN_FRONT void *aligned_alloc(size_t alignment, size_t size)
{
    return strikes() ? NULL : steady_memalign(alignment, size);
}

/* AddressSanitizer's of these three do not call the others. */
IN_FRONT void *reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, bytes);
}

IN_FRONT char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

IN_FRONT char *strndup(const char *text, size_t size_max)
{
    size_t size = strnlen(text, size_max);
    char *copy = malloc(size + 1);

    if (copy != NULL) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

IN_FRONT void free(void *block)
{
    live -= block != NULL;
    if (__interceptor_free != NULL)
        __interceptor_free(block);
    else
        __libc_free(block);
}

IN_FRONT void *mmap(void *at, size_t size, int protection, int flags, int descriptor, off_t offset)
{
    if (strikes())
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, size, protection, flags, descriptor, offset);
}
