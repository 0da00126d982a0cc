#include "client/verbs.h"

#include <string.h>

#include "common/text.h"

static int
none_fits(struct app *app, const char *noun, const char *typed,
          const struct verb *verbs, size_t n)
{
    struct problem pb = {0};
    struct buf list = {0};
    const char *names[32];
    const char *near;
    size_t count = n < 32 ? n : 32;

    for (size_t i = 0; i < count; i++) {
        names[i] = verbs[i].name;
        buf_printf(&list, " %s", verbs[i].name);
    }
    (void)problem_set(&pb, P_USAGE, ERR_NOTFOUND, "the command is not complete",
                      "%s needs one of:%s", noun,
                      list.len == 0 ? "" : (const char *)list.data);
    near = typed == NULL ? NULL : text_nearest(typed, names, count);
    if (near != NULL)
        problem_next(&pb, "did you mean `sealpost %s %s`?", noun, near);
    else
        problem_next(&pb, "see `sealpost help %.*s`", (int)strcspn(noun, " "),
                     noun);
    buf_clear(&list);
    return app_fail(app, &pb);
}

int
verbs_run(struct app *app, const char *noun, int argc, char **argv,
          const struct verb *verbs, size_t n)
{
    for (size_t i = 0; argc > 1 && i < n; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(app, argc - 1, argv + 1);
    return none_fits(app, noun, argc > 1 ? argv[1] : NULL, verbs, n);
}
