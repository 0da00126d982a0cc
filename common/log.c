#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/os.h"
#include "common/text.h"

/* One line, so that a pipe takes it in one piece (PIPE_BUF). */
#define LINE_MAX_BYTES 2048

static enum log_level level = LOG_LEVEL_WARN;
static const char *program = "";
static bool journald;

static const struct {
    const char *name;
    int priority; /* syslog's, as sd-daemon(3) wants it */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARN] = {"warn", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

void
log_open(enum log_level new_level, const char *name)
{
    level = new_level;
    program = name;
    journald = getenv("JOURNAL_STREAM") != NULL;
}

bool
log_level_parse(enum log_level *out, const char *text)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool
log_wants(enum log_level wanted)
{
    return wanted <= level;
}

static void
put_head(struct buf *line, enum log_level at)
{
    char now[CLOCK_TEXT_MAX];

    if (journald) {
        buf_printf(line, "<%d>", levels[at].priority);
    } else {
        clock_format_rfc3339(now, clock_wall_ms());
        buf_printf(line, "%s %s%s", now, program, program[0] ? " " : "");
    }
    buf_printf(line, "%s: ", levels[at].name);
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level at, const char *fmt, va_list ap)
{
    char message[LINE_MAX_BYTES];
    struct buf line = {0};

    if (!log_wants(at))
        return;
    vsnprintf(message, sizeof(message), fmt, ap);
    put_head(&line, at);
    text_show(&line, message, strlen(message), TEXT_ONE_LINE);
    buf_u8(&line, '\n');
    if (buf_status(&line) == ERR_OK)
        os_write_all(2, line.data, line.len);
    buf_clear(&line);
}

#define LOG_FUNCTION(name, at)                                                 \
    void name(const char *fmt, ...)                                            \
    {                                                                          \
        va_list ap;                                                            \
                                                                               \
        va_start(ap, fmt);                                                     \
        write_line(at, fmt, ap);                                               \
        va_end(ap);                                                            \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
