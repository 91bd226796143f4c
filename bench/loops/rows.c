/* The loops of the daemon's screen, one to one in C: every row, or the rows of some scopes; and other ways to do it.
 * What they prove is derived in monitor/core/kernels.py. Sums are added in the same order, so that figures are equal
 * to the last bit. */
#include "layout.h"

typedef struct {
    Figures *restrict figures;
    double *restrict scales;
    const uint8_t *restrict watch;
    const Links *restrict links;
    uint32_t *restrict codes;
    const double *restrict sizes;
    const double *restrict values;
    const Terms *restrict table;
    const Edge *restrict edge;
    const Coin *restrict coins;
    const double *restrict floors;
    int64_t assets;
    const Law *restrict law;
    uint32_t *restrict found;
} Store;

static inline const double *floor_of(const Store *store, uint8_t watch, uint32_t asset)
{
    return store->floors + (watch / STATES * store->assets + asset) * 2;
}

/* One row of cells; returns the count of candidates with its scope if it is one. */
static inline int64_t judge_row(const Store *store, int64_t row, int64_t place, int64_t capacity, int is_part,
                                int64_t count)
{
    Figures *restrict figures = store->figures;
    uint32_t *restrict codes = store->codes;
    const double *restrict sizes = store->sizes, *restrict values = store->values;
    const Terms *restrict table = store->table;
    double base = figures[row][BASE], equity = base, requirement = figures[row][FIXED], live = 0.0, doubt = 0.0;
    for (int64_t end = place + capacity; place < end; place++) {
        uint32_t code = codes[place];
        double gain = sizes[place] * values[code >> 4], notional = fabs(gain);
        equity += gain;
        live += notional;
        if ((notional < table[code][LOWEST]) | (notional >= table[code][HIGHEST])) {
            double more = 0.0;
            code = bracket_of(notional, code, store->edge, &more);
            codes[place] = code;
            doubt += more;
        }
        requirement += greater(table[code][RATE] * notional - table[code][DEDUCTION], 0.0);
    }
    figures[row][EQUITY] = equity;
    figures[row][REQUIREMENT] = requirement;
    double scale = 4.0 * (capacity + 16.0) * UNIT * (fabs(base) + live + requirement) + doubt;
    if (is_part) {
        store->scales[row] = scale;
        return count;
    }
    uint8_t state = store->watch[row];
    double tolerance = store->law[state][WEIGHT] * scale;
    if (!is_proven(state, equity, requirement, tolerance, store->law)
        && is_doubtful(state, equity, requirement, live != 0.0, tolerance,
                       floor_of(store, state, store->links[row][ASSET]), store->law))
        store->found[count++] = store->links[row][OWNER];
    return count;
}

/* A scope in USD, whose parts were evaluated before. */
static inline int64_t judge_group(const Store *store, int64_t row, int64_t place, int64_t capacity, int64_t count)
{
    double equity = 0.0, requirement = 0.0, scale = 0.0;
    for (int64_t end = place + capacity; place < end; place++) {
        uint32_t part = store->codes[place];
        const double *coin = store->coins[store->links[part][ASSET]];
        double amount = store->figures[part][EQUITY];
        equity += amount * (amount < 0.0 ? coin[MINUS] : coin[PLUS]);
        requirement += store->figures[part][REQUIREMENT] * coin[MINUS];
        scale += store->scales[part] * greater(coin[PLUS], coin[MINUS]);
    }
    store->figures[row][EQUITY] = equity;
    store->figures[row][REQUIREMENT] = requirement;
    uint8_t state = store->watch[row];
    double tolerance = store->law[state][WEIGHT] * (1.0 + capacity / 16.0) * scale;
    if (!is_proven(state, equity, requirement, tolerance, store->law)
        && is_doubtful(state, equity, requirement, store->figures[row][FIXED] != 0.0, tolerance,
                       floor_of(store, state, 0), store->law))
        store->found[count++] = store->links[row][OWNER];
    return count;
}

#define STORE_ARGUMENTS                                                                                                \
    Figures *figures, double *scales, const uint8_t *watch, const Links *links, uint32_t *codes, const double *sizes,  \
        const double *values, const Terms *table, const Edge *edge, const Coin *coins, const double *floors,           \
        int64_t assets, const Law *law, uint32_t *found
#define STORE                                                                                                          \
    {                                                                                                                  \
        figures, scales, watch, links, codes, sizes, values, table, edge, coins, floors, assets, law, found            \
    }

/* Every row, tile by tile, parts before their groups. */
int64_t judge_tiles(const Tile *tiles, int64_t count_of_tiles, STORE_ARGUMENTS)
{
    const Store store = STORE;
    int64_t count = 0;
    for (int64_t tile = 0; tile < count_of_tiles; tile++) {
        int64_t kind = tiles[tile][TILE_KIND], capacity = tiles[tile][TILE_CAPACITY], place = tiles[tile][TILE_CELL];
        int64_t first = tiles[tile][TILE_ROW], end = first + tiles[tile][TILE_USED];
        if (kind <= PART)
            for (int64_t row = first; row < end; row++, place += capacity)
                count = judge_row(&store, row, place, capacity, kind == PART, count);
    }
    for (int64_t tile = 0; tile < count_of_tiles; tile++) {
        int64_t capacity = tiles[tile][TILE_CAPACITY], place = tiles[tile][TILE_CELL];
        int64_t first = tiles[tile][TILE_ROW], end = first + tiles[tile][TILE_USED];
        if (tiles[tile][TILE_KIND] == GROUP)
            for (int64_t row = first; row < end; row++, place += capacity)
                count = judge_group(&store, row, place, capacity, count);
    }
    return count;
}

