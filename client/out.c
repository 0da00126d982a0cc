/*
 * out.c - what people and scripts see: lines, remarks, progress, problems.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/app.h"
#include "common/text.h"

void
out_line(struct app *app, const char *fmt, ...)
{
    va_list ap;

    if (app->json)
        return;
    va_start(ap, fmt);
    (void)vprintf(fmt, ap);
    va_end(ap);
    (void)putchar('\n');
}

void
out_note(struct app *app, const char *fmt, ...)
{
    va_list ap;

    if (app->json)
        return;
    (void)fflush(stdout);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

void
out_safe(struct app *app, const char *text, size_t len, bool lines)
{
    struct buf b = {0};

    if (app->json)
        return;
    text_show(&b, text, len, lines ? TEXT_LINES : TEXT_ONE_LINE);
    (void)fwrite(b.data, 1, b.len, stdout);
    buf_clear(&b);
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

int
app_fail(struct app *app, const struct problem *pb)
{
    static const struct problem unknown = {
        .id = P_INTERNAL,
        .what = "something went wrong",
        .why = "no step said why",
    };

    if (pb->id == P_NONE)
        pb = &unknown;
    if (app->json) {
        fail_json(app, pb);
    } else {
        (void)fflush(stdout);
        (void)fprintf(stderr, "sealpost: %s [%s]\n  why:  %s\n  next: %s\n",
                      pb->what, problem_code(pb->id), pb->why,
                      problem_next_text(pb));
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
