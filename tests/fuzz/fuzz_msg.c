/* A message has one encoding: whatever decodes, encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
round_trip(enum msg_from from, const uint8_t *data, size_t size)
{
    struct buf again = {0};
    struct msg m;

    if (msg_decode(&m, from, data, size) != ERR_OK)
        return;
    if (msg_encode(&again, from, (enum msg_type)m.type, m.req, m.f, m.n) !=
            ERR_OK ||
        again.len != size || memcmp(again.data, data, size) != 0)
        abort();
    buf_clear(&again);
    msg_clear(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    round_trip(MSG_FROM_CLIENT, data, size);
    round_trip(MSG_FROM_RELAY, data, size);
    return 0;
}
