/* The networks of risk/session_net.py for many rows: the same sums in the same order, so the same bits.
 *
 * Nothing is checked here: risk/swift_net.py hands over only what parse_nets accepted, in arrays of the right length.
 */
#include <math.h>
#include <stdint.h>

typedef struct {
    int32_t columns, unsaid, units, second, nets;
    double largest;
} shape;

enum { MOST_INPUTS = 2048, MOST_UNITS = 256 }; /* of parse_nets */

/* sums += told times weights, input after input; each unit is summed by itself, so several may be at once */
static const double *layer(double *restrict sums, int32_t units, const double *weights, const double *told,
                           int32_t count) {
    for (int32_t i = 0; i < count; i++, weights += units)
        for (int32_t u = 0; u < units; u++) sums[u] += told[i] * weights[u];
    return weights;
}

static const double *answered(const double *restrict weights, const double *told, int32_t count, double *total) {
    for (int32_t i = 0; i < count; i++) *total += weights[i] * told[i];
    return weights + count;
}

/* The file's weights lie layer after layer, biases after weights. */
static double answer(const shape *of, const double *weights, const double *inputs, int32_t count) {
    double first[MOST_UNITS], middle[MOST_UNITS], total;
    const int64_t wide = (int64_t)count * of->units, deep = (int64_t)of->units * of->second;
    for (int32_t u = 0; u < of->units; u++) first[u] = weights[wide + u];
    weights = layer(first, of->units, weights, inputs, count) + of->units;
    for (int32_t u = 0; u < of->units; u++) first[u] = tanh(first[u]);
    for (int32_t u = 0; u < of->second; u++) middle[u] = weights[deep + u];
    weights = layer(middle, of->second, weights, first, of->units) + of->second;
    for (int32_t u = 0; u < of->second; u++) middle[u] = tanh(middle[u]);
    total = weights[of->second + of->units + count];
    weights = answered(weights, middle, of->second, &total);
    weights = answered(weights, first, of->units, &total);
    answered(weights, inputs, count, &total);
    return total;
}

/* margins[r] = the mean answer about row r; rows lie `columns` numbers apart, weights `size`. */
void net_rows(const shape *of, const double *centre, const double *width, const int32_t *unsaid, const double *weights,
              int32_t size, const double *rows, int32_t count, double *margins) {
    double inputs[MOST_INPUTS];
    for (int32_t r = 0; r < count; r++) {
        const double *row = rows + (int64_t)r * of->columns;
        double total = 0.0;
        for (int32_t i = 0; i < of->columns; i++) {
            const double told = (row[i] - centre[i]) / width[i];
            const double flat = told != told ? 0.0 : asinh(told);
            inputs[i] = flat < -of->largest ? -of->largest : flat > of->largest ? of->largest : flat;
        }
        for (int32_t i = 0; i < of->unsaid; i++) {
            const double told = row[unsaid[i]];
            inputs[of->columns + i] = told != told ? 1.0 : 0.0;
        }
        for (int32_t n = 0; n < of->nets; n++)
            total += answer(of, weights + (int64_t)n * size, inputs, of->columns + of->unsaid);
        margins[r] = total / of->nets;
    }
}
