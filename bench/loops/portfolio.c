/* The scenario method from scratch, one to one in C: what monitor/core/kernels_portfolio_rows.py gathers of an account
 * and scenario_of in kernels_methods.py requires of it; in the same order, so that figures are equal to the last bit.
 * Accounts are done one after the other. */
#include "layout.h"

enum { SLOPE, BASIS_RATE, MINIMUM_RATE, FACTOR, LIQUIDITY_RATE, EXPONENT };
enum { BREAK_UP, BREAK_DOWN, SWING_UP, SWING_DOWN, PER_VOLUME, IS_MIXED, GROUP_COLUMNS };
enum { MOST_GROUPS = 64 };

typedef double Group[GROUP_COLUMNS];
typedef struct {
    double delta, gross, held;
    int seen;
} Work;
typedef struct {
    double in_all, value_error, alone, held_error, terms;
} Sums;
typedef struct {
    const double *restrict numbers;
    const Group *restrict groups;
    int64_t count;
    const double *restrict shocks;
    int64_t scenarios;
} Recipe;

static inline int64_t touch(Work *work, int64_t *touched, int64_t count, int64_t group)
{
    if (!work[group].seen) {
        work[group].seen = 1;
        touched[count++] = group;
    }
    return count;
}

static inline void arrange(int64_t *touched, int64_t count)
{
    for (int64_t last = 1; last < count; last++) {
        int64_t group = touched[last], slot = last;
        for (; slot > 0 && touched[slot - 1] > group; slot--)
            touched[slot] = touched[slot - 1];
        touched[slot] = group;
    }
}

/* What a scenario, a group breaking away, size and basis require; the charge for size is also returned by itself. */
static inline double require(const Recipe *recipe, const Work *work, const int64_t *touched, int64_t count,
                             double *charged)
{
    const double *numbers = recipe->numbers;
    const Group *groups = recipe->groups;
    double worst = 0.0, sized = 0.0, opposed = 0.0, gross = 0.0, up = 0.0, down = 0.0;
    for (int64_t slot = 0; slot < count; slot++) {
        int64_t group = touched[slot];
        double delta = work[group].delta, mine = work[group].gross;
        gross += mine;
        opposed += 0.5 * (mine + work[group].held - fabs(delta));
        double charge = numbers[LIQUIDITY_RATE] * mine;
        if (groups[group][PER_VOLUME] >= 0.0 && mine != 0.0) {
            double share = mine * groups[group][PER_VOLUME];
            charge *= numbers[EXPONENT] == 0.5 ? sqrt(share) : pow(share, numbers[EXPONENT]);
        }
        sized += charge;
        up -= delta * groups[group][BREAK_UP];
        down -= delta * groups[group][BREAK_DOWN];
    }
    for (int64_t scenario = 0; scenario < recipe->scenarios; scenario++) {
        double loss = 0.0;
        for (int64_t slot = 0; slot < count; slot++)
            loss -= work[touched[slot]].delta * recipe->shocks[touched[slot] * recipe->scenarios + scenario];
        worst = greater(worst, loss);
    }
    if (recipe->count > 1) {
        for (int64_t slot = 0; slot < count; slot++) {
            int64_t group = touched[slot];
            worst = greater(worst, up - work[group].delta * groups[group][SWING_UP]);
            worst = greater(worst, down - work[group].delta * groups[group][SWING_DOWN]);
        }
        if (count < recipe->count)
            worst = greater(greater(worst, up), down);
    }
    *charged = sized;
    return greater(worst + sized + numbers[BASIS_RATE] * opposed, numbers[MINIMUM_RATE] * gross) * numbers[FACTOR];
}

