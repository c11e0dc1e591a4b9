/* Texts of a library made fit to be told: they quote what they were given, and that may be a
 * password.  Pure. */
#ifndef WEIR_NET_REDACT_H
#define WEIR_NET_REDACT_H

#include "base/bytes.h"

/* Copies `text`, cut to `room` bytes with its end, each of the words in it as "***".  An empty word
 * is none. */
void redact_words(const char *text, const struct bytes *words, size_t count, char *into,
                  size_t room);

/* Copies `text`, cut to `room` bytes with its end, and what it quotes by " or ' or [ ] as "...".
 * Names of options stay, which are those that stand before a = in `options`, "a=1&b=2": without
 * them nobody knows which one is wrong.  For texts about something that cannot be read yet, so that
 * nobody knows where in it the password is. */
void redact_quotes(const char *text, struct bytes options, char *into, size_t room);

#endif
