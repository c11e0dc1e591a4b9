/* /v1/secrets: names and hosts of the tenant's secrets; their values only come in. */
#ifndef WEIR_HANDLERS_SECRET_RECORDS_H
#define WEIR_HANDLERS_SECRET_RECORDS_H

#include "http/route.h"

extern const struct handler secret_list_handler, secret_put_handler, secret_delete_handler;

#endif
