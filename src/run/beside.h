/* What other runs have left beside an input. */
#ifndef BESIDE_H
#define BESIDE_H

struct buf;

/*
 * The name of a state file of this input that was cut into another number of shards (0: none), in
 * the directory of `file`: what that run has sent is in other shards now. Added to `out`, which
 * stays empty where there is none, or where the directory cannot be read.
 */
void beside_other_shards(const char *file, unsigned shards, struct buf *out);

#endif
