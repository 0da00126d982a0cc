#include "proto/paper.h"

#include <string.h>

#include "proto/base32.h"
#include "proto/crypto.h"

enum {
    SEED_DIGITS = 52,
    CHECK_DIGITS = 4,
    DIGITS = SEED_DIGITS + CHECK_DIGITS
};

/* All 56 digits without hyphens. */
static void
digits_of(char out[DIGITS + 1], const uint8_t seed[32])
{
    struct hash h;

    domain_hash(&h, "sealpost/1/paper", &(struct span){seed, 32}, 1);
    crockford_encode(out, SEED_DIGITS, seed, 32);
    crockford_encode(out + SEED_DIGITS, CHECK_DIGITS, h.b, sizeof(h.b));
    crypto_wipe(&h, sizeof(h));
}

void
paper_encode(char out[PAPER_TEXT_LEN + 1], const uint8_t seed[32])
{
    char digits[DIGITS + 1];

    digits_of(digits, seed);
    for (unsigned i = 0; i < PAPER_GROUPS; i++) {
        memcpy(out + (size_t)i * 5, digits + (size_t)i * 4, 4);
        out[i * 5 + 4] = i + 1 < PAPER_GROUPS ? '-' : '\0';
    }
    crypto_wipe(digits, sizeof(digits));
}

enum err
paper_decode(uint8_t seed[32], const char *text)
{
    char typed[DIGITS + 1], right[DIGITS + 1], key[SEED_DIGITS + 1];
    uint8_t got[32];
    enum err rc = ERR_MALFORMED;

    if (crockford_clean(typed, sizeof(typed), text) != ERR_OK ||
        strlen(typed) != DIGITS)
        goto out;
    memcpy(key, typed, SEED_DIGITS);
    key[SEED_DIGITS] = '\0';
    /* The alphabet is right by now; stray bits in the last digit are not. */
    rc = ERR_VERIFY;
    if (crockford_decode(got, sizeof(got), key) != ERR_OK)
        goto out;
    digits_of(right, got);
    if (!crypto_equal(right, typed, DIGITS))
        goto out;
    memcpy(seed, got, sizeof(got));
    rc = ERR_OK;
out:
    crypto_wipe(typed, sizeof(typed));
    crypto_wipe(right, sizeof(right));
    crypto_wipe(key, sizeof(key));
    crypto_wipe(got, sizeof(got));
    return rc;
}

bool
paper_group_is(const uint8_t seed[32], unsigned group, const char *typed)
{
    char digits[DIGITS + 1], clean[5];
    bool same = false;

    if (group < 1 || group > PAPER_GROUPS)
        return false;
    if (crockford_clean(clean, sizeof(clean), typed) == ERR_OK &&
        strlen(clean) == 4) {
        digits_of(digits, seed);
        same = crypto_equal(digits + (size_t)(group - 1) * 4, clean, 4);
        crypto_wipe(digits, sizeof(digits));
    }
    crypto_wipe(clean, sizeof(clean));
    return same;
}
