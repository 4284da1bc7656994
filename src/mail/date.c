#include "mail/date.h"

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

void date_add_rfc3339(struct buf *out, uint64_t seconds)
{
    seconds = seconds > LAST ? LAST : seconds;
    struct day day = day_of(seconds / DAY);
    unsigned left = (unsigned)(seconds % DAY);

    buf_addf(out, "%04u-%02u-%02uT%02u:%02u:%02uZ", day.year, day.month + 1, day.day, left / 3600,
             left / 60 % 60, left % 60);
}