int64_t judge_portfolios(const Tile *tiles, int64_t count_of_tiles, const Page *pages, Figures *restrict figures,
                         const uint8_t *restrict watch, const Links *restrict links, uint32_t *restrict codes,
                         const double *restrict sizes, const double *restrict values, const Terms *restrict table,
                         const Edge *restrict edge, const Coin *restrict coins, const double *restrict floors,
                         int64_t assets, const Law *restrict law, const int64_t *restrict group_of,
                         const int64_t *restrict held_in, const double *restrict numbers, const Group *restrict groups,
                         int64_t count_of_groups, const double *restrict shocks, int64_t scenarios, int64_t credits,
                         uint32_t *restrict found)
{
    const Recipe recipe = { numbers, groups, count_of_groups, shocks, scenarios };
    Work work[MOST_GROUPS] = { 0 };
    int64_t touched[MOST_GROUPS], count = 0;
    if (count_of_groups > MOST_GROUPS)
        return -1;
    for (int64_t tile = 0; tile < count_of_tiles; tile++) {
        int64_t parts = tiles[tile][TILE_CAPACITY], first = tiles[tile][TILE_ROW], used = tiles[tile][TILE_USED];
        if (tiles[tile][TILE_KIND] != PORTFOLIO)
            continue;
        for (int64_t row = first; row < first + used; row++) {
            Sums sums = { 0 };
            int64_t met = 0, start = tiles[tile][TILE_CELL] + (row - first) * parts;
            for (int64_t part = start; part < start + parts; part++) {
                int64_t piece = codes[part];
                if (piece == 0)
                    continue;
                const Page *page = &pages[piece >> PAGE_BITS];
                int64_t capacity = (*page)[PAGE_CAPACITY];
                int64_t place = (*page)[PAGE_CELL] + (piece & (PAGE_ROWS - 1)) * capacity;
                const double *coin = coins[links[piece][ASSET]];
                double index = coin[INDEX], base = figures[piece][BASE], amount = base;
                double needed = figures[piece][FIXED], live = 0.0, doubt = 0.0;
                for (int64_t end = place + capacity; place < end; place++) {
                    uint32_t code = codes[place];
                    double gain = sizes[place] * values[code >> 4], notional = fabs(gain);
                    int64_t grouped = group_of[code >> 4];
                    amount += gain;
                    live += notional;
                    if (grouped >= 0) {
                        double delta = grouped & 1 ? sizes[place] : gain * index;
                        met = touch(work, touched, met, grouped >> 1);
                        work[grouped >> 1].delta += delta;
                        work[grouped >> 1].gross += fabs(delta);
                        continue;
                    }
                    if ((notional < table[code][LOWEST]) | (notional >= table[code][HIGHEST])) {
                        double more = 0.0;
                        code = bracket_of(notional, code, edge, &more);
                        codes[place] = code;
                        doubt += more;
                    }
                    needed += greater(table[code][RATE] * notional - table[code][DEDUCTION], 0.0);
                }
                double scale = 4.0 * (capacity + 16.0) * UNIT * (fabs(base) + live + needed) + doubt;
                sums.in_all += amount * (amount < 0.0 ? coin[MINUS] : coin[PLUS]);
                sums.value_error += scale * greater(coin[PLUS], coin[MINUS]);
                sums.alone += needed * index;
                sums.held_error += scale * index;
                sums.terms += capacity + 1.0;
                int64_t held = held_in[links[piece][ASSET]];
                if (held >= 0) {
                    met = touch(work, touched, met, held);
                    work[held].delta += amount * index;
                    work[held].held += fabs(amount * index);
                }
            }
            arrange(touched, met);
            double moving = 0.0, unknown = 0.0, charged;
            for (int64_t slot = 0; slot < met; slot++) {
                const Work *group = &work[touched[slot]];
                moving += group->gross + group->held;
                if (groups[touched[slot]][IS_MIXED] != 0.0)
                    unknown += group->gross > 0.0 || group->held > sums.held_error ? NAN : INFINITY;
            }
            double off = 4.0 * (sums.terms + 16.0 + 4.0 * credits) * UNIT * moving * numbers[SLOPE] + unknown;
            double requirement = require(&recipe, work, touched, met, &charged);
            off += (1.0 + numbers[EXPONENT]) * 4.0 * (sums.terms + 200.0) * UNIT * numbers[FACTOR] * charged;
            requirement += sums.alone;
            if (!isfinite(sums.in_all) || isnan(off))
                requirement = NAN;
            figures[row][EQUITY] = sums.in_all;
            figures[row][REQUIREMENT] = requirement;
            double error = (numbers[SLOPE] + 1.0) * sums.held_error + off + 4.0 * (parts + 16.0) * UNIT * requirement;
            uint8_t state = watch[row];
            double tolerance = law[state][WEIGHT] * ((1.0 + parts / 16.0) * sums.value_error + error);
            if (!is_proven(state, sums.in_all, requirement, tolerance, law)
                && is_doubtful(state, sums.in_all, requirement, figures[row][FIXED] != 0.0 || met > 0, tolerance,
                               floors + (state / STATES * assets) * 2, law))
                found[count++] = links[row][OWNER];
            for (int64_t slot = 0; slot < met; slot++)
                work[touched[slot]] = (Work){ 0 };
        }
    }
    return count;
}
