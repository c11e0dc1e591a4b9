/* openapi/openapi.json, as built into the program. */
#ifndef WEIR_HANDLERS_OPENAPI_TEXT_H
#define WEIR_HANDLERS_OPENAPI_TEXT_H

#include "base/bytes.h"

struct bytes openapi_text(void);

#endif
