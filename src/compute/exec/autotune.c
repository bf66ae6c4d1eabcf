/* autotune.c -- measure once, remember: the candidates race (race.h), each where it will work
 * (trial.h). */
#include "compute/exec/autotune.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "sys/policy.h"
#include "sys/thread.h"
#include "compute/exec/race.h"
#include "compute/exec/trial.h"
#include "compute/exec/tuning_cache.h"
#include "compute/ir/op.h"

#define MAX_CANDIDATES RACE_MAX
#define HEAT_BYTES ((size_t)512 << 20)      /* of those who run in turns */
#define METHOD "turns"                      /* of measuring: what another found is no choice */
#define DOING_TEXT 128

struct candidate { struct choice c; char id[VARIANT_NAME + 32]; };
struct fastest { int which; double seconds; int disturbed; };

/* The reference device counts only where nobody else can. */
static int candidates(struct plan *p, const struct ir_node *n, struct candidate *out)
{
	int count = 0;

	for (struct device *const *d = p->opts->devices; *d; d++) {
		char names[DEVICE_MAX_VARIANTS][VARIANT_NAME] = { "" };
		int k = 1;

		if (!(*d)->ops->supports(*d, p, n) || (count && !d[1]))
			continue;
		if ((*d)->ops->variants)
			k = (*d)->ops->variants(*d, p, n, names, DEVICE_MAX_VARIANTS);
		for (int i = 0; i < k && count < MAX_CANDIDATES; i++, count++) {
			out[count].c.device = *d;
			memcpy(out[count].c.variant, names[i], VARIANT_NAME);
			snprintf(out[count].id, sizeof out[count].id, "%s/%s", (*d)->ops->name,
			         out[count].c.variant);
		}
	}
	return count;
}

/* All that the speed of a node depends on, but the machine. */
static tt_status node_key(const struct plan *p, const struct ir_node *n, struct str *s)
{
	str_addf(s, "%s t%d %s %s", ir_op_name(n->op), thread_count(),
	         p->opts->precision == PRECISION_BF16 ? "bf16" : "f32",
	         p->opts->purpose == PROGRAM_INFER ? "infer" : "train");
	for (int i = 0; i < n->n_in; i++) {
		const struct layout *l = plan_layout(p, n->in[i]);
		char text[TENSOR_TEXT], name[VARIANT_NAME] = "plain";

		if (l)
			l->owner->ops->layout_text(l, name);
		str_addf(s, " %s:%s", tensor_text(&n->in[i]->desc, text), name);
	}
	ir_attr_key(&n->attr, s);
	return str_status(s);
}

/* Of all their names: a choice among others is no choice among these. */
static uint32_t fingerprint(const struct candidate *c, int count)
{
	uint32_t h = hash_bytes32(HASH_BEGIN32, METHOD, sizeof METHOD);

	for (int i = 0; i < count; i++)
		h = hash_bytes32(h, c[i].id, strlen(c[i].id) + 1);
	return h;
}

/* Kernels may be slow, and whoever waits for them lose patience. */
static tt_status check_stop(const struct plan *p)
{
	tt_status st = policy_check("the measuring of kernels");

	if (st == TT_OK && p->opts->stop && p->opts->stop(p->opts->stop_ctx))
		return err_set(TT_ESTOPPED, "stopped on request while kernels were measured");
	return st;
}

/* ---- the race ---- */

/* A candidate that runs for it. */
struct entrant { struct trial *trial; int which; };
struct heat { struct plan *plan; struct entrant entrant[MAX_CANDIDATES]; int n; size_t bytes; };

static tt_status run_one(void *ctx, int i)
{
	return trial_run(((struct heat *)ctx)->entrant[i].trial);
}

static tt_status check_lap(void *ctx)
{
	thread_look();
	return check_stop(((struct heat *)ctx)->plan);
}

static double now(void *ctx)
{
	(void)ctx;
	return thread_seconds();
}

