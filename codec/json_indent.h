/* JSON for people: indented, what fits a line on one line.  Pure. */
#ifndef WEIR_CODEC_JSON_INDENT_H
#define WEIR_CODEC_JSON_INDENT_H

#include "base/buf.h"

/* Appends the document, without a line's end behind it.  What is no JSON comes out as something
 * that is none, too. */
void json_indent(struct bytes json, struct buf *out);

#endif
