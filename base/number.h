/* Numbers to and from text, exactly, whatever the locale. */
#ifndef WEIR_BASE_NUMBER_H
#define WEIR_BASE_NUMBER_H

#include "base/buf.h"

/* The whole span must be the number.  E_BAD_NUMBER, E_NUMBER_RANGE; no leading '+', no spaces;
 * leading zeros are fine.  *value is untouched on failure. */
MUST_USE enum code number_parse_i64(struct bytes text, int64_t *value);
MUST_USE enum code number_parse_u64(struct bytes text, uint64_t *value);
/* [-+]digits[.digits][e[+-]digits], ".5" and "5." are fine; no hex, no "nan", no "inf":
 * those are E_NOT_FINITE (any case, also "infinity").  Rounds to nearest even, as strtod does;
 * overflow is E_NUMBER_RANGE, underflow gives the nearest subnormal or zero. Fast path (Clinger)
 * without a call for mantissas up to 2^53 and |exp10| <= 22; strtod_l("C") otherwise. */
MUST_USE enum code number_parse_f64(struct bytes text, double *value);

enum { NUMBER_TEXT_SIZE = 32 };
/* The shortest text that reads back to the same bits ("1", "0.1", "1e+300", "-0"), at most 25
 * bytes, not NUL-terminated; returns its size.  `value` is finite. */
size_t number_print_f64(double value, char text[NUMBER_TEXT_SIZE]);
size_t number_print_i64(int64_t value, char text[NUMBER_TEXT_SIZE]);
size_t number_print_u64(uint64_t value, char text[NUMBER_TEXT_SIZE]);

#endif
