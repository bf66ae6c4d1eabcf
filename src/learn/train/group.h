/* group.h -- the other ranks of this process: each a trainer with a model of its own, in a thread
 * of its own, doing what rank 0 is told to do.
 *
 *   rank 0 (the caller's thread)  --command-->  peer 1, peer 2 ...  between steps
 *                                 <--sync-->                        within steps
 *
 * The lock guards everything in struct group; a peer's trainer and model belong to its thread from
 * one command to the next. */
#ifndef TRAIN_GROUP_H
#define TRAIN_GROUP_H

#include <stdint.h>

#include "base/cores.h"
#include "base/err.h"

struct tt_trainer;
struct comm;

enum group_command { GROUP_STEPS, GROUP_RUN, GROUP_MEET, GROUP_QUIT };

struct group;
/* The calling thread, which is that rank's, keeps to its part of the cores that it may use, if
 * there is one for each.  On two idle cores two ranks train cnn6 3 % faster than where the kernel
 * places them, and with a neighbour on one of them 30 % slower: whom others crowd is let go. */
void         group_stay(const struct group *g, int rank, struct cores_stay *s);
/* The ends of a group of n ranks; end 0 is rank 0's.  No threads yet. */
tt_status    group_new(struct group **out, int n, double timeout);
struct comm *group_end(const struct group *g, int rank);
/* Rank `rank` is this trainer; taken, with the model it stands on. */
void         group_add(struct group *g, int rank, struct tt_trainer *t);
tt_status    group_start(struct group *g);
/* Tell all peers what rank 0 is about to do. */
void         group_command(struct group *g, enum group_command c);
void         group_steps(struct group *g, int64_t steps);
/* Wait until no peer does anything any more: after an error, when all have given up. */
void         group_settle(struct group *g);
struct tt_trainer *group_peer(const struct group *g, int rank);
int          group_size(const struct group *g);
void         group_quit(struct group *g);                   /* end the threads            */
void         group_free(struct group **g);                  /* NULL is fine */

#endif
