#include "handlers/openapi_text.h"

/* The assembler reads the file; the path is relative to where make runs. */
__asm__(".section .rodata\n"
        "openapi_first:\n"
        ".incbin \"openapi/openapi.json\"\n"
        "openapi_end:\n"
        ".previous\n");

extern const char openapi_first[], openapi_end[];

struct bytes openapi_text(void)
{
    return (struct bytes){openapi_first, (size_t)(openapi_end - openapi_first)};
}
