#include "proto/base32.h"

#include <stdbool.h>
#include <string.h>

#include "proto/crypto.h"

static const char rfc4648[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Five bits from bit position AT on, zeros behind the end. */
static unsigned
five_bits(const uint8_t *bytes, size_t len, size_t at)
{
    unsigned word = 0;

    if (at / 8 < len)
        word = (unsigned)bytes[at / 8] << 8;
    if (at / 8 + 1 < len)
        word |= bytes[at / 8 + 1];
    return word >> (11 - at % 8) & 31;
}

static void
encode(char *out, size_t digits, const uint8_t *bytes, size_t len,
       const char *alphabet)
{
    for (size_t i = 0; i < digits; i++)
        out[i] = alphabet[five_bits(bytes, len, i * 5)];
    out[digits] = '\0';
}

/* Value of a digit, or -1. */
static int
rfc4648_value(char ch)
{
    if (ch >= 'a' && ch <= 'z')
        return ch - 'a';
    if (ch >= 'A' && ch <= 'Z')
        return ch - 'A';
    if (ch >= '2' && ch <= '7')
        return ch - '2' + 26;
    return -1;
}

static int
crockford_value(char ch)
{
    const char *p = ch == '\0' ? NULL : strchr(crockford, ch);

    return p == NULL ? -1 : (int)(p - crockford);
}

/* Digits to LEN bytes; with OUT NULL only looks whether they are good, so that
 * a failure leaves the output alone. */
static bool
decode(uint8_t *out, size_t len, const char *text, size_t digits,
       int (*value)(char))
{
    unsigned acc = 0;
    unsigned bits = 0;
    size_t done = 0;

    for (size_t i = 0; i < digits; i++) {
        int v = value(text[i]);

        if (v < 0)
            return false;
        acc = (acc << 5 | (unsigned)v) & 0xfff;
        bits += 5;
        if (bits < 8)
            continue;
        bits -= 8;
        if (out != NULL && done < len)
            out[done] = (uint8_t)(acc >> bits);
        done++;
    }
    return done == len && (acc & ((1U << bits) - 1)) == 0;
}

void
base32_encode(char *out, const void *bytes, size_t len)
{
    encode(out, BASE32_LEN(len), bytes, len, rfc4648);
}

enum err
base32_decode(void *out, size_t cap, size_t *out_len, const char *text,
              size_t text_len)
{
    size_t len = text_len / 8 * 5 + text_len % 8 * 5 / 8;

    if (BASE32_LEN(len) != text_len ||
        !decode(NULL, len, text, text_len, rfc4648_value))
        return ERR_MALFORMED;
    if (len > cap)
        return ERR_TOOBIG;
    decode(out, len, text, text_len, rfc4648_value);
    *out_len = len;
    return ERR_OK;
}

void
crockford_encode(char *out, size_t digits, const void *bytes, size_t len)
{
    encode(out, digits, bytes, len, crockford);
}

static bool
is_separator(char ch)
{
    return ch == '-' || ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

/* The digit a person meant, or 0. */
static char
canonical(char ch)
{
    if (ch >= 'a' && ch <= 'z')
        ch = (char)(ch - 'a' + 'A');
    if (ch == 'O')
        return '0';
    if (ch == 'I' || ch == 'L')
        return '1';
    return crockford_value(ch) < 0 ? '\0' : ch;
}

enum err
crockford_clean(char *out, size_t cap, const char *text)
{
    size_t digits = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (is_separator(*p))
            continue;
        if (canonical(*p) == '\0')
            return ERR_MALFORMED;
        digits++;
    }
    if (digits >= cap)
        return ERR_TOOBIG;
    for (const char *p = text; *p != '\0'; p++)
        if (!is_separator(*p))
            *out++ = canonical(*p);
    *out = '\0';
    return ERR_OK;
}

enum err
crockford_decode(void *out, size_t len, const char *text)
{
    char digits[CROCKFORD_MAX + 1];
    enum err rc = ERR_MALFORMED;

    if (crockford_clean(digits, sizeof(digits), text) == ERR_OK &&
        strlen(digits) == BASE32_LEN(len) &&
        decode(NULL, len, digits, BASE32_LEN(len), crockford_value)) {
        decode(out, len, digits, BASE32_LEN(len), crockford_value);
        rc = ERR_OK;
    }
    crypto_wipe(digits, sizeof(digits));
    return rc;
}
