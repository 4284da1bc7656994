/* A line for the system's log, as mail's, from a program that has no log of its own to keep. Nothing but libc. */
#ifndef OUTPOST_OS_LOG_SYSTEM_H
#define OUTPOST_OS_LOG_SYSTEM_H

#include "os/log.h"

/* What is in the line is safe to show already. */
void log_system_line(enum log_level level, const char *program, struct span line);

#endif
