/* Files that are made up, for SQLite: in memory, and what a machine without power leaves of them. */
#ifndef OUTPOST_SIM_FILES_H
#define OUTPOST_SIM_FILES_H

#include <stdbool.h>

void files_install(void); /* before SQLite is first used: it goes by these from now on */
void files_begin(void);   /* there are none any more */
/* Without power nothing is written, and whoever tries is told that it failed. */
void files_power(bool on);
/* What was not synced is lost, or is not, sector by sector. */
void files_lose(void);

#endif
