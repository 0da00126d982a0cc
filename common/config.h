/*
 * config.h - an INI file into a struct, by a table.  THE inih door.  Whatever
 * is not in the table, stands twice, or has a bad value is an error with its
 * line:
 *
 *     sealpostd.conf:7: unknown key "lisen" in [network]; did you mean
 * "listen"? sealpostd.conf:9: idle: "5 parsecs" is not a time such as 500ms,
 * 30s, 15m or 7d
 *
 * The table names where each value goes:
 *
 *     static const struct config_key keys[] = {
 *         {"network", "listen", CONFIG_STR, offsetof(struct conf, listen), 0,
 * 0},
 *         {"quota", "mailbox", CONFIG_SIZE, offsetof(struct conf, quota), 1,
 * 0},
 *     };
 */
#ifndef SEALPOST_COMMON_CONFIG_H
#define SEALPOST_COMMON_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

enum config_type {
    CONFIG_STR,      /* char *: heap, the old value is freed.  MIN and MAX count
                      * bytes. */
    CONFIG_U64,      /* uint64_t: "12" */
    CONFIG_BOOL,     /* bool: yes no true false on off */
    CONFIG_SIZE,     /* uint64_t bytes: "500", "64k", "10M", "2G" (powers of
                      * 1024; "KiB", "MiB" too) */
    CONFIG_DURATION, /* uint64_t milliseconds: "500ms" "30s" "15m" "6h" "7d" */
};

struct config_key {
    const char *section; /* "" before the first section */
    const char *key;
    enum config_type type;
    size_t offset; /* of the field in *OUT */
    uint64_t min;
    uint64_t max; /* 0: none */
};

/* Reads PATH into *OUT, where defaults stand already (strings: NULL or heap).
 * Every problem becomes one line in ERRORS, and then ERR_MALFORMED: some fields
 * may have been set.  ERR_NOTFOUND, ERR_IO, ERR_TOOBIG (1 MiB), ERR_NOMEM. */
enum err config_load(const char *path, const struct config_key *keys,
                     size_t count, void *out, struct buf *errors);
/* The same for text in memory; NAME stands in the messages. */
enum err config_parse(const char *text, const char *name,
                      const struct config_key *keys, size_t count, void *out,
                      struct buf *errors);
/* Frees the strings and makes them NULL. */
void config_clear(const struct config_key *keys, size_t count, void *out);

/* The two notations, for command lines too.  ERR_MALFORMED. */
enum err config_parse_size(uint64_t *bytes, const char *text);
enum err config_parse_duration(uint64_t *ms, const char *text);

#endif
