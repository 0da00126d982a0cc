/*
 * base32.h - two alphabets of five bits: RFC 4648 in lower case without
 * padding for invites, Crockford's for keys on paper.  Knows no checksums and
 * no grouping.  Not constant time; wipe what was secret.
 */
#ifndef SEALPOST_PROTO_BASE32_H
#define SEALPOST_PROTO_BASE32_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Digits for N bytes. */
#define BASE32_LEN(n) (((n)*8 + 4) / 5)

/* OUT has room for BASE32_LEN(len) + 1; a terminator is written. */
void base32_encode(char *out, const void *bytes, size_t len);
/* Either case.  ERR_MALFORMED for another character, a length no encoding has
 * or stray bits at the end; ERR_TOOBIG above CAP bytes. */
enum err base32_decode(void *out, size_t cap, size_t *out_len, const char *text,
                       size_t text_len);

/* Longest text decoded, in digits: three times a paper key. */
enum { CROCKFORD_MAX = 156 };

/* The first DIGITS * 5 bits of BYTES in upper case (zeros behind the end).
 * OUT has room for DIGITS + 1; a terminator is written. */
void crockford_encode(char *out, size_t digits, const void *bytes, size_t len);
/* What a person typed, in canonical form: upper case, o as 0, i and l as 1,
 * hyphens and white space dropped.  ERR_MALFORMED for another character,
 * ERR_TOOBIG when CAP (terminator included) is too small. */
enum err crockford_clean(char *out, size_t cap, const char *text);
/* Exactly BASE32_LEN(len) digits after cleaning, stray bits zero, at most
 * CROCKFORD_MAX digits, else ERR_MALFORMED. */
enum err crockford_decode(void *out, size_t len, const char *text);

#endif
