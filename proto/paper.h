/*
 * paper.h - a 32-byte seed on paper (PROTOCOL.md section 13.5): 13 groups of 4
 * Crockford digits and a check group, joined by hyphens.
 *
 *   check = first 20 bits of SHA-256("sealpost/1/paper\0" || seed)
 *
 * All of it is secret: the caller wipes seed, text and what was typed.
 */
#ifndef SEALPOST_PROTO_PAPER_H
#define SEALPOST_PROTO_PAPER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

enum {
    PAPER_GROUPS = 14,                    /* the check group included */
    PAPER_TEXT_LEN = PAPER_GROUPS * 5 - 1 /* without terminator */
};

void paper_encode(char out[PAPER_TEXT_LEN + 1], const uint8_t seed[32]);
/* As typed: either case, o for 0, i and l for 1, any hyphens and spaces.
 * ERR_MALFORMED: a wrong character or not 56 of them; ERR_VERIFY: the check
 * group does not fit, so something is mistyped. */
enum err paper_decode(uint8_t seed[32], const char *text);
/* Is TYPED group number GROUP (1..14, as printed)?  Constant time in the
 * digits.  How joining makes sure that the paper was really printed. */
bool paper_group_is(const uint8_t seed[32], unsigned group, const char *typed);

#endif
