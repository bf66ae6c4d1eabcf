#include "support/tiny.h"

#include "support/support.h"

const char tiny_conv[] =
	"name: tiny-conv\n"
	"data:\n"
	"  train: synth:objects?size=8&count=50&classes=3&gray=yes\n"
	"  valid: synth:objects?size=8&count=20&classes=3&gray=yes&split=test\n"
	"  mean: 0.5\n"
	"  std: 0.25\n"
	"  augment: {crop: 1, flip: yes}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - conv2d: {name: conv1, out: 4, kernel: 3, padding: 1, bias: no}\n"
	"    - batchnorm: {name: bn1, activation: relu}\n"
	"    - maxpool: {kernel: 2}\n"
	"    - flatten\n"
	"    - dropout: {p: 0.3}\n"
	"    - dense: {name: fc1, out: 3}\n"
	"train:\n"
	"  epochs: 2\n"
	"  batch: 16\n"
	"  threads: 1\n"
	"  tune_kernels: no\n"
	"  top_k: 2\n"
	"  optimizer: {kind: adam, lr: 0.01}\n"
	"  schedule: {kind: cosine}\n"
	"  tensorboard: {every_steps: 2}\n";

const char tiny_mlp[] =
	"name: tiny-mlp\n"
	"data:\n"
	"  train: synth:objects?size=8&count=40&classes=2&gray=yes\n"
	"  mean: 0.5\n"
	"  std: 0.25\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 8, activation: relu}\n"
	"    - dense: {name: fc2, out: 2}\n"
	"train:\n"
	"  epochs: 2\n"
	"  batch: 16\n"
	"  threads: 1\n"
	"  tune_kernels: no\n"
	"  optimizer: {kind: sgd, lr: 0.05, momentum: 0.9}\n"
	"  tensorboard: {every_steps: 1}\n";

static tt_spec *read_spec(const char *text, va_list ap)
{
	tt_spec *s;
	const char *key;

	assert_ok(tt_spec_parse(&s, "tiny.yaml", text));
	while ((key = va_arg(ap, const char *)))
		assert_ok(tt_spec_set(s, key, va_arg(ap, const char *)));
	return s;
}

tt_spec *tiny_spec(const char *text, ...)
{
	tt_spec *s;
	va_list ap;

	va_start(ap, text);
	s = read_spec(text, ap);
	va_end(ap);
	return s;
}

tt_model *tiny_model(const char *text, ...)
{
	tt_model *m;
	tt_spec *s;
	va_list ap;

	va_start(ap, text);
	s = read_spec(text, ap);
	va_end(ap);
	assert_ok(tt_model_new(&m, s));
	tt_spec_free(&s);
	return m;
}
