#include "os/container.h"

#include <stdlib.h>

#include "os/file.h"

#include "base/banned.h"

bool container_is_here(void)
{
    const char *variable = getenv("container");

    return (variable && *variable) || file_exists("/.dockerenv") || file_exists("/run/.containerenv");
}
