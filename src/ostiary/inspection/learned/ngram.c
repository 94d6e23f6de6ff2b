/* Reads the features of a text as inspection/learned/ngram.py does with NumPy: the same buckets, much sooner.
 *
 * - What a letter, a blank and a sign is, how a piece is hashed, and which pieces count: ngram.py says it, and a test holds
 *   both to the same answer for any text.
 * - `bits` has one bit for each bucket and is all zero before and after each call; `seen` and `plain` have room for
 *   MOST_PER_CHAR and 2 numbers for each character and 16 more. Nothing is allocated here.
 */
#include <stdint.h>

#define BUCKET_BITS 20
#define PRIME 16777619u /* of FNV-1a, 32 bits */
#define STEP 2654435761u

enum { BLANK, SIGN, LETTER };

static inline int kind(uint32_t c) {
    if (c <= 0x20) return BLANK;
    if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ? LETTER : SIGN;
    if (c == 0x85 || c == 0xA0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200B) || c == 0x2028 || c == 0x2029) return BLANK;
    if (c < 0xC0 || c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c < 0x2C00) || (c >= 0x3001 && c < 0x3040)) return SIGN;
    if ((c >= 0xFF00 && c < 0xFF10) || (c >= 0xFE10 && c < 0xFE70) || (c >= 0x1F000 && c < 0x1FB00)) return SIGN;
    return LETTER;
}

static inline uint32_t mixed(uint32_t h) {
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    h ^= h >> 16;
    return h >> (32 - BUCKET_BITS);
}

typedef struct {
    uint64_t *bits;
    int32_t *seen;
    int32_t count;
} buckets;

static inline void put(buckets *b, uint32_t hash) {
    const uint32_t at = mixed(hash);
    const uint64_t bit = 1ull << (at & 63);
    if (b->bits[at >> 6] & bit) return;
    b->bits[at >> 6] |= bit;
    b->seen[b->count++] = (int32_t)at;
}

/* Pieces of 3 to 5 characters that have a blank at their ends only, and pairs of characters of scripts without blanks. */
static void pieces(buckets *b, const uint32_t *s, int32_t n) {
    for (int32_t i = 0; i + 1 < n; i++) {
        uint32_t h = 0x811c9dc5u;
        h = (h ^ s[i]) * PRIME;
        h = (h ^ s[i + 1]) * PRIME;
        if (s[i] >= 0x2E80 && s[i + 1] >= 0x2E80) put(b, h);
        if (s[i + 1] == ' ') continue;
        for (int32_t k = 2; k < 5 && i + k < n; k++) {
            h = (h ^ s[i + k]) * PRIME;
            put(b, h);
            if (s[i + k] == ' ') break;
        }
    }
}

/* Words, pairs and threes of words. */
static void words(buckets *b, const uint32_t *s, int32_t n) {
    uint32_t one = 0, two = 0; /* the word before, and the one before that */
    int32_t before = 0;
    for (int32_t i = 0; i < n;) {
        if (kind(s[i]) != LETTER) {
            i++;
            continue;
        }
        uint32_t h = 0, power = 1;
        for (; i < n && kind(s[i]) == LETTER; i++) {
            h += (s[i] + 1) * power;
            power *= STEP;
        }
        put(b, h ^ 0x9e3779b9u);
        if (before > 0) put(b, (one * 31u + h) * PRIME ^ 0x85ebca6bu);
        if (before > 1) put(b, ((two * 31u + one) * 31u + h) * PRIME ^ 0xc2b2ae35u);
        two = one;
        one = h;
        before++;
    }
}

/* Writes the text with one blank for each run of them and at both ends, and every digit as 0; returns its length. */
static int32_t plainly(const uint32_t *codes, int32_t n, uint32_t *s) {
    int32_t m = 0;
    s[m++] = ' ';
    for (int32_t i = 0; i < n; i++) {
        const uint32_t c = codes[i];
        if (kind(c) != BLANK) s[m++] = (c >= '0' && c <= '9') ? '0' : c;
        else if (s[m - 1] != ' ') s[m++] = ' ';
    }
    if (s[m - 1] != ' ') s[m++] = ' ';
    return m;
}

static void read_all(buckets *b, const uint32_t *codes, int32_t n, uint32_t *plain) {
    const int32_t m = plainly(codes, n, plain);
    pieces(b, plain, m);
    words(b, plain, m);
}

/* Writes the buckets of the text in ascending order into seen; returns how many. */
int32_t ngram_indices(const uint32_t *codes, int32_t n, uint64_t *bits, int32_t *seen, uint32_t *plain) {
    buckets b = {bits, seen, 0};
    read_all(&b, codes, n, plain);
    int32_t at = 0;
    for (int32_t word = 0; word < (1 << BUCKET_BITS) / 64; word++) {
        uint64_t left = bits[word];
        bits[word] = 0;
        for (; left; left &= left - 1) seen[at++] = word * 64 + __builtin_ctzll(left);
    }
    return at;
}

/* For each of k parts of the text, from..to in bounds, the sum of the weights of its buckets and how many those are. */
void ngram_sums(const uint32_t *codes, const int32_t *bounds, int32_t k, const int16_t *weights, uint64_t *bits,
                int32_t *seen, uint32_t *plain, int64_t *sums, int32_t *counts) {
    for (int32_t part = 0; part < k; part++) {
        buckets b = {bits, seen, 0};
        read_all(&b, codes + bounds[2 * part], bounds[2 * part + 1] - bounds[2 * part], plain);
        int64_t sum = 0;
        for (int32_t i = 0; i < b.count; i++) {
            sum += weights[seen[i]];
            bits[seen[i] >> 6] = 0;
        }
        sums[part] = sum;
        counts[part] = b.count;
    }
}
