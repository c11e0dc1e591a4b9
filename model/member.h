/* Members of a registry, by number. */
#ifndef WEIR_MODEL_MEMBER_H
#define WEIR_MODEL_MEMBER_H

/* From 1 on; 0 is who serves alone.  The low 10 bits of an ingest time are one. */
enum { MEMBER_NUMBER_MAX = 1023 };

#endif
