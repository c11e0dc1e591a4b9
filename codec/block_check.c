/* What reading relies on but does not look at: that the header tells the truth about the sections.
 * A reader that answers from summaries or skips a block by its bounds is right only then. */
#include "codec/block_codec.h"
#include "codec/column_summary.h"

static enum code bounds_check(const int64_t *times, uint32_t count, int64_t first, int64_t last,
                              const char *name, struct error *err)
{
    int64_t least = INT64_MAX, greatest = INT64_MIN;

    for (uint32_t row = 0; row < count; row++) {
        least = times[row] < least ? times[row] : least;
        greatest = times[row] > greatest ? times[row] : greatest;
    }
    if (least != first || greatest != last)
        return error_set(err, E_CORRUPT, "%s is in %lld..%lld, the header says %lld..%lld", name,
                         (long long)least, (long long)greatest, (long long)first, (long long)last);
    return OK;
}

static enum code unique_check(const struct block_view *view, const int64_t *time, struct error *err)
{
    bool unique = true;

    for (uint32_t i = 0; i < view->series_count; i++) {
        for (uint32_t row = view->series_row_first[i] + 1; row < view->series_row_first[i + 1];
             row++)
            unique = unique && time[row] != time[row - 1];
    }
    if (unique != view->times_unique)
        return error_set(err, E_CORRUPT, "times are %sunique, the header says otherwise",
                         unique ? "" : "not ");
    return OK;
}

static enum code column_check(struct block_decoder *decoder, const struct block_view *view,
                              uint32_t column, struct arena *arena, struct error *err)
{
    const struct block_section *section = &view->columns[column];
    union cell valid[BLOCK_ROWS_MAX];
    uint16_t rows[BLOCK_ROWS_MAX];
    struct column_summary summary;
    const union cell *cells;
    const uint8_t *present;
    const char *differs;
    size_t count = 0;
    enum code code;

    code = block_read_column(decoder, view, column, arena, &cells, &present, err);
    if (code)
        return code;
    for (uint32_t row = 0; row < view->row_count; row++) {
        if (present && !present[row])
            continue;
        valid[count] = cells[row];
        rows[count++] = (uint16_t)row;
    }
    column_summary_make(section->type, valid, rows, count, &summary);
    differs = column_summary_differs(section->type, &summary, &section->summary);
    if (differs)
        return error_set(err, E_CORRUPT, "column %.*s (%s): %s is not what its summary says",
                         BYTES_ARG(section->name), value_type_name(section->type), differs);
    return OK;
}

enum code block_check(struct bytes bytes, struct block_decoder *decoder, struct arena *arena,
                      struct error *err)
{
    const int64_t *time, *ingest, *revision;
    const uint8_t *history;
    struct block_view view;
    enum code code;

    code = block_open(bytes, arena, &view, err);
    if (code)
        return code;
    code = block_read_time(decoder, &view, arena, &time, err);
    if (code == OK)
        code = block_read_ingest(decoder, &view, arena, &ingest, err);
    if (code == OK)
        code = block_read_revision(decoder, &view, arena, &revision, err);
    if (code == OK)
        code = block_read_history(decoder, &view, arena, &history, err);
    if (code == OK)
        code = bounds_check(time, view.row_count, view.time_first, view.time_last, "time", err);
    if (code == OK)
        code = bounds_check(ingest, view.row_count, view.ingest_first, view.ingest_last,
                            "ingest time", err);
    if (code == OK)
        code = unique_check(&view, time, err);
    for (uint32_t i = 0; code == OK && i < view.column_count; i++)
        code = column_check(decoder, &view, i, arena, err);
    return code;
}
