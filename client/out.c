/*
 * out.c - what people and scripts see: lines, remarks, progress, problems.
 */
#define _GNU_SOURCE /* vasprintf */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/app.h"
#include "common/text.h"
#include "proto/crypto.h"

/* Names and labels of others stand in what we say, so all of it is shown, never
 * obeyed; a forgotten text_show() elsewhere does no harm. */
static void
put_shown(FILE *f, const char *text, size_t len, enum text_lines lines)
{
    struct buf b = {0};

    text_show(&b, text, len, lines);
    if (b.len > 0)
        (void)fwrite(b.data, 1, b.len, f);
    buf_clear(&b);
}

static void put_format(FILE *f, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static void
put_format(FILE *f, const char *fmt, va_list ap)
{
    char *text = NULL;
    int len = vasprintf(&text, fmt, ap);

    if (len < 0)
        return;
    put_shown(f, text, (size_t)len, TEXT_LINES);
    crypto_wipe(text, (size_t)len);
    free(text);
    (void)fputc('\n', f);
}

void
out_line(struct app *app, const char *fmt, ...)
{
    va_list ap;

    if (app->json)
        return;
    va_start(ap, fmt);
    put_format(stdout, fmt, ap);
    va_end(ap);
}

void
out_note(struct app *app, const char *fmt, ...)
{
    va_list ap;

    if (app->json)
        return;
    (void)fflush(stdout);
    va_start(ap, fmt);
    put_format(stderr, fmt, ap);
    va_end(ap);
}

void
out_safe(struct app *app, const char *text, size_t len, bool lines)
{
    if (!app->json)
        put_shown(stdout, text, len, lines ? TEXT_LINES : TEXT_ONE_LINE);
}

void
out_next(struct app *app, const char *fmt, ...)
{
    char text[320];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    json_put_str(app->result, "next", text);
    out_note(app, "Next: %s", text);
}

static void
human_size(char *out, size_t max, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    double v = (double)bytes;
    size_t u = 0;

    while (v >= 1024 && u + 1 < sizeof(units) / sizeof(units[0])) {
        v /= 1024;
        u++;
    }
    (void)snprintf(out, max, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
}

void
out_progress(struct app *app, const char *what, uint64_t done, uint64_t total)
{
    enum { BAR = 24 };
    char bar[BAR + 1];
    char at[32];
    char of[32];
    size_t full = total == 0 ? BAR : (size_t)(done * BAR / total);

    if (!app->tty || app->json)
        return;
    memset(bar, '.', BAR);
    memset(bar, '#', full > BAR ? BAR : full);
    bar[BAR] = '\0';
    human_size(at, sizeof(at), done);
    human_size(of, sizeof(of), total);
    (void)fprintf(stderr, "\r%-28.28s [%s] %s of %s ", what, bar, at, of);
    if (done >= total)
        (void)fputc('\n', stderr);
    (void)fflush(stderr);
}

static void
fail_json(struct app *app, const struct problem *pb)
{
    json_t *e = json_object();

    json_put_str(e, "code", problem_code(pb->id));
    json_put_str(e, "what", pb->what);
    json_put_str(e, "why", pb->why);
    json_put_str(e, "next", problem_next_text(pb));
    json_put_u64(e, "exit", (uint64_t)problem_exit(pb->id));
    json_put(app->result, "error", e);
    json_put_bool(app->result, "ok", 0);
}

static void
put_words(const char *lead, const char *text)
{
    (void)fputs(lead, stderr);
    put_shown(stderr, text, strlen(text), TEXT_ONE_LINE);
}

int
app_fail(struct app *app, const struct problem *pb)
{
    static const struct problem unknown = {
        .id = P_INTERNAL,
        .what = "something went wrong",
        .why = "no step said why",
    };

    struct problem usage;

    if (pb->id == P_NONE)
        pb = &unknown;
    if (pb->id == P_USAGE && pb->next[0] == '\0' && app->command != NULL &&
        app->command[0] != '\0') {
        usage = *pb;
        problem_next(&usage, "see `sealpost help %s`", app->command);
        pb = &usage;
    }
    if (app->json) {
        fail_json(app, pb);
    } else {
        (void)fflush(stdout);
        put_words("sealpost: ", pb->what);
        (void)fprintf(stderr, " [%s]", problem_code(pb->id));
        put_words("\n  why:  ", pb->why);
        put_words("\n  next: ", problem_next_text(pb));
        (void)fputc('\n', stderr);
    }
    return problem_exit(pb->id);
}

int
app_usage(struct app *app, const char *why_fmt, ...)
{
    struct problem pb = {.id = P_USAGE, .what = "the command is not complete"};
    va_list ap;

    va_start(ap, why_fmt);
    (void)vsnprintf(pb.why, sizeof(pb.why), why_fmt, ap);
    va_end(ap);
    return app_fail(app, &pb);
}
