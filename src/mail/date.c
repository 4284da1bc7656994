#include "mail/date.h"

#include "base/scan.h"
#include "base/str.h"

#include "base/banned.h"

enum { DAY = 24 * 60 * 60, ZONE_MAX = 24 * 60 - 1 };

static const uint64_t LAST = 253402214399; /* a day before the end of the year 9999 */

static const char *const week_days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static bool is_leap(uint64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned month_days(uint64_t year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month] + (month == 1 && is_leap(year) ? 1u : 0u);
}

struct day {
    unsigned year, month, day; /* month from 0, day from 1 */
};

static struct day day_of(uint64_t days)
{
    struct day day = { .year = 1970 };

    for (unsigned length; days >= (length = is_leap(day.year) ? 366 : 365); day.year++)
        days -= length;
    for (unsigned length; days >= (length = month_days(day.year, day.month)); day.month++)
        days -= length;
    day.day = (unsigned)days + 1;
    return day;
}

void date_add(struct buf *out, uint64_t seconds, int zone)
{
    zone = zone > ZONE_MAX ? ZONE_MAX : zone < -ZONE_MAX ? -ZONE_MAX : zone;
    seconds = seconds > LAST ? LAST : seconds;
    int64_t local = (int64_t)seconds + (int64_t)zone * 60;
    if (local < 0) /* the first hours of 1970, seen from the west */
        local = zone = 0;

    uint64_t days = (uint64_t)local / DAY, left = (uint64_t)local % DAY;
    struct day day = day_of(days);
    unsigned minutes = (unsigned)(zone < 0 ? -zone : zone);

    buf_addf(out, "%s, %u %s %u %02u:%02u:%02u %c%02u%02u", week_days[days % 7], day.day,
             months[day.month], day.year, (unsigned)(left / 3600), (unsigned)(left / 60 % 60),
             (unsigned)(left % 60), zone < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void date_add_asctime(struct buf *out, uint64_t seconds)
{
    seconds = seconds > LAST ? LAST : seconds;
    uint64_t days = seconds / DAY, left = seconds % DAY;
    struct day day = day_of(days);

    buf_addf(out, "%s %s %2u %02u:%02u:%02u %u", week_days[days % 7], months[day.month], day.day,
             (unsigned)(left / 3600), (unsigned)(left / 60 % 60), (unsigned)(left % 60), day.year);
}

void date_add_rfc3339(struct buf *out, uint64_t seconds)
{
    seconds = seconds > LAST ? LAST : seconds;
    struct day day = day_of(seconds / DAY);
    unsigned left = (unsigned)(seconds % DAY);

    buf_addf(out, "%04u-%02u-%02uT%02u:%02u:%02uZ", day.year, day.month + 1, day.day, left / 3600,
             left / 60 % 60, left % 60);
}

/* Two or four digits, no more and no fewer. */
static bool scan_digits(struct scan *scan, size_t count, uint64_t least, uint64_t most, uint64_t *ret_number)
{
    struct span digits = span_cut(scan_rest(scan), 0, count);

    if (digits.len != count || !str_to_u64(digits, least, most, ret_number))
        return false;
    scan->at += count;
    return true;
}

/* "Z", "+01:00": seconds east. */
static bool scan_offset(struct scan *scan, int64_t *ret_offset)
{
    uint64_t hours, minutes;
    bool west = scan_peek(scan) == '-';

    *ret_offset = 0;
    if (scan_word(scan, "Z"))
        return true;
    if ((!scan_char(scan, '+') && !scan_char(scan, '-')) || !scan_digits(scan, 2, 0, 23, &hours) ||
        !scan_char(scan, ':') || !scan_digits(scan, 2, 0, 59, &minutes))
        return false;
    *ret_offset = (int64_t)(hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

static bool is_digit(char c)
{
    return str_is_digit(c);
}

static bool scan_time(struct scan *scan, uint64_t *ret_seconds)
{
    uint64_t hours, minutes, seconds;
    struct span fraction;

    if (!scan_digits(scan, 2, 0, 23, &hours) || !scan_char(scan, ':') ||
        !scan_digits(scan, 2, 0, 59, &minutes) || !scan_char(scan, ':') ||
        !scan_digits(scan, 2, 0, 60, &seconds))
        return false;
    *ret_seconds = hours * 3600 + minutes * 60 + (seconds < 60 ? seconds : 59);
    return !scan_char(scan, '.') || scan_while(scan, is_digit, &fraction);
}

/* From 1970 to this day; the month from 0, the day from 1. */
static uint64_t days_until(uint64_t year, unsigned month, uint64_t day)
{
    uint64_t days = day - 1;

    for (uint64_t y = 1970; y < year; y++)
        days += is_leap(y) ? 366 : 365;
    for (unsigned m = 0; m < month; m++)
        days += month_days(year, m);
    return days;
}

bool date_read_rfc3339(struct span text, uint64_t *ret_seconds)
{
    struct scan scan = scan_of(text);
    uint64_t year, month, day, seconds;
    int64_t offset;

    if (!scan_digits(&scan, 4, 1970, 9999, &year) || !scan_char(&scan, '-') ||
        !scan_digits(&scan, 2, 1, 12, &month) || !scan_char(&scan, '-') ||
        !scan_digits(&scan, 2, 1, month_days(year, (unsigned)month - 1), &day) || !scan_word(&scan, "T") ||
        !scan_time(&scan, &seconds) || !scan_offset(&scan, &offset) || !scan_end(&scan))
        return false;
    int64_t utc = (int64_t)(days_until(year, (unsigned)month - 1, day) * DAY + seconds) - offset;
    if (utc < 0 || (uint64_t)utc >= LAST + 1 + DAY)
        return false;
    *ret_seconds = (uint64_t)utc;
    return true;
}

/* One of three letters: its place in the list. */
static bool scan_name(struct scan *scan, const char *const *names, size_t count, unsigned *ret_place)
{
    for (unsigned i = 0; i < count; i++) {
        *ret_place = i;
        if (scan_text(scan, names[i]))
            return true;
    }
    return false;
}

bool date_read_http(struct span text, uint64_t *ret_seconds)
{
    struct scan scan = scan_of(text);
    uint64_t year, day, seconds;
    unsigned week_day, month;

    if (!scan_name(&scan, week_days, COUNT(week_days), &week_day) || !scan_text(&scan, ", ") ||
        !scan_digits(&scan, 2, 1, 31, &day) || !scan_char(&scan, ' ') ||
        !scan_name(&scan, months, COUNT(months), &month) || !scan_char(&scan, ' ') ||
        !scan_digits(&scan, 4, 1970, 9999, &year) || !scan_char(&scan, ' ') || day > month_days(year, month) ||
        !scan_time(&scan, &seconds) || !scan_text(&scan, " GMT") || !scan_end(&scan))
        return false;
    *ret_seconds = days_until(year, month, day) * DAY + seconds;
    return true;
}
