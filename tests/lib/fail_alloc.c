#include "tests/lib/fail_alloc.h"

#include <stddef.h>

/* The linker's --wrap gives these names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);

static bool armed, fired;
static unsigned long countdown;

static bool
fails(void)
{
    if (!armed || countdown-- > 0)
        return false;
    armed = false;
    fired = true;
    return true;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

char *
__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

void
fail_alloc_at(unsigned long n)
{
    armed = true;
    fired = false;
    countdown = n;
}

bool
fail_alloc_off(void)
{
    armed = false;
    return fired;
}
