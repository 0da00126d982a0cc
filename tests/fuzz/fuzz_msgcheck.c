/* Any bytes, as either side's message: the validator stays within them, and
 * what it calls a message is one to msgpack-c, too. */
#include <stdlib.h>

#include "proto/msg.h"
#include "proto/msgcheck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(enum msg_from from, const uint8_t *data, size_t size)
{
    struct msgcheck shape;
    struct msg m;
    enum err rc = msgcheck(data, size, from, &shape);

    if (msg_decode(&m, from, data, size) != rc)
        abort();
    if (rc != ERR_OK)
        return;
    if (m.spec != shape.spec || shape.cells > LIMIT_MSG_NODES)
        abort();
    msg_clear(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(MSG_FROM_CLIENT, data, size);
    check(MSG_FROM_RELAY, data, size);
    return 0;
}
