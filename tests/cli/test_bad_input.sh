# Bad input: one clear line on stderr that names the thing and the way out, nothing on stdout,
# exit code 1 or 2, no run folder, no file half-written.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml
run 0 "$tutti" train "$spec" -q --epochs 1 --run good
best=good/checkpoints/best.safetensors
run 0 "$tutti" data 'synth:objects?size=16&count=10' -q --export pictures

# refuses CODE TEXT COMMAND...
refuses()
{
	local code=$1 text=$2
	shift 2
	run "$code" "$tutti" "$@"
	one_line "$err"
	empty "$out"
	says "$err" "$text"
	absent runs
}

# ---- the command line ----
refuses 2 "no verb 'tarin'; did you mean 'train'?" tarin
refuses 2 "did you mean --epochs?" train "$spec" --epoch 3
refuses 2 "wants SPEC.yaml" train
refuses 2 "does not know what to do with 'b.yaml'" train "$spec" b.yaml
refuses 2 "--set wants KEY=VALUE" train "$spec" --set epochs
refuses 2 "--run wants DIR, not ''" train "$spec" --run ""
refuses 2 "--top wants a whole number" predict good x.png --top many
refuses 2 "--format wants one of text, csv, json" predict good x.png --format xml
refuses 2 "holds a run already" train "$spec" --run good

# ---- specs ----
refuses 1 "no.yaml" train no.yaml
sed 's/optimizer:/optimiser:/' "$spec" >bad.yaml
refuses 2 "did you mean 'optimizer'?" train bad.yaml
says "$err" "bad.yaml:22"
sed 's/lr: 0.05/leraning_rate: 0.05/' "$spec" >bad.yaml
refuses 2 "leraning_rate" train bad.yaml
sed 's/conv2d:/conv2b:/' "$spec" >bad.yaml
refuses 2 "did you mean 'conv2d'?" train bad.yaml
says "$err" "bad.yaml:12"
sed 's/epochs: 2/epochs: soon/' "$spec" >bad.yaml
refuses 2 "epochs" train bad.yaml
says "$err" "bad.yaml:18"
sed 's/layers:/layers: [/' "$spec" >bad.yaml
refuses 2 "bad.yaml:" train bad.yaml
sed 's/${TINY_SIZE:-16}/${NO_SUCH_SIZE}/' "$spec" >bad.yaml
refuses 2 "bad.yaml:4: NO_SUCH_SIZE is not set" train bad.yaml
head -c 200 /dev/zero >bad.yaml
refuses 2 "bad.yaml: this is no text" train bad.yaml
refuses 2 "did you mean 'epochs'" train "$spec" --set train.epoch=3
refuses 2 "batch" train "$spec" --set train.batch=0

# ---- shapes ----
sed 's/padding: 1/padding: 0/; s/kernel: 3/kernel: 30/' "$spec" >bad.yaml
run 1 "$tutti" train bad.yaml
one_line "$err"
says "$err" "conv1"
says "$err" "3x16x16"
TINY_SIZE=20 refuses 1 "3x20x20" train "$spec"
run 1 "$tutti" eval good 'synth:objects?size=20&count=5'
one_line "$err"
run 1 "$tutti" predict good 'synth:objects?size=20&count=5'
one_line "$err"

# ---- what a few lines ask for is compared before it is made: gigabytes, and minutes ----
printf '1,2,x\n3,4,y\n' >two.csv
cat >large.yaml <<'YAML'
data: {train: "csv:two.csv"}
model: {input: [3], layers: [{dense: {out: 1000000}}, {dense: {out: 1500}}, {dense: {out: 2}}]}
YAML
refuses 1 "a sample of csv:two.csv has 2 numbers, model.input [3] wants 3" train large.yaml
python3 - large.safetensors <<'PY'
import struct, sys
head = (b'{"__metadata__":{"tutti.format":"1","tutti.spec":"model: {input: [90000], layers: [{dense: '
        b'{out: 90000}}]}"},"dense1.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')
open(sys.argv[1], "wb").write(struct.pack("<Q", len(head)) + head + bytes(4))
PY
refuses 1 "large.safetensors: tensor 'dense1.weight' is 1 f32, but 90000x90000 f32 in the model" \
	eval large.safetensors csv:two.csv
mkfifo pipe
refuses 1 "pipe: is a pipe, not a file" train pipe
refuses 1 "pipe: is a pipe, not a file" data csv:pipe
refuses 1 "pipe: is a pipe, not a file" eval pipe
refuses 2 "is no name of a host" train "$spec" --hosts -oProxyCommand=id:2

# ---- data ----
refuses 1 "there is no source 'mnits'; did you mean 'mnist:'?" data mnits:x
refuses 1 "no/such" data mnist:no/such
refuses 2 "szie" data 'synth:objects?szie=3'
sed 's/"synth:.*count=256"/"mnist:${TUTTI_DATA:-data}\/mnist"/' "$spec" >bad.yaml
refuses 1 "set TUTTI_DATA" train bad.yaml
mkdir idx
printf '\0\0\10\3\0\0\0\12\0\0\0\34\0\0\0\34 short' >idx/train-images-idx3-ubyte
printf '\0\0\10\1\0\0\0\12' >idx/train-labels-idx1-ubyte
refuses 1 "train-labels-idx1-ubyte" data mnist:idx
printf '\0\0\10\1\0\0\0\12\0\1\2\3\4\5\6\7\10\11' >idx/train-labels-idx1-ubyte
refuses 1 "train-images-idx3-ubyte" data mnist:idx
printf 'a,b,label\n1,2,x\n1,two,y\n' >bad.csv
refuses 1 "bad.csv" data csv:bad.csv
says "$err" "3"
tar cf good.tar pictures
head -c 700 good.tar >bad.tar
refuses 1 "bad.tar" data images:bad.tar
mkdir -p linked/star
ln -s /etc/passwd linked/star/a.png
tar cf linked.tar linked
refuses 1 "linked.tar: member linked/star/a.png is a link" data images:linked.tar
mkdir -p torn/star
head -c 150 "$(echo pictures/star/*.png | cut -d' ' -f1)" >torn/star/half.png
refuses 1 "half.png" data images:torn
printf '\377\330\377\340\0\20JFIF\0' >half.jpg
refuses 1 "half.jpg" predict good half.jpg
refuses 1 "nobody.png" predict good nobody.png

# ---- checkpoints ----
refuses 1 "no.safetensors" eval no.safetensors
head -c 1000 $best >bad.safetensors
refuses 1 "bad.safetensors" eval bad.safetensors
head -c 4 $best >bad.safetensors
refuses 1 "bad.safetensors" predict bad.safetensors pictures/star/*.png
printf '\377\377\377\377\377\377\377\377{}' >bad.safetensors
refuses 1 "bad.safetensors" show bad.safetensors
refuses 1 "no checkpoints/best.safetensors" eval pictures
run 1 "$tutti" train "$spec" --run new --resume=bad.safetensors
one_line "$err"
absent new
sed 's/out: 8/out: 9/' "$spec" >other.yaml
run 1 "$tutti" train other.yaml --run new --resume=$best
one_line "$err"
says "$err" "holds a model of 5354 parameters, this spec's has 6022"
absent new

# ---- numbers that run away: the checkpoint from before stays ----
run 1 "$tutti" train "$spec" -q --run nan --set train.optimizer.lr=1e9
one_line "$err"
says "$err" "loss"
for f in nan/checkpoints/*; do
	[ "$f" = 'nan/checkpoints/*' ] || run 0 "$tutti" eval "$f"
done
