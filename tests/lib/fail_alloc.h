/*
 * fail_alloc.h - make the n-th allocation fail, to walk every way out.  Unit
 * tests are linked so that malloc, calloc, realloc and strdup of our own code
 * (and of static libraries) come here first.
 *
 *     for (unsigned long n = 0;; n++) {
 *         fail_alloc_at(n);
 *         rc = thing_under_test();
 *         if (!fail_alloc_off())   // N was never reached: all seen
 *             break;
 *         assert_int_equal(rc, ERR_NOMEM);
 *     }
 */
#ifndef SEALPOST_TESTS_FAIL_ALLOC_H
#define SEALPOST_TESTS_FAIL_ALLOC_H

#include <stdbool.h>

/* The N-th allocation from here on fails, once. */
void fail_alloc_at(unsigned long n);
/* Back to normal.  Says whether one was failed. */
bool fail_alloc_off(void);

#endif
