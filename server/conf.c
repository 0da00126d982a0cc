#include "server/conf.h"

#include <stdlib.h>
#include <string.h>

#include "common/config.h"
#include "common/os.h"
#include "server/warn_clock.h"

static const struct config_key keys[] = {
    {"network", "listen", CONFIG_STR, offsetof(struct conf, listen), 3, 259},
    {"network", "sessions", CONFIG_U64, offsetof(struct conf, sessions_max), 1,
     1000000},
    {"network", "sessions_per_address", CONFIG_U64,
     offsetof(struct conf, sessions_per_address_max), 1, 1000000},
    {"network", "handshakes_per_second", CONFIG_U64,
     offsetof(struct conf, handshakes_per_s), 1, 100000},
    {"store", "guard", CONFIG_STR, offsetof(struct conf, guard), 1, 4000},
    {"store", "sweep", CONFIG_DURATION, offsetof(struct conf, sweep_ms), 100,
     3600000},
    {"store", "page_count_max", CONFIG_U64,
     offsetof(struct conf, page_count_max), 0, UINT32_MAX},
    {"quota", "pending_packets", CONFIG_U64,
     offsetof(struct conf, pending_packets_max), 1, 0},
    {"quota", "pending_bytes", CONFIG_SIZE,
     offsetof(struct conf, pending_bytes_max), 1, 0},
    {"publish", "beat", CONFIG_DURATION, offsetof(struct conf, beat_ms), 100,
     3600000},
    {"publish", "delivery", CONFIG_BOOL,
     offsetof(struct conf, publish_delivery), 0, 0},
    {"publish", "directory", CONFIG_BOOL,
     offsetof(struct conf, publish_directory), 0, 0},
    {"witness", "policy", CONFIG_STR, offsetof(struct conf, witness_policy), 1,
     4000},
    {"witness", "again", CONFIG_DURATION,
     offsetof(struct conf, witness_again_ms), 1000, 86400000},
    {"witness", "deadline", CONFIG_DURATION,
     offsetof(struct conf, witness_deadline_ms), 100, 60000},
    {"http", "connections", CONFIG_U64, offsetof(struct conf, http_connections),
     1, 60000},
    {"http", "connections_per_address", CONFIG_U64,
     offsetof(struct conf, http_connections_per_address), 1, 60000},
    {"http", "requests_per_second", CONFIG_U64,
     offsetof(struct conf, http_requests_per_s), 0, 100000},
    {"warn", "urgent", CONFIG_DURATION, offsetof(struct conf, warn_urgent_ms),
     60 * 1000, UINT64_C(7) * 24 * 3600 * 1000},
    {"warn", "routine", CONFIG_DURATION, offsetof(struct conf, warn_routine_ms),
     60 * 1000, UINT64_C(30) * 24 * 3600 * 1000},
    {"warn", "utc_offset", CONFIG_STR, offsetof(struct conf, warn_utc_offset),
     1, 6},
    {"mailbox", "show_collected", CONFIG_BOOL,
     offsetof(struct conf, show_collected), 0, 0},
    {"log", "level", CONFIG_STR, offsetof(struct conf, log_level), 4, 5},
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static enum err
check_offset(const struct conf *conf, const char *path, struct buf *errors)
{
    int32_t minutes;
    enum err rc = warn_parse_offset(conf->warn_utc_offset, &minutes);

    if (rc != ERR_OK)
        buf_printf(errors,
                   "%s: utc_offset: \"%s\" is not a distance from UTC such "
                   "as +01:00\n",
                   path, conf->warn_utc_offset);
    return rc;
}

enum err
conf_load(struct conf *out, const char *path, struct buf *errors)
{
    enum err rc;

    *out = (struct conf){
        .listen = strdup("127.0.0.1:7420"),
        .log_level = strdup("info"),
        .sessions_max = 60000,
        .sessions_per_address_max = 1024,
        .handshakes_per_s = 1000,
        .sweep_ms = 60 * 1000,
        .beat_ms = 5 * 1000,
        .publish_delivery = true,
        .witness_again_ms = 10 * 60 * 1000,
        .witness_deadline_ms = 10 * 1000,
        .http_connections = 512,
        .http_connections_per_address = 32,
        .http_requests_per_s = 100,
        .warn_urgent_ms = 3600 * 1000,
        .warn_routine_ms = 4 * 3600 * 1000,
        .warn_utc_offset = strdup("+00:00"),
        .show_collected = true,
    };
    if (out->listen == NULL || out->log_level == NULL ||
        out->warn_utc_offset == NULL)
        return ERR_NOMEM;
    if (path == NULL)
        return ERR_OK;
    rc = config_load(path, keys, KEYS, out, errors);
    if (rc != ERR_OK && errors->len == 0)
        buf_printf(errors, "cannot read %s: %s\n", path, os_last_error_text());
    return rc == ERR_OK ? check_offset(out, path, errors) : rc;
}

void
conf_clear(struct conf *conf)
{
    config_clear(keys, KEYS, conf);
}
