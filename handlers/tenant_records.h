/* /v1/admin/tenants: those of the registry, and their tokens. */
#ifndef WEIR_HANDLERS_TENANT_RECORDS_H
#define WEIR_HANDLERS_TENANT_RECORDS_H

#include "http/route.h"

extern const struct handler tenant_list_handler, tenant_get_handler, tenant_put_handler,
    tenant_delete_handler, token_list_handler, token_add_handler, token_revoke_handler;
extern const char *const token_revoke_parameter_names[];

#endif