static inline int64_t first_cell(int64_t row, const Page *pages)
{
    return pages[row >> PAGE_BITS][PAGE_CELL] + (row & (PAGE_ROWS - 1)) * pages[row >> PAGE_BITS][PAGE_CAPACITY];
}

/* Some scopes from scratch, portfolios apart: first which rows there are, then these, then the scopes they are parts of.
 * `rows` has room for all of them, `tops` for the scopes. */
int64_t judge_scopes(const uint32_t *chosen, int64_t length, const Scope *scopes, const Page *pages,
                     uint32_t *restrict rows, uint32_t *restrict tops, STORE_ARGUMENTS)
{
    const Store store = STORE;
    int64_t count = 0, listed = 0, groups = 0;
    for (int64_t index = 0; index < length; index++) {
        uint32_t row = scopes[chosen[index]][SCOPE_ROW];
        if (row == NONE || pages[row >> PAGE_BITS][PAGE_KIND] == PORTFOLIO)
            continue;
        if (pages[row >> PAGE_BITS][PAGE_KIND] == SINGLE) {
            rows[listed++] = row;
            continue;
        }
        tops[groups++] = row;
        int64_t part = first_cell(row, pages), end = part + pages[row >> PAGE_BITS][PAGE_CAPACITY];
        while (part < end)
            rows[listed++] = codes[part++];
    }
    for (int64_t index = 0; index < listed; index++) {
        const Page *page = &pages[rows[index] >> PAGE_BITS];
        count = judge_row(&store, rows[index], first_cell(rows[index], pages), (*page)[PAGE_CAPACITY],
                          (*page)[PAGE_KIND] != SINGLE, count);
    }
    for (int64_t index = 0; index < groups; index++)
        count = judge_group(&store, tops[index], first_cell(tops[index], pages),
                            pages[tops[index] >> PAGE_BITS][PAGE_CAPACITY], count);
    return count;
}

/* The holders of one contract by what its price has moved: {equity, requirement, bound, -} lie together and are fetched
 * ahead. The other way to do a single-symbol tick; nobody is looked at but the holders, and nothing but the contract.
 * The bound grows with every tick, by the rounding of what is added. */
enum { AHEAD = 24 };
int64_t judge_moved(int64_t length, const uint32_t *restrict rows, uint32_t *restrict codes,
                    const double *restrict sizes, double before, double after, double (*restrict state)[4],
                    const uint8_t *restrict watch, const Links *restrict links, const Terms *restrict table,
                    const Edge *restrict edge, const double *restrict floors, int64_t assets, const Law *restrict law,
                    uint32_t *restrict found)
{
    int64_t count = 0;
    for (int64_t index = 0; index < length; index++) {
        if (index + AHEAD < length) {
            __builtin_prefetch(state[rows[index + AHEAD]], 1);
            __builtin_prefetch(&watch[rows[index + AHEAD]], 0);
        }
        uint32_t row = rows[index], code = codes[index];
        double was = sizes[index] * before, is = sizes[index] * after, doubt = 0.0;
        double needed = greater(table[code][RATE] * fabs(was) - table[code][DEDUCTION], 0.0);
        if ((fabs(is) < table[code][LOWEST]) | (fabs(is) >= table[code][HIGHEST])) {
            code = bracket_of(fabs(is), code, edge, &doubt);
            codes[index] = code;
        }
        double needs = greater(table[code][RATE] * fabs(is) - table[code][DEDUCTION], 0.0);
        double equity = state[row][0] + (is - was), requirement = state[row][1] + (needs - needed);
        double bound = state[row][2] + 8.0 * UNIT * (fabs(equity) + fabs(was) + fabs(is) + requirement) + doubt;
        state[row][0] = equity;
        state[row][1] = requirement;
        state[row][2] = bound;
        uint8_t status = watch[row];
        double tolerance = law[status][WEIGHT] * bound;
        if (!is_proven(status, equity, requirement, tolerance, law)
            && is_doubtful(status, equity, requirement, 1, tolerance,
                           floors + (status / STATES * assets + links[row][ASSET]) * 2, law))
            found[count++] = links[row][OWNER];
    }
    return count;
}

static uint64_t sum_of(const void *bytes, int64_t size)
{
    const uint64_t *restrict words = bytes;
    uint64_t sum = 0;
    for (int64_t index = 0; index < size / 8; index++)
        sum += words[index];
    return sum;
}

/* Read what a full tick of single rows touches, and do nothing with it. */
int64_t read_tiles(const Tile *tiles, int64_t count_of_tiles, const Figures *figures, const uint8_t *watch,
                   const uint32_t *codes, const double *sizes)
{
    uint64_t sum = 0;
    for (int64_t tile = 0; tile < count_of_tiles; tile++) {
        int64_t first = tiles[tile][TILE_ROW], used = tiles[tile][TILE_USED], cell = tiles[tile][TILE_CELL];
        int64_t cells = used * tiles[tile][TILE_CAPACITY];
        if (tiles[tile][TILE_KIND] > PART)
            continue;
        sum += sum_of(figures + first, used * (int64_t)sizeof(Figures)) + sum_of(watch + first, used);
        sum += sum_of(codes + cell, cells * (int64_t)sizeof(*codes)) + sum_of(sizes + cell, cells * (int64_t)sizeof(*sizes));
    }
    return (int64_t)(sum >> 1);
}

/* Add one to a number, over and over, each time waiting for the last: one addition a cycle. */
int64_t spin(int64_t times)
{
    uint64_t number = 0;
    for (int64_t index = 0; index < times; index++) {
        number += 1;
        __asm__ volatile("" : "+r"(number));
    }
    return (int64_t)number;
}
