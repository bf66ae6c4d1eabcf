/* predict.c -- load a checkpoint and ask it about the samples of a source.
 *
 *   cc predict.c -o predict $(pkg-config --cflags --libs tutti)
 *   ./predict lenet.safetensors 'mnist:data/mnist?split=test' 5 */
#include <stdio.h>
#include <stdlib.h>

#include <tutti/session.h>

static int64_t largest(const float *v, int64_t n)
{
	int64_t best = 0;

	for (int64_t i = 1; i < n; i++)
		if (v[i] > v[best])
			best = i;
	return best;
}

/* Room for one sample: as the source stores it, as the net reads it, and the answer. */
struct room { void *raw; float *x, *out; };

static tt_status ask(tt_session *p, const tt_source *s, int64_t index, struct room *r)
{
	const tt_source_info *info = tt_source_describe(s);
	int32_t   label = -1;
	int64_t   answer;
	tt_status st;

	if ((st = tt_source_read(s, index, r->raw, &label, NULL)) != TT_OK ||
	    (st = tt_session_normalise(p, info, r->raw, r->x)) != TT_OK ||
	    (st = tt_session_run(p, r->x, 1, r->out)) != TT_OK)
		return st;
	answer = largest(r->out, tt_session_outputs(p));
	printf("sample %lld: class %lld with %.2f %%, in truth %d\n", (long long)index,
	       (long long)answer, 100 * (double)r->out[answer], (int)label);
	return TT_OK;
}

static int64_t numbers(const tt_source_info *info)
{
	int64_t n = 1;

	for (int i = 0; i < info->ndim; i++)
		n *= info->shape[i];
	return n;
}

static tt_status ask_all(tt_session *p, const tt_source *s, int64_t n)
{
	size_t      in = (size_t)tt_session_inputs(p), out = (size_t)tt_session_outputs(p);
	struct room r = { malloc(in * sizeof(float)), malloc(in * sizeof(float)),
	                  malloc(out * sizeof(float)) };
	tt_status   st = r.raw && r.x && r.out ? TT_OK : TT_ENOMEM;

	for (int64_t i = 0; st == TT_OK && i < n && i < tt_source_describe(s)->count; i++)
		st = ask(p, s, i, &r);
	free(r.raw);
	free(r.x);
	free(r.out);
	return st;
}

int main(int argc, char **argv)
{
	tt_model   *model = NULL;
	tt_session *session = NULL;
	tt_source  *source = NULL;
	tt_status   st;
	int         fits = 1;

	if (argc < 3) {
		fprintf(stderr, "usage: predict CHECKPOINT SOURCE [N]\n");
		return 2;
	}
	if ((st = tt_model_load(&model, argv[1])) == TT_OK &&
	    (st = tt_source_open(&source, argv[2])) == TT_OK &&
	    (st = tt_session_new(&session, model, TT_SESSION_OPTS(.batch = 1))) == TT_OK) {
		fits = numbers(tt_source_describe(source)) == tt_session_inputs(session);
		if (fits)
			st = ask_all(session, source, argc > 3 ? atoll(argv[3]) : 10);
	}
	if (!fits)
		fprintf(stderr, "predict: the source does not fit the net\n");
	else if (st != TT_OK)
		fprintf(stderr, "predict: %s\n", tt_last_error());
	tt_session_free(&session);
	tt_source_close(&source);
	tt_model_free(&model);
	return st == TT_OK && fits ? 0 : 1;
}
