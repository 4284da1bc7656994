#include "net/interfaces.h"

#include <uv.h>

#include "net/loop_int.h"

#include "base/banned.h"

static bool is_link_local(struct ip ip)
{
    return ip.family == 6 ? ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80 : ip.bytes[0] == 169 && ip.bytes[1] == 254;
}

static bool is_of_use(struct ip ip)
{
    return !ip_is_loopback(ip) && ip.zone == 0 && !is_link_local(ip);
}

static bool is_there(const struct ip *ips, size_t count, struct ip ip)
{
    for (size_t i = 0; i < count; i++)
        if (ip_equal(ips[i], ip))
            return true;
    return false;
}

bool interfaces_list(struct ip ret_ips[INTERFACES_MAX], size_t *ret_count, struct err *err)
{
    static const uint8_t families[] = { 4, 6 };
    uv_interface_address_t *all;
    size_t count = 0;
    struct ip ip;
    int found;

    int bad = uv_interface_addresses(&all, &found);
    if (bad)
        return err_sys(err, ERR_INTERNAL, loop_errno(bad), "asking for this machine's addresses");
    for (size_t f = 0; f < COUNT(families); f++)
        for (int i = 0; i < found && count < INTERFACES_MAX; i++)
            if (ip_from_sockaddr((const struct sockaddr *)&all[i].address, &ip) &&
                ip.family == families[f] && is_of_use(ip) && !is_there(ret_ips, count, ip))
                ret_ips[count++] = ip;
    uv_free_interface_addresses(all, found);
    *ret_count = count;
    return true;
}

/* libuv names those alone that are up. */
bool interfaces_loop_back(void)
{
    uv_interface_address_t *all;
    bool is_up = false;
    int found;

    if (uv_interface_addresses(&all, &found))
        return true;
    for (int i = 0; i < found; i++)
        is_up |= all[i].is_internal != 0;
    uv_free_interface_addresses(all, found);
    return is_up;
}
