# Every verb does what it says, on the smallest net there is.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml

# train: a run folder with all that belongs in it, talk on stderr, results on stdout
run 0 "$tutti" train "$spec" --run one
says "$err" "epoch 2/2"
says "$out" "accuracy"
says "$out" "one/checkpoints/best.safetensors"
for f in spec.yaml environment.json log.txt metrics.csv curves.svg checkpoints/last.safetensors \
         checkpoints/best.safetensors; do
	exists "one/$f"
done
exists "$(echo one/events.out.tfevents.*)"
says one/environment.json '"command"'
says one/spec.yaml 'synth:objects?size=16&count=256'

# new runs get folders of their own; --quiet leaves stderr empty; --json is one line
run 0 "$tutti" train "$spec" -q --json --epochs 1 --seed 5 --set train.batch=64
empty "$err"
one_line "$out"
last_json
says "$out" '"outcome": "trained"'
run 0 "$tutti" train "$spec" -q --epochs 1
[ "$(ls -d runs/*/ | wc -l)" -eq 2 ] || fail "two runs did not leave two folders"

# eval, with and without a source; a run folder and a file
run 0 "$tutti" eval one
says "$out" "samples     64"
says "$out" "truth \\ answer"
says "$out" "crescent"
run 0 "$tutti" eval one/checkpoints/last.safetensors 'synth:objects?size=16&count=20' --json
one_line "$out"
last_json
says "$out" '"samples": 20'

# several side by side, on one source or each on its own; what cannot be measured is named
run 0 "$tutti" eval one one/checkpoints/last.safetensors 'synth:objects?size=16&count=20'
says_like "$out" '^one +20 +[0-9.]+ %'
says_like "$out" '^one/checkpoints/last.safetensors +20 '
run 1 "$tutti" eval one nowhere.safetensors one --json
last_json
says "$err" "tutti eval: nowhere.safetensors: "
says "$err" "1 of 3 models could not be measured"
[ "$(grep -o '"samples": 64' "$out" | wc -l)" -eq 2 ] || fail "the good ones are not told"

# the measuring of kernels, which is most of this, is no part of the speed
run 0 "$tutti" train "$spec" -q --run tuned --epochs 1 --tune-kernels on
start=$(date +%s%N)
run 0 "$tutti" eval tuned --json --kernel-cache cold.txt
took=$(($(date +%s%N) - start))
rate=$(sed 's/.*"samples_per_second": \([0-9]*\).*/\1/' "$out")
[ $((2 * 64 * 1000000000 / rate)) -lt $took ] || fail "$rate samples/s, of $took ns in all"

# data: look, draw, write out
run 0 "$tutti" data 'synth:objects?size=16&count=30' --sheet sheet.png --export pictures
says "$out" "samples     30"
says "$out" "std: ["
exists sheet.png
exists "$(echo pictures/star/*.png | cut -d' ' -f1)"
run 0 "$tutti" data images:pictures?split=train --json
last_json
says "$out" '"star": 3'

# predict: pictures by name and size, a source, three formats
run 0 "$tutti" predict one pictures/star/*.png --top 2
[ "$(wc -l <"$out")" -eq 3 ] || fail "three pictures, but not three lines"
says "$out" " %)"
run 0 "$tutti" predict one "$(echo pictures/star/*.png | cut -d' ' -f1)" --format csv
says "$out" "sample,truth,class_1,probability_1"
run 0 "$tutti" predict one pictures/star
cp "$out" folder.txt
[ "$(wc -l <folder.txt)" -eq "$(ls pictures/star/*.png | wc -l)" ] || fail "a folder is its pictures"
ls pictures/star/*.png | run 0 "$tutti" predict one -
cmp "$out" folder.txt || fail "a list of the same files"
echo nothing >bad.png
run 1 "$tutti" predict one pictures/star bad.png nobody.png
cmp "$out" folder.txt || fail "bad files take the good ones with them"
says "$err" "bad.png: "
says "$err" "nobody.png: "
says "$err" "2 of "
run 0 "$tutti" predict one 'synth:objects?size=16' --samples 70 --format json
one_line "$out"
last_json
says "$out" '"truth": '

# show: a spec, a checkpoint, the graph, the time
run 0 "$tutti" show "$spec"
says "$out" "conv1"
says "$out" "5,354"
says "$out" "memory of a training step of 32 samples"
run 0 "$tutti" show one --graph --for predict --batch 2
says "$out" "conv2d"
run 0 "$tutti" show "$spec" --measure --batch 4 --threads 1
says "$out" "samples/s"
exists cache/tutti/kernels.txt
run 0 "$tutti" show "$spec" --json --kernels
one_line "$out"
last_json

# info, version, help
run 0 "$tutti" info
says "$out" "processor"
says "$out" "ref"
run 0 "$tutti" info --json
last_json
run 0 "$tutti" version
says "$out" "tutti "
run 0 "$tutti" --version
run 0 "$tutti"
says "$out" "predict"
verbs=$("$tutti" help | sed -n 's/^  \([a-z]*\)   *[a-z].*/\1/p')
[ "$(echo $verbs | wc -w)" -ge 9 ] || fail "help lists the verbs: $verbs"
for verb in $verbs; do
	run 0 "$tutti" help $verb
	says "$out" "usage: tutti $verb"
	says "$out" "Examples:"
	cp "$out" help.txt
	run 0 "$tutti" $verb --help
	cmp -s "$out" help.txt || fail "$verb --help differs from help $verb"
done
for topic in spec layers sources strategies exit conv2d; do
	run 0 "$tutti" help $topic
	empty "$err"
done

run 0 "$tutti" help conv2d
says "$out" "conv2d: "
lacks "$out" "dense: "
run 0 "$tutti" help strategies
says "$out" "  hogwild "
for pair in layer:layers strategys:strategies conv2:conv2d trian:train; do
	run 2 "$tutti" help ${pair%:*}
	says "$err" "did you mean '${pair#*:}'?"
done
run 2 "$tutti" train "$here/tiny.yaml" --strategy hogwil
says "$err" "--strategy wants one of "

# completion knows the verbs and their options
run 0 "$tutti" help --completion bash
bash -n "$out" || fail "the completion is no bash"
. "$out"
COMP_WORDS=(tutti tr) COMP_CWORD=1
_tutti
[ "${COMPREPLY[*]}" = train ] || fail "tr is completed to '${COMPREPLY[*]}'"
COMP_WORDS=(tutti train --tune-kernels o) COMP_CWORD=3
_tutti
[ "${COMPREPLY[*]}" = "on off" ] || fail "--tune-kernels o is completed to '${COMPREPLY[*]}'"
COMP_WORDS=(tutti train --strategy hog) COMP_CWORD=3
_tutti
[ "${COMPREPLY[*]}" = hogwild ] || fail "--strategy hog is completed to '${COMPREPLY[*]}'"
COMP_WORDS=(tutti help la) COMP_CWORD=2
_tutti
[ "${COMPREPLY[*]}" = layers ] || fail "help la is completed to '${COMPREPLY[*]}'"
COMP_WORDS=(tutti eval --ba) COMP_CWORD=2
_tutti
[ "${COMPREPLY[*]}" = --batch ] || fail "eval --ba is completed to '${COMPREPLY[*]}'"

# zsh reads the same script by eval
if command -v zsh >/dev/null; then
	PATH=$(dirname "$tutti"):$PATH run 0 zsh -f -c 'autoload -U compinit && compinit -u -D
		eval "$(tutti help --completion zsh)"; print $_comps[tutti]'
	says "$out" _tutti
fi
