#include "os/log_system.h"

#include <syslog.h>

#include "base/banned.h"

static int priority_of(enum log_level level)
{
    return level == LOG_AT_ERROR  ? LOG_ERR
           : level == LOG_AT_WARN ? LOG_WARNING
           : level == LOG_AT_INFO ? LOG_INFO
                                  : LOG_DEBUG;
}

void log_system_line(enum log_level level, const char *program, struct span line)
{
    openlog(program, LOG_PID, LOG_MAIL);
    syslog(priority_of(level), "%.*s", SPAN_ARG(line));
    closelog();
}
