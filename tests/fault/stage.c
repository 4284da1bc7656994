#include "stage.h"

#include "support/check.h"

uint64_t stage_time(unsigned step)
{
    return 1000 + step * 10;
}

bool stage_open_sqlite(struct stage *stage, bool *ret_crashed, struct err *err)
{
    struct sqlite_options options = { .directory = scratch_path(stage->scratch, "state"), .disk = &disk_system };
    struct store_opened opened = { 0 };

    stage->sqlite.store = NULL;
    bool ok = store_sqlite_open(&options, &stage->sqlite.store, &opened, err);
    if (ret_crashed)
        *ret_crashed = opened.crashed;
    return ok;
}

void stage_open(struct stage *stage, struct scratch *scratch)
{
    struct err err = { 0 };

    *stage = (struct stage){ .scratch = scratch };
    assert_true(store_memory_open(&stage->memory.store, &err));
    if (!stage_open_sqlite(stage, NULL, &err))
        fail_msg("%s", err.text);
}

void stage_close(struct stage *stage)
{
    store_free(stage->sqlite.store);
    store_free(stage->memory.store);
}

long stage_differ(const struct buf *one, const struct buf *other)
{
    size_t at = 0, line = 0;

    if (span_equal(buf_span(one), buf_span(other)))
        return -1;
    for (; at < one->len && at < other->len && one->at[at] == other->at[at]; at++)
        if (one->at[at] == '\n')
            line = at + 1;
    return (long)line;
}

void stage_compare(struct stage *stage, uint64_t now, const char *what, uint64_t seed, unsigned step)
{
    HELD(buf) one = BUF(8 << 20);
    HELD(buf) other = BUF(8 << 20);

    dump(stage->memory.store, now, &one);
    dump(stage->sqlite.store, now, &other);
    long line = stage_differ(&one, &other);
    if (line >= 0)
        fail_msg("%s, seed %llu, step %u:\nmemory: %.600s\nsqlite: %.600s", what, (unsigned long long)seed, step,
                 buf_text(&one) + line, buf_text(&other) + line);
}

void stage_reborn(struct stage *stage, uint64_t now)
{
    play_rebirth(&stage->sqlite, now);
    play_rebirth(&stage->memory, now);
}

void stage_check(struct store *store, const char *what, unsigned step)
{
    stage_check_but(store, what, step, 0);
}

void stage_check_but(struct store *store, const char *what, unsigned step, uint64_t damaged)
{
    struct store_checking checking = { 0 };
    struct err err = { 0 };

    while (!checking.end) {
        if (!store_begin(store, &err) || !store_job_begin(store, &err) ||
            !store_check(store, &checking, 20, 5000, &err) || !store_job_end(store, true, &err) ||
            !store_commit(store, &err))
            fail_msg("%s, step %u: %s", what, step, err.text);
    }
    if (checking.damaged > damaged)
        fail_msg("%s, step %u: %s", what, step, checking.text);
}
