#include "net/resolve.h"

#include "base/banned.h"

/* A step of splitmix64: numbers good enough to spread load, and always the same from one seed. */
static uint64_t draw(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool comes_before(const struct resolve_srv *a, const struct resolve_srv *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return !a->weight && b->weight;
}

static void move(struct resolve_srvs *srvs, size_t from, size_t to)
{
    struct resolve_srv moved = srvs->at[from];

    for (; from > to; from--)
        srvs->at[from] = srvs->at[from - 1];
    srvs->at[to] = moved;
}

/*= RFC 2782, "Weight"
 *# To select a target to be contacted next, arrange all SRV RRs (that have not been ordered yet) in
 *# any order, except that all those with weight 0 are placed at the beginning of the list.
 *# Compute the sum of the weights of those RRs, and with each RR associate the running sum in the
 *# selected order. Then choose a uniform random number between 0 and the sum computed (inclusive),
 *# and select the RR whose running sum value is the first in the selected order which is greater
 *# than or equal to the random number selected.   */
void resolve_srv_order(struct resolve_srvs *srvs, uint64_t seed)
{
    for (size_t i = 1; i < srvs->count; i++) {
        size_t to = i;
        while (to && comes_before(&srvs->at[i], &srvs->at[to - 1]))
            to--;
        move(srvs, i, to);
    }
    for (size_t first = 0; first < srvs->count; first++) {
        uint32_t sum = 0, running = 0;
        size_t end = first, chosen = first;
        for (; end < srvs->count && srvs->at[end].priority == srvs->at[first].priority; end++)
            sum += srvs->at[end].weight;
        uint64_t drawn = draw(&seed) % ((uint64_t)sum + 1);
        for (; chosen < end; chosen++) {
            running += srvs->at[chosen].weight;
            if (running >= drawn)
                break;
        }
        move(srvs, chosen, first);
    }
}
