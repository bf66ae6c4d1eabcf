# What README and guide show is what the commands print, but for numbers (tools/tour --check).
data=${TUTTI_DATA:-}
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

TUTTI_DATA=$data run 0 "$TUTTI_SOURCE/tools/tour" --check --quick "$tutti" "$TUTTI_SOURCE/README.md" \
	"$TUTTI_SOURCE/docs/guide.md"

# it can say no: a line more, a line less
for wrong in 's/^samples  .*/&\nshape     a line that nobody prints/' '/^shape  /d'; do
	sed -n '/^\$ tutti data .*count/,/^```/p' "$TUTTI_SOURCE/README.md" | sed "$wrong" | sed '1i ```console' >wrong.md
	run 1 "$TUTTI_SOURCE/tools/tour" --check --quick "$tutti" wrong.md
	says "$out" "wrong.md: \$ tutti data"
done
