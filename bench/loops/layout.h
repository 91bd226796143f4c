/* The columns of the daemon's store as C sees them; what they mean is said in monitor/core/store_columns.py. */
#ifndef LAYOUT_H
#define LAYOUT_H
#include <math.h>
#include <stdint.h>

enum { BASE, FIXED, EQUITY, REQUIREMENT, FIGURES };
enum { OWNER, ASSET, LINKS };
enum { PAGE_CELL, PAGE_CAPACITY, PAGE_KIND, PAGE_COLUMNS = 5 };
enum { TILE_ROW, TILE_USED, TILE_CELL, TILE_CAPACITY, TILE_KIND, TILE_COLUMNS };
enum { SCOPE_ROW, SCOPE_COLUMNS = 5 };
enum { SINGLE, PART, GROUP, PIECE, PORTFOLIO };
enum { PLUS, MINUS, INDEX = 6, COIN_COLUMNS = 9 };
enum { ENTER, LEAVE, WEIGHT, LAW_COLUMNS };
enum { RATE, DEDUCTION, LOWEST, HIGHEST, TERM_COLUMNS };
enum { FLOOR, JUMP, UNRULY, EDGE_COLUMNS };
enum { PAGE_BITS = 8, PAGE_ROWS = 256, STATES = 16, TIERS = 16 };
enum { BANKRUPT = 7, UNKNOWN = 8, BLOCKED = 9 };
#define NONE 0xFFFFFFFFu
#define UNIT 0x1p-53
#define GUARD (16.0 * UNIT)

typedef double Figures[FIGURES];
typedef uint32_t Links[LINKS];
typedef double Terms[TERM_COLUMNS];
typedef double Edge[EDGE_COLUMNS];
typedef double Coin[COIN_COLUMNS];
typedef double Law[LAW_COLUMNS];
typedef int64_t Page[PAGE_COLUMNS];
typedef int64_t Tile[TILE_COLUMNS];
typedef uint32_t Scope[SCOPE_COLUMNS];

/* As Python's max: the first one unless the second is greater, so that NaN stays NaN. */
static inline double greater(double one, double other) { return other > one ? other : one; }

/* The bracket of a notional; doubt grows by how far the requirement may be off because of its floors. */
static inline uint32_t bracket_of(double notional, uint32_t code, const Edge *edge, double *doubt)
{
    uint32_t here = code / TIERS * TIERS, last = here + TIERS - 1;
    while (here < last && notional >= edge[here + 1][FLOOR])
        here++;
    double more = edge[here][UNRULY];
    if (notional <= edge[here][FLOOR] * (1.0 + GUARD))
        more += edge[here][JUMP];
    if (here < last && notional >= edge[here + 1][FLOOR] * (1.0 - GUARD))
        more += edge[here + 1][JUMP];
    *doubt += more;
    return here;
}

/* Whether a status is not proven to stay. */
static inline int is_doubtful(uint8_t watch, double equity, double requirement, int has_positions, double tolerance,
                              const double *floor, const Law *law)
{
    int state = watch % STATES, proven;
    int finite = isfinite(equity + equity) && isfinite(requirement + requirement);
    int worst = equity - law[watch][ENTER] * requirement > tolerance;
    if (state >= UNKNOWN) {
        proven = state == BLOCKED || !finite;
    } else if (state == 0) {
        int nothing = equity == 0.0 && tolerance == 0.0;
        proven = worst || (!has_positions && (nothing || equity - tolerance > -floor[0]));
    } else if (state == BANKRUPT) {
        int required = has_positions && requirement > tolerance;
        proven = equity < -tolerance && (required || equity + tolerance < -floor[1]);
    } else {
        proven = worst && law[watch][LEAVE] * requirement - equity > tolerance;
    }
    return !proven || (state < UNKNOWN && !finite);
}

/* The quick test of a status that stays. */
static inline int is_proven(uint8_t watch, double equity, double requirement, double tolerance, const Law *law)
{
    double worse = equity - law[watch][ENTER] * requirement;
    double better = law[watch][LEAVE] * requirement - equity;
    return (worse > tolerance) & (better > tolerance);
}

#endif
