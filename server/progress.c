#include "server/progress.h"

#include "base/clock.h"
#include "base/time_text.h"

enum { TEXT_MAX = 200, SECOND = 1000000000, TELL_NS = SECOND / 5 };

void progress_begin(struct progress *progress, FILE *out)
{
    *progress = (struct progress){.out = out, .begun_ns = clock_monotonic_ns(clock_system())};
}

void progress_print_size(struct buf *text, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        buf_printf(text, "%u B", (unsigned)bytes);
        return;
    }
    while (size >= 1024 && unit + 1 < COUNT_OF(units)) {
        size /= 1024;
        unit++;
    }
    buf_printf(text, "%.1f %s", size, units[unit]);
}

void progress_print(struct buf *text, uint64_t done, uint64_t total, uint64_t skipped, int64_t ns)
{
    double seconds = (double)ns / SECOND, rate;
    char left[TIMESTAMP_TEXT_SIZE];

    if (total > 0)
        buf_printf(text, "%.0f %%  ", 100.0 * (double)done / (double)total);
    progress_print_size(text, done);
    if (total > 0) {
        buf_put_text(text, " of ");
        progress_print_size(text, total);
    }
    if (seconds < 0.5 || done <= skipped)
        return;
    rate = (double)(done - skipped) / seconds;
    buf_put_text(text, "  ");
    progress_print_size(text, (uint64_t)rate);
    buf_put_text(text, "/s");
    if (total > done && rate >= 1 && (double)(total - done) / rate < 1e6) {
        int64_t left_s = (int64_t)((double)(total - done) / rate) + 1;
        size_t size = duration_print(left_s * SECOND, left);

        buf_printf(text, "  %.*s left", (int)size, left);
    }
}

void progress_tell(struct progress *progress, uint64_t done, uint64_t total, const char *rest)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    int64_t now_ns;

    if (!progress->out)
        return;
    now_ns = clock_monotonic_ns(clock_system());
    if (now_ns - (progress->shown ? progress->told_ns : progress->begun_ns) < TELL_NS)
        return;
    progress_print(&text, done, total, progress->skipped, now_ns - progress->begun_ns);
    if (buf_finish(&text, NULL) == OK)
        fprintf(progress->out, "\r\033[K%.*s  %s", BYTES_ARG(buf_bytes(&text)), rest);
    fflush(progress->out);
    buf_release(&text);
    progress->told_ns = now_ns;
    progress->shown = true;
}

void progress_wipe(struct progress *progress)
{
    if (progress->out && progress->shown)
        fputs("\r\033[K", progress->out);
    progress->shown = false;
}
