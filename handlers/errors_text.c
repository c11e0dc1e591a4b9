#include "handlers/errors_text.h"

/* The assembler reads the file; the path is relative to where make runs. */
__asm__(
    ".section .rodata\n"
    "errors_first:\n"
    ".ascii \"<!doctype html><html lang=en><meta charset=utf-8><title>Errors of Weir</title>\"\n"
    ".ascii \"<pre wrap>\\n\"\n"
    ".incbin \"docs/reference/errors.md\"\n"
    ".ascii \"</pre></html>\\n\"\n"
    "errors_end:\n"
    ".previous\n");

extern const char errors_first[], errors_end[];

struct bytes errors_text(void)
{
    return (struct bytes){errors_first, (size_t)(errors_end - errors_first)};
}
