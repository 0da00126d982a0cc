/*
 * log.h - diagnostics on stderr, one line a message, for people and journald.
 * Only the layer that decides what to do logs: step, object, cause.  Never
 * secrets, never what is inside a packet.  Control characters in arguments are
 * shown, not obeyed.  One write per line, so threads do not mix.
 *
 *     2026-11-22T06:30:15.123Z sealpostd warn: accept: 192.0.2.7: out of memory
 *
 * Under journald (JOURNAL_STREAM is set) the time is left out and the line
 * starts with the priority, "<4>" (sd-daemon(3)).
 */
#ifndef SEALPOST_COMMON_LOG_H
#define SEALPOST_COMMON_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
};

/* Before the first thread; without it the level is WARN and there is no name.
 * NAME is borrowed for ever. */
void log_open(enum log_level level, const char *name);
/* "error", "warn", "info" or "debug"; false for anything else. */
bool log_level_parse(enum log_level *level, const char *text);
bool log_wants(enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
