/* Tile paths, entry bundles and the entries in them. */
#include <stdlib.h>
#include <string.h>

#include "proto/event.h"
#include "proto/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_path(const uint8_t *data, size_t size)
{
    char text[2 * TILE_PATH_MAX], again[TILE_PATH_MAX];
    struct tile tile;

    if (size >= sizeof(text))
        return;
    memcpy(text, data, size);
    text[size] = '\0';
    if (tile_parse(text, &tile) != ERR_OK)
        return;
    tile_path(&tile, again);
    if (strcmp(text, again) != 0)
        abort();
}

static void
try_entry(const uint8_t *bytes, size_t len)
{
    uint8_t again[EVENT_LEN];
    struct entry entry;

    if (entry_decode(bytes, len, &entry) != ERR_OK)
        return;
    if (entry.kind == ENTRY_EVENT) {
        event_encode(&entry.event, again);
        if (memcmp(again, bytes + 2, EVENT_LEN) != 0)
            abort();
    }
}

static void
try_event(const uint8_t *bytes, size_t len)
{
    uint8_t again[EVENT_LEN];
    struct event ev;

    if (len != EVENT_LEN || event_decode(bytes, &ev) != ERR_OK)
        return;
    event_encode(&ev, again);
    if (memcmp(again, bytes, EVENT_LEN) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_from(data, size);
    struct buf b = {0};
    const uint8_t *entry;
    struct hash h;
    size_t len;
    enum err rc;

    try_path(data, size);
    try_event(data, size);
    while ((rc = bundle_next(&r, &entry, &len)) == ERR_OK) {
        try_entry(entry, len);
        if (bundle_put(&b, entry, len) != ERR_OK)
            abort();
    }
    if (rc == ERR_NOTFOUND &&
        (b.len != size || (size > 0 && memcmp(b.data, data, size) != 0)))
        abort();
    if (size > 2)
        (void)tile_node(data + 2, size - 2, data[0] % 16, data[1], &h);
    buf_clear(&b);
    return 0;
}
