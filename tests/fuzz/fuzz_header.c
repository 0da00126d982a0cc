/* HDR from a stranger: what parses must write back to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "proto/header.h"
#include "proto/pad.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct header h;
    struct buf again = {0};

    if (header_parse(&h, data, size) != ERR_OK)
        return 0;
    if (size != header_len(h.n_slots, h.n_atts) ||
        !body_len_is_valid(h.body_len))
        abort();
    if (header_encode(&again, &h) != ERR_OK || again.len != size ||
        memcmp(again.data, data, size) != 0)
        abort();
    if (header_slot_of(&h, &h.slots[h.n_slots - 1].device) !=
        (int)h.n_slots - 1)
        abort();
    if (packet_check_shape(&h, data, size, h.n_slots * WRAP_LEN,
                           (size_t)h.body_len) != ERR_OK)
        abort();
    buf_clear(&again);
    return 0;
}
