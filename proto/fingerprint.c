#include "proto/fingerprint.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/crypto.h"
#include "proto/limits.h"

static const char domain[] = "sealpost/1/fpr"; /* terminator included */

void
fingerprint(char out[FINGERPRINT_LEN + 1], const struct hash *network_id,
            const struct sign_key *root, const char *name)
{
    uint8_t in[sizeof(domain) + 32 + 32 + LIMIT_AGENCY_NAME], digest[64];
    size_t name_len = strnlen(name, LIMIT_AGENCY_NAME);
    uint8_t *p = in;

    memcpy(p, domain, sizeof(domain));
    memcpy(p += sizeof(domain), network_id->b, 32);
    memcpy(p += 32, root->b, 32);
    memcpy(p += 32, name, name_len);
    sha512(digest, in, (size_t)(p - in) + name_len);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t v = 0;

        for (unsigned j = 0; j < 5; j++)
            v = v << 8 | digest[i * 5 + j];
        snprintf(out + (size_t)i * 6, 6, "%05u", (unsigned)(v % 100000));
        out[i * 6 + 5] = i < 5 ? ' ' : '\0';
    }
}

static const char *
skip_gaps(const char *p)
{
    return p + strspn(p, " -\t\r\n");
}

bool
fingerprint_is(const char *digits, const char *typed)
{
    for (;;) {
        digits = skip_gaps(digits);
        typed = skip_gaps(typed);
        if (*digits != *typed)
            return false;
        if (*digits == '\0')
            return true;
        digits++;
        typed++;
    }
}
