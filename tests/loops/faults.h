/* Allocations that fail when told to, in the whole program: the product's, those of the libraries
 * it links, and the C library's own.  faults.c puts itself in front of malloc() and its kin.
 *
 * Any thread: what is armed counts the allocations of all of them. */
#ifndef WEIR_TESTS_LOOPS_FAULTS_H
#define WEIR_TESTS_LOOPS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on the n-th allocation made while armed fails, with `on` all later ones too; n = 0:
 * none. */
void faults_plan(uint64_t n, bool on);
void faults_arm(void);
void faults_disarm(void);
uint64_t faults_seen(void);   /* allocations while armed, since the plan */
uint64_t faults_struck(void); /* of them those that failed */
int64_t faults_live(void);    /* blocks of the whole program that are not freed */

/* Never fail: for what tests keep. */
void *steady_malloc(size_t size);
void *steady_calloc(size_t count, size_t size);
void *steady_realloc(void *old, size_t size);

#endif