static double hindered(void *ctx)
{
	(void)ctx;
	return thread_hindered();
}

static void end_heat(struct heat *h)
{
	for (int i = 0; i < h->n; i++)
		trial_free(&h->entrant[i].trial);
	*h = (struct heat){ .plan = h->plan };
}

static tt_status run_heat(struct heat *h, struct fastest *f)
{
	const struct race r = {
		.ctx = h, .n = h->n, .run = run_one, .check = check_lap, .seconds = now,
		.hindered = hindered,
	};
	struct race_result best;
	tt_status st = h->n ? race_run(&r, &best) : TT_OK;

	if (st == TT_OK && h->n) {
		f->disturbed |= best.disturbed;
		if (best.best >= 0 && best.seconds < f->seconds) {
			f->which = h->entrant[best.best].which;
			f->seconds = best.seconds;
		}
	}
	end_heat(h);
	return st;
}

/* One more to run with the others, if there is room.  A variant that cannot is no candidate. */
static tt_status enter(struct heat *h, const struct ir_node *n, const struct candidate *c,
                       int which, struct fastest *f)
{
	struct trial *t = NULL;
	tt_status st = trial_new(&t, h->plan, n, &c[which].c);

	if (st == TT_OK && h->n && h->bytes + trial_bytes(t) > HEAT_BYTES)
		st = run_heat(h, f);
	if (st == TT_OK) {
		h->bytes += trial_bytes(t);
		st = trial_begin(t);
	}
	if (st == TT_OK)
		h->entrant[h->n++] = (struct entrant){ t, which };
	else
		trial_free(&t);
	return st;
}

/* Which of them is fastest, and how fast. */
static tt_status measure_all(struct plan *p, const struct ir_node *n, const struct candidate *c,
                             int count, struct fastest *out)
{
	struct heat h = { .plan = p };
	char what[DOING_TEXT];
	tt_status st = TT_OK;

	*out = (struct fastest){ .seconds = 1e30 };
	snprintf(what, sizeof what, "measuring kernels: %s", n->name);
	policy_tell(what);
	for (int i = 0; i < count && st == TT_OK; i++) {
		if ((st = check_stop(p)) != TT_OK)
			break;
		st = enter(&h, n, c, i, out);
		if (st != TT_ENOMEM && st != TT_ESTOPPED)
			st = TT_OK;
	}
	if (st == TT_OK)
		st = run_heat(&h, out);
	end_heat(&h);
	return st;
}

/* What is known of a machine that was busy with something else is for this process alone. */
static tt_status remember(struct kernel_cache *cache, const char *key, const char *id,
                          const struct fastest *f)
{
	if (f->disturbed)
		return kernel_cache_note(cache, key, id);
	return kernel_cache_put(cache, key, id, 1e6 * f->seconds);
}

tt_status autotune(struct plan *p, const struct ir_node *n, struct choice *out)
{
	struct candidate c[MAX_CANDIDATES];
	struct str key = {0};
	const char *known;
	struct fastest f;
	int count = candidates(p, n, c), best = 0;
	tt_status st = TT_OK;

	if (count == 0)
		return err_set(TT_ESUPPORT, "%s (%s): no device of this build can do it", n->name,
		               ir_op_name(n->op));
	if (p->opts->cache && count > 1) {
		if ((st = node_key(p, n, &key)) != TT_OK)
			goto out;
		str_addf(&key, " of %08x", fingerprint(c, count));
		if ((st = str_status(&key)) != TT_OK)
			goto out;
		known = kernel_cache_get(p->opts->cache, key.p);
		for (best = 0; known && best < count && strcmp(c[best].id, known) != 0; best++)
			;
		if (!known || best == count) {
			if ((st = measure_all(p, n, c, count, &f)) == TT_OK)
				st = remember(p->opts->cache, key.p, c[f.which].id, &f);
			best = f.which;
		}
	}
	if (st == TT_OK)
		*out = c[best].c;
out:
	str_release(&key);
	return st;
}
