#include "tests/lib/sequence_model.h"

#include <string.h>

static size_t
run_of(const uint8_t *types, size_t n, const char *any)
{
    size_t i = 0;

    while (i < n && memchr(any, types[i], strlen(any)) != NULL)
        i++;
    return i;
}

bool
model_is_legal(const uint8_t *types, size_t n, unsigned *end)
{
    unsigned state = 0;
    size_t at = 0;

    if (n > 0) {
        if (types[at++] != 1)
            return false;
        state = 1;
        at += run_of(types + at, n - at, "\x11\x13");
    }
    if (at < n) {
        if (types[at] < 2 || types[at] > 5)
            return false;
        state = types[at++];
        at += run_of(types + at, n - at, "\x10\x11\x12\x14");
    }
    if (at < n)
        return false;
    if (end != NULL)
        *end = state;
    return true;
}
