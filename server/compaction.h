/* What the store asks when it compacts, answered by the rooms that know: tenants' settings by
 * discovery, selectors by the catalog. */
#ifndef WEIR_SERVER_COMPACTION_H
#define WEIR_SERVER_COMPACTION_H

#include "store/compaction_rules.h"

struct directory;

/* `directory` is borrowed. */
struct compaction_rules compaction_rules_of(struct directory *directory);

#endif
