/* docs/reference/errors.md as a page: what `type` of a problem names, at /docs/errors.  The file's
 * anchors are HTML as they are, so that a browser goes to the code that it came for; all other
 * text is shown as it stands there. */
#ifndef WEIR_HANDLERS_ERRORS_TEXT_H
#define WEIR_HANDLERS_ERRORS_TEXT_H

#include "base/bytes.h"

/* For ever there. */
struct bytes errors_text(void);

#endif
