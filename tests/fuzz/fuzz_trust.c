/* Policies: what parses keeps its own promises, and more witnesses never make
 * a quorum fail. */
#include <stdlib.h>
#include <string.h>

#include "proto/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_masks(const struct trust *t)
{
    uint64_t all =
        t->n_witnesses == 64 ? UINT64_MAX : (UINT64_C(1) << t->n_witnesses) - 1;
    uint64_t time_s[NOTE_KEYS_MAX];
    uint64_t mask = 0, at = 0;
    bool held = trust_satisfied(t, 0);

    for (size_t i = 0; i < NOTE_KEYS_MAX; i++)
        time_s[i] = 1000 + i;
    for (size_t i = 0; i < t->n_witnesses; i++) {
        mask |= UINT64_C(1) << i;
        if (held && !trust_satisfied(t, mask))
            abort();
        held = trust_satisfied(t, mask);
    }
    if (!trust_satisfied(t, all))
        abort();
    if (trust_quorum_time(t, all, time_s, &at) != (t->quorum != QUORUM_NONE))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trust_error error = {.line = 9999999};
    struct trusted trusted;
    struct trust *t = NULL;

    if (trust_parse(data, size, &t, &error) == ERR_OK) {
        try_masks(t);
        (void)trust_checkpoint(t, data, size, &trusted);
        trust_free(t);
    } else if (error.line == 9999999 || error.message[0] == '\0') {
        abort();
    }
    return 0;
}
