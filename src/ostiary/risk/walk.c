/* Walks a forest for many rows, or for one: the sums of risk/trees.py in the same order, so the same bits.
 *
 * - A leaf is a node whose three ways lead to itself, so every walk of a tree takes the same number of steps and no branch
 *   of the processor is guessed wrongly. Four walks go side by side, since each waits for memory.
 * - Nothing is checked here: risk/swift.py hands over only what risk/trees.py accepted, in arrays of the right length.
 */
#include <stdint.h>

typedef struct {
    double value; /* threshold of an inner node, value of a leaf */
    int32_t column;
    int32_t next[3]; /* for a number up to the threshold, a larger one, and none */
} node;

static inline int32_t step(const node *nodes, int32_t at, const double *row) {
    const node *here = nodes + at;
    const double told = row[here->column];
    return here->next[(told > here->value) + 2 * (told != told)]; /* NaN is not itself, and larger than nothing */
}

static inline double walked(const node *nodes, int32_t at, int32_t depth, const double *row) {
    while (depth-- > 0) at = step(nodes, at, row);
    return nodes[at].value;
}

/* margins[r] += the leaves that row r reaches, tree after tree; rows lie `width` numbers apart. */
void walk_rows(const node *nodes, const int32_t *roots, const int32_t *depths, int32_t trees, const double *rows,
               int32_t width, int32_t count, double *margins) {
    for (int32_t tree = 0; tree < trees; tree++) {
        const int32_t root = roots[tree], depth = depths[tree];
        int32_t r = 0;
        for (; r + 4 <= count; r += 4) {
            const double *row = rows + (int64_t)r * width;
            int32_t a = root, b = root, c = root, d = root;
            for (int32_t left = depth; left > 0; left--) {
                a = step(nodes, a, row);
                b = step(nodes, b, row + width);
                c = step(nodes, c, row + 2 * (int64_t)width);
                d = step(nodes, d, row + 3 * (int64_t)width);
            }
            margins[r] += nodes[a].value;
            margins[r + 1] += nodes[b].value;
            margins[r + 2] += nodes[c].value;
            margins[r + 3] += nodes[d].value;
        }
        for (; r < count; r++) margins[r] += walked(nodes, root, depth, rows + (int64_t)r * width);
    }
}

/* Returns the sum of the leaves that one row reaches. */
double walk_row(const node *nodes, const int32_t *roots, const int32_t *depths, int32_t trees, const double *row) {
    double total = 0.0;
    int32_t t = 0;
    for (; t + 4 <= trees; t += 4) {
        int32_t a = roots[t], b = roots[t + 1], c = roots[t + 2], d = roots[t + 3], deepest = depths[t];
        for (int32_t other = 1; other < 4; other++)
            if (depths[t + other] > deepest) deepest = depths[t + other];
        for (int32_t left = deepest; left > 0; left--) {
            a = step(nodes, a, row);
            b = step(nodes, b, row);
            c = step(nodes, c, row);
            d = step(nodes, d, row);
        }
        total += nodes[a].value;
        total += nodes[b].value;
        total += nodes[c].value;
        total += nodes[d].value;
    }
    for (; t < trees; t++) total += walked(nodes, roots[t], depths[t], row);
    return total;
}
